#!/bin/sh
# Installs Debian's nginx, for the tests of deploy/nginx, where it is missing and the rights are there.
#
# Without it those tests are skipped by name; with CI=true that is a failure.

set -eu

say() { printf 'nginx: %s\n' "$*"; }
found() { PATH="$PATH:/usr/sbin" command -v "$1" >/dev/null 2>&1; }
as_root() {
    if [ "$(id -u)" = 0 ]; then
        DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

get_nginx() {
    found nginx && found openssl && return
    if ! found apt-get; then
        why="there is no apt-get to install it with"
        return 1
    fi
    if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
        why="installing it needs root (sudo apt-get install nginx-light openssl)"
        return 1
    fi
    say "installing nginx by apt-get"
    why="apt-get could not install it"
    as_root apt-get update --quiet --quiet &&
        as_root apt-get install --quiet --quiet --yes --no-install-recommends nginx-light openssl &&
        found nginx && found openssl
}

if get_nginx; then
    exit
elif [ "${CI:-}" = true ]; then
    say "none: $why" >&2
    exit 1
fi
say "none: $why; tests that need it will be skipped"
