#!/bin/sh
# Gets a Redis that speaks TLS for the tests of it, where there is none: Debian's packages, unpacked into
# build/tls-redis and not installed, so that no service starts.

set -eu

NAME=tls-redis
. tools/installing.sh
place=build/tls-redis

speaks_tls() {
    timeout 10 "$1" --port 0 --tls-port 1 --save '' 2>&1 | grep -q tls-cert-file
}

is_there() {
    [ -x "$place/usr/bin/redis-server" ] && return
    for name in valkey-server redis-server; do
        if found "$name" && speaks_tls "$name"; then
            return
        fi
    done
    return 1
}

# What a machine without Redis lacks: redis-tools has the program, the libraries are what it is linked with.
unpack_it() {
    half=$place.half
    rm -rf "$half"
    mkdir -p "$half/deb"
    (
        cd "$half/deb"
        apt-get -o APT::Sandbox::User=root download --quiet --quiet \
            redis-server redis-tools libjemalloc2 liblzf1
    ) || return 1
    for package in "$half"/deb/*.deb; do
        dpkg -x "$package" "$half" || return 1
    done
    rm -rf "$half/deb" "$place"
    mv "$half" "$place"
}

get_tls_redis() {
    is_there && return
    if ! found apt-get || ! found dpkg; then
        why="there is no apt-get to get one with"
        return 1
    fi
    say "getting Debian's redis-server into $place"
    # Without the rights, with what is known of packages here.
    if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then
        as_root apt-get update --quiet --quiet || true
    fi
    why="apt-get could not get one"
    unpack_it
}

get_openssl() {
    found openssl || { from_debian openssl openssl && found openssl; }
}

obtain get_openssl "no openssl"
obtain get_tls_redis none
