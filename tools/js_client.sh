#!/bin/sh
# Installs what clients/js stands on, as its lock says, where that has changed.

set -eu

NAME=jsclient
. tools/installing.sh

FOLDER=clients/js
get_packages() {
    stamp=$FOLDER/node_modules/.package-lock.json
    [ "$stamp" -nt "$FOLDER/package-lock.json" ] && return
    for program in node npm; do
        if ! found "$program"; then
            why="there is no $program"
            return 1
        fi
    done
    say "installing by npm"
    why="npm could not install it"
    npm ci --silent --no-audit --no-fund --ignore-scripts --prefix "$FOLDER" && touch "$stamp"
}

obtain get_packages none
