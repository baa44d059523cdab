# Package lists apart from those of this machine, for scripts that look into packages without
# installing them. Sourced behind common.sh; `dir` and `mirror` are the caller's.
# shellcheck shell=bash disable=SC2154

# The first Debian mirror among apt's own sources, in either format.
find_mirror() {
    apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null |
        grep -v security | head -n 1
}

# apt with lists of its own, below $dir: private_apt PROGRAM ARGUMENT...
private_apt() {
    "$1" -o Dir::Etc::sourcelist="$dir/apt/debian.sources" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State::lists="$dir/apt/lists" -o Dir::State::status=/dev/null \
        -o Dir::Cache="$dir/apt/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none \
        -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
        -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false "${@:2}"
}

# Writes the sources of that apt: write_source TYPES SUITE..., where TYPES is "deb", "deb-src" or both.
write_source() {
    local types=$1 keys=/usr/share/keyrings/debian-archive-keyring.gpg
    shift
    mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial"
    {
        echo "Types: $types"
        echo "URIs: $mirror"
        echo "Suites: $*"
        echo "Components: main"
        [ ! -e "$keys" ] || echo "Signed-By: $keys"
    } >"$dir/apt/debian.sources"
}
