#!/bin/sh
# Makes build/bench-env for `make bench`: what ./.env has, and the neighbours of the group `bench`,
# which ./.env never sees. Does nothing where it is up to date. It needs ./.env, and is made with
# what that was made with: uv, or venv + pip.

set -eu
cd "$(dirname "$0")/.."

prefix=$PWD/build/bench-env
python=$prefix/bin/python
export PYTHONNOUSERSITE=1

say() { printf 'bench: %s\n' "$*"; }

way=$(cut -d ' ' -f 1 .env/locked)
made="$way $(cat requirements.lock pyproject.toml tools/bench_env.sh | cksum) $PWD"
if [ "$(cat "$prefix/made" 2>/dev/null)" = "$made" ] && "$python" -c '' 2>/dev/null; then
    say "build/bench-env is up to date"
    exit
fi

say "making build/bench-env; it may take some minutes"
rm -rf "$prefix"
mkdir -p build
if [ "$way" = uv ]; then
    uv venv --quiet --python .env/bin/python "$prefix"
    set -- uv pip install --quiet --python "$python"
else
    .env/bin/python -m venv "$prefix"
    set -- "$python" -m pip install --quiet --disable-pip-version-check
fi
"$@" --require-hashes --requirement requirements.lock
"$@" --no-deps --no-build-isolation --editable .
# Older versions of pip do not know dependency groups.
"$python" - >"$prefix/neighbours.txt" <<'END'
import tomllib

with open("pyproject.toml", "rb") as file:
    print(*tomllib.load(file)["dependency-groups"]["bench"], sep="\n")
END
"$@" --requirement "$prefix/neighbours.txt"
echo "$made" >"$prefix/made"
say "build/bench-env is ready"
