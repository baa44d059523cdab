# Shared by the scripts beside it: `source` it, do not run it.
# shellcheck shell=bash

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
TARGET=${CARGO_TARGET_DIR:-target}
# cargo is run in the root, and takes a relative path from there.
[[ $TARGET = /* ]] || TARGET=$ROOT/$TARGET
# Tools that are built once and used by every checkout.
CACHE=${OVERPATH_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/overpath}

say() { printf '==> %s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Prints the comment at the head of the calling script: that is its help.
usage() { sed -n '2,/^[^#]/{/^#/!d;s/^# \{0,1\}//;p}' "$0"; }

have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" -eq 0 ]; }

# Runs a command with root's rights, through sudo where we are not root.
as_root() {
    if is_root; then
        "$@"
    elif have sudo; then
        sudo -- "$@"
    else
        die "root rights are needed for: $*; run as root, or install sudo"
    fi
}

# A name that no other run on this machine uses, short enough for an interface.
unique() { printf '%s%s' "$1" "$$"; }

# First CPU that this process may use, and the second (or the first again).
cpus() {
    python3 -c 'import os; c = sorted(os.sched_getaffinity(0)); print(c[0], c[min(1, len(c) - 1)])'
}

# The target triple of the host, as cargo's environment variables spell it.
host_triple_env() {
    rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_'
}

# Waits until a command succeeds: wait_for SECONDS COMMAND...
wait_for() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.1
    done
}

# Ends a child of ours: asks, waits 40 s, then insists. Gives back its exit status.
stop_child() {
    local pid=$1 status=0
    kill -TERM "$pid" 2>/dev/null || true
    wait_for 40 eval "! kill -0 $pid 2>/dev/null" || kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || status=$?
    return "$status"
}
