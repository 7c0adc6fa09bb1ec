#!/bin/sh
# Fetch a Redis that speaks TLS for the tests of it, where there is none: Debian's package, unpacked into
# build/tls-redis and not installed, so that no service starts. Without it those tests are skipped by name.
set -eu

place=build/tls-redis

speaks_tls() {
    [ -x "$1" ] && timeout 10 "$1" --port 0 --tls-port 1 --save '' 2>&1 | grep -q tls-cert-file
}

for name in valkey-server redis-server; do
    if found=$(command -v "$name") && speaks_tls "$found"; then
        exit
    fi
done
[ -x "$place/usr/bin/redis-server" ] && exit
if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg >/dev/null 2>&1; then
    echo "tls-redis: no Redis that speaks TLS is here, and no apt-get to fetch one"
    exit
fi

echo "tls-redis: fetching Debian's redis-server into $place"
half=$place.half
rm -rf "$half"
mkdir -p "$half/deb"
trap 'rm -rf "$half"' EXIT
[ "$(id -u)" != 0 ] || apt-get update -qq >/dev/null 2>&1 || true
# redis-tools has the program; the libraries are those that a machine without Redis lacks.
if (cd "$half/deb" && apt-get download -qq redis-server redis-tools libjemalloc2 liblzf1) >/dev/null 2>&1; then
    for package in "$half"/deb/*.deb; do
        dpkg -x "$package" "$half"
    done
    rm -r "$half/deb"
    mv "$half" "$place"
else
    echo "tls-redis: it could not be fetched; the tests of TLS are skipped"
fi
