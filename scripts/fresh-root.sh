# Shared by the scripts that try something in a fresh Debian root: `source` it behind common.sh.
# shellcheck shell=bash

# The mirrors this machine uses itself, Debian's own only: "deb URI suite component".
debian_sources() {
    apt-get indextargets --format '$(ORIGIN)|$(CODENAME)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)' \
        'Created-By: Packages' |
        awk -F'|' '$1 == "Debian" && $2 ~ /^bookworm/ && $5 == "main" { print "deb", $3, $4, $5 }' | sort -u
}

# Makes a minimal Debian 12: fresh_root DIR PACKAGE,...
fresh_root() {
    local new=$1 sources
    sources=$(debian_sources)
    [ -n "$sources" ] || die "no Debian bookworm source among this machine's apt sources (apt-get update?)"
    say "a fresh Debian 12 in $new"
    as_root mmdebstrap --quiet --variant=minbase --include="$2" bookworm "$new" - <<<"$sources"
    # The same proxies and certificates as outside, or nothing in there reaches a package.
    as_root sh -c "cp -r /etc/apt/apt.conf.d/*prox* '$new/etc/apt/apt.conf.d/' 2>/dev/null || true"
    as_root cp /etc/resolv.conf /etc/hosts "$new/etc/"
    as_root mkdir -p "$new/etc/ssl/certs"
    as_root cp /etc/ssl/certs/ca-certificates.crt "$new/etc/ssl/certs/"
}

# Runs a command line in a root, in name spaces that end with it: inside DIR COMMANDS [MOUNT FROM]. FROM
# of this machine is seen at MOUNT, read-only.
inside() {
    as_root unshare --mount --pid --uts --ipc --fork --kill-child bash -s -- "$@" <<'SH'
set -euo pipefail
new=$1 commands=$2
mount --make-rprivate /
mount --bind "$new" "$new"
mount -t proc proc "$new/proc"
mount --rbind /sys "$new/sys"
mount --rbind /dev "$new/dev"
mount -t tmpfs tmpfs "$new/run"
if [ $# -gt 2 ]; then
    mkdir -p "$new$3"
    mount --bind "$4" "$new$3"
    mount -o remount,bind,ro "$new$3"
fi
cd /
proxies=()
for name in http_proxy https_proxy no_proxy; do
    [ -z "${!name:-}" ] || proxies+=("$name=${!name}")
done
exec chroot "$new" /usr/bin/env -i HOME=/root TERM="${TERM:-dumb}" CI="${CI:-}" "${proxies[@]}" \
    PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    bash -c "$commands"
SH
}
