#!/bin/sh
# Fetches Debian's RabbitMQ for the tests of it, where it is missing and the rights are there. Erlang is
# installed; RabbitMQ itself is unpacked into build/rabbitmq, so that no service starts.

set -eu

NAME=rabbitmq
. tools/installing.sh
place=build/rabbitmq

is_there() { found rabbitmq-server || ls "$place"/usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server >/dev/null 2>&1; }

needs() { apt-cache depends rabbitmq-server | awk '$1 == "Depends:" && $2 ~ /^erlang-/ { print $2 }'; }

get_rabbitmq() {
    if is_there; then
        found erl && return
    fi
    # The list of what it needs is Debian's own; before an update there may be none.
    [ -n "$(needs 2>/dev/null)" ] || from_debian erlang erlang-base || return 1
    # shellcheck disable=SC2046 # one word each
    found erl && [ -d /usr/lib/erlang/lib ] && ls -d /usr/lib/erlang/lib/ssl-* >/dev/null 2>&1 ||
        from_debian erlang $(needs) || return 1
    why="apt-get could not fetch it"
    rm -rf "$place.half"
    mkdir -p "$place.half/deb"
    (cd "$place.half/deb" && apt-get download -qq rabbitmq-server) >/dev/null 2>&1 || return 1
    for package in "$place.half"/deb/*.deb; do
        dpkg -x "$package" "$place.half"
    done
    rm -rf "$place.half/deb" "$place"
    mv "$place.half" "$place"
    is_there
}

obtain get_rabbitmq none
