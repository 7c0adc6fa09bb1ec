#!/bin/sh
# Installs what the browser tests need where it is missing and the rights are there: Debian's chromium,
# and from npm axe-core, which finds faults in what screen readers get.
#
# Without them those tests are skipped by name; with CI=true that is a failure.

set -eu

AXE=4.14.1

say() { printf 'browser: %s\n' "$*"; }
found() { command -v "$1" >/dev/null 2>&1; }
as_root() {
    if [ "$(id -u)" = 0 ]; then
        DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

get_chromium() {
    found chromium && return
    if ! found apt-get; then
        why="there is no apt-get to install it with"
        return 1
    fi
    if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
        why="installing it needs root (sudo apt-get install chromium)"
        return 1
    fi
    say "installing chromium by apt-get"
    why="apt-get could not install it"
    as_root apt-get update --quiet --quiet &&
        as_root apt-get install --quiet --quiet --yes --no-install-recommends chromium &&
        found chromium
}

get_axe() {
    there="$(cat build/axe/version 2>/dev/null || true)"
    [ "$there" = "$AXE" ] && return
    if ! found npm; then
        why="there is no npm to install it with"
        return 1
    fi
    say "installing axe-core $AXE by npm"
    why="npm could not install it"
    mkdir -p build/axe
    npm install --silent --no-audit --no-fund --no-save --no-package-lock --ignore-scripts \
        --prefix build/axe "axe-core@$AXE" && echo "$AXE" >build/axe/version
}

for part in chromium axe; do
    if "get_$part"; then
        continue
    elif [ "${CI:-}" = true ]; then
        say "no $part: $why" >&2
        exit 1
    fi
    say "no $part: $why; tests that need it will be skipped"
done
