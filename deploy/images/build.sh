#!/bin/sh
# Builds both images of this clone with docker or podman: sh build.sh [OPTION OF docker build]...
#
#   PACKAGES="scikit-learn pandas"     what jobs import beside numpy, of what requirements.lock has
#   PYTHON_IMAGE=docker.io/library/python:3.11-slim     the Python of the notebooks
#   ENGINE=podman                      else docker where it runs, else podman

set -eu
cd "$(dirname "$0")/../.."

if [ -z "${ENGINE:-}" ]; then
    if docker info >/dev/null 2>&1; then ENGINE=docker; else ENGINE=podman; fi
fi
# The other format of podman's has no health checks.
if [ "$ENGINE" = podman ]; then set -- --format=docker "$@"; fi
if [ -n "${PYTHON_IMAGE:-}" ]; then set -- "--build-arg=PYTHON_IMAGE=$PYTHON_IMAGE" "$@"; fi

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' taskkit/__init__.py)
build() { # PART OPTION...
    part=$1
    shift
    echo "images: taskkit-$part:$version by $ENGINE"
    "$ENGINE" build --file deploy/images/Dockerfile --target "$part" --tag "taskkit-$part:$version" "$@" .
}
build server "$@"
build worker "--build-arg=PACKAGES=${PACKAGES:-}" "$@"
