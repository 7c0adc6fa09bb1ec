#!/bin/sh
# Installs Debian's bubblewrap, in which jobs can be boxed, where it is missing and the rights are there.
#
# Without it the tests of boxes are skipped by name; with CI=true that is a failure.

set -eu

say() { printf 'bubblewrap: %s\n' "$*"; }
found() { command -v "$1" >/dev/null 2>&1; }
as_root() {
    if [ "$(id -u)" = 0 ]; then
        DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

get_bubblewrap() {
    found bwrap && return
    if ! found apt-get; then
        why="there is no apt-get to install it with"
        return 1
    fi
    if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
        why="installing it needs root (sudo apt-get install bubblewrap)"
        return 1
    fi
    say "installing it by apt-get"
    why="apt-get could not install it"
    as_root apt-get update --quiet --quiet &&
        as_root apt-get install --quiet --quiet --yes --no-install-recommends bubblewrap &&
        found bwrap
}

if get_bubblewrap; then
    exit
elif [ "${CI:-}" = true ]; then
    say "none: $why" >&2
    exit 1
fi
say "none: $why; tests that need it will be skipped"
