#!/bin/sh
# Installs Debian's chromium for the browser tests, where it is missing and the rights are there.
#
# Without it those tests are skipped by name; with CI=true that is a failure.

set -eu

say() { printf 'browser: %s\n' "$*"; }
found() { command -v "$1" >/dev/null 2>&1; }
as_root() {
    if [ "$(id -u)" = 0 ]; then
        DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

if found chromium; then
    exit
fi
if ! found apt-get; then
    why="there is no apt-get to install it with"
elif [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
    why="installing it needs root (sudo apt-get install chromium)"
else
    say "installing chromium by apt-get"
    if as_root apt-get update --quiet --quiet &&
        as_root apt-get install --quiet --quiet --yes --no-install-recommends chromium &&
        found chromium; then
        exit
    fi
    why="apt-get could not install it"
fi
if [ "${CI:-}" = true ]; then
    say "no chromium: $why" >&2
    exit 1
fi
say "no chromium: $why; the browser tests will be skipped"
