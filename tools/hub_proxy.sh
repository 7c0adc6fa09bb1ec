#!/bin/sh
# Installs JupyterHub's proxy by npm into build/, for the tests with a real Hub, where it is missing.
#
# Without it those tests are skipped by name; with CI=true that is a failure.

set -eu

PROXY=5.3.0

say() { printf 'hub proxy: %s\n' "$*"; }
found() { command -v "$1" >/dev/null 2>&1; }

get_proxy() {
    there="$(cat build/hub-proxy/version 2>/dev/null || true)"
    [ "$there" = "$PROXY" ] && return
    if ! found npm || ! found node; then
        why="there is no npm to install it with"
        return 1
    fi
    say "installing configurable-http-proxy $PROXY by npm"
    why="npm could not install it"
    mkdir -p build/hub-proxy
    npm install --silent --no-audit --no-fund --no-save --no-package-lock --ignore-scripts \
        --prefix build/hub-proxy "configurable-http-proxy@$PROXY" &&
        echo "$PROXY" >build/hub-proxy/version
}

if get_proxy; then
    exit
elif [ "${CI:-}" = true ]; then
    say "none: $why" >&2
    exit 1
fi
say "none: $why; tests that need it will be skipped"
