#!/bin/sh
# Fetches Debian's RabbitMQ for the tests of it, where it is missing and the rights are there. Erlang is
# installed; RabbitMQ itself is unpacked into build/rabbitmq, so that no service starts.

set -eu

NAME=rabbitmq
. tools/installing.sh
place=build/rabbitmq

has_erlang() { found erl && ls -d /usr/lib/erlang/lib/ssl-* /usr/lib/erlang/lib/os_mon-* >/dev/null 2>&1; }
has_rabbitmq() { ls "$place"/usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server >/dev/null 2>&1; }

get_rabbitmq() {
    has_erlang || {
        # What Debian's rabbitmq-server depends on, of Erlang.
        from_debian Erlang erlang-base erlang-crypto erlang-eldap erlang-inets erlang-mnesia erlang-os-mon \
            erlang-parsetools erlang-public-key erlang-runtime-tools erlang-ssl erlang-syntax-tools erlang-tools \
            erlang-xmerl && has_erlang
    } || return 1
    if has_rabbitmq; then
        return
    fi
    say "fetching Debian's rabbitmq-server into $place"
    why="apt-get could not fetch it"
    rm -rf "$place.half"
    mkdir -p "$place.half/deb"
    (cd "$place.half/deb" && apt-get download --quiet --quiet rabbitmq-server) >/dev/null 2>&1 || return 1
    dpkg -x "$place.half"/deb/rabbitmq-server*.deb "$place.half" || return 1
    rm -rf "$place.half/deb" "$place"
    mv "$place.half" "$place"
    has_rabbitmq
}

obtain get_rabbitmq none
