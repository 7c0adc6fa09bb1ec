#!/bin/sh
# Runs tests/executor on every Python that the project is for and this machine has: on each with an
# environment of its own, build/python-3.x, made of what requirements.lock holds for it.
#
#   ARGS=...    further arguments of pytest
#
# A Python is looked for on PATH, in pyenv and by uv. One that is not there is skipped by name.

set -eu
cd "$(dirname "$0")/.."

uv=$PWD/.env/bin/uv # of the lock, so that it is there wherever ./.env is

say() { printf 'pythons: %s\n' "$*"; }

runs() { [ "$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$2" ]; }

# pyenv's own commands on PATH do nothing where another version of Python is chosen.
in_pyenv() {
    command -v pyenv >/dev/null 2>&1 || return 1
    version=$(pyenv versions --bare 2>/dev/null | grep "^$1\.[0-9]*$" | sort -V | tail -n 1)
    [ -n "$version" ] && echo "$(pyenv prefix "$version")/bin/python"
}

by_uv() { "$uv" python find --no-python-downloads --no-project "$1" 2>/dev/null; }

find_python() {
    for python in "$(command -v "python$1" || true)" "$(in_pyenv "$1" || true)" "$(by_uv "$1" || true)"; do
        if [ -n "$python" ] && runs "$python" "$1"; then
            echo "$python"
            return
        fi
    done
    return 1
}

# The same two steps as in tools/env.sh, into another folder; a stamp says for what they were done.
make_environment() {
    prefix=build/python-$2
    stamp="$1 $(cat requirements.lock pyproject.toml tools/pythons.sh | cksum) $PWD"
    if [ "$(cat "$prefix/stamp" 2>/dev/null)" != "$stamp" ]; then
        say "making $prefix on $1"
        rm -rf "$prefix"
        "$uv" venv --quiet --python "$1" "$prefix"
        "$uv" pip sync --quiet --python "$prefix/bin/python" --require-hashes requirements.lock
        "$uv" pip install --quiet --python "$prefix/bin/python" \
            --no-deps --no-build-isolation --editable .
        echo "$stamp" >"$prefix/stamp"
    fi
}

minors() {
    range='import re; print(*re.search(r">=3\.(\d+),<3\.(\d+)", open("pyproject.toml").read()).groups())'
    ./.env/bin/python -c "$range" | { read -r oldest after && seq "$oldest" "$((after - 1))"; }
}

failed='' skipped='' passed=''
for minor in $(minors); do
    name=3.$minor
    if ! python=$(find_python "$name"); then
        say "Python $name is not on this machine: skipped"
        skipped="$skipped $name"
        continue
    fi
    make_environment "$python" "$name"
    say "testing on $("build/python-$name/bin/python" -VV | head -n 1)"
    # shellcheck disable=SC2086  # several arguments
    if "build/python-$name/bin/python" -m pytest -p no:cacheprovider -q tests/executor ${ARGS:-}; then
        passed="$passed $name"
    else
        failed="$failed $name"
    fi
done

say "passed:${passed:- none}; failed:${failed:- none}; not here:${skipped:- none}"
[ -z "$failed" ] && [ -n "$passed" ]
