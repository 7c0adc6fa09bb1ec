#!/bin/sh
# Makes build/release-env for `make sbom` and `make release-check`: what looks at a release, by the
# hashes of requirements-release.lock. ./.env never sees it. Does nothing where it is up to date.

set -eu
cd "$(dirname "$0")/.."

prefix=$PWD/build/release-env
uv=$PWD/.env/bin/uv
made="$(cat requirements-release.lock tools/release_env.sh .env/locked | cksum) $PWD"
if [ "$(cat "$prefix/made" 2>/dev/null)" = "$made" ] && "$prefix/bin/python" -c '' 2>/dev/null; then
    exit
fi
echo "release: making build/release-env"
rm -rf "$prefix"
mkdir -p build
"$uv" venv --quiet --python .env/bin/python "$prefix"
"$uv" pip sync --quiet --python "$prefix/bin/python" --require-hashes requirements-release.lock
echo "$made" >"$prefix/made"
