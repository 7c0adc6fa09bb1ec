#!/bin/sh
# Install iproute2, which makes the hosts of one of the faults, where it is missing and the rights are
# there. Without it that fault is skipped by name.
set -eu

if command -v ip >/dev/null 2>&1; then
    exit
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "chaos: installing iproute2"
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends iproute2; } >/dev/null 2>&1 ||
        echo "chaos: iproute2 could not be installed"
else
    echo "chaos: iproute2 is not installed (as root: apt-get install iproute2)"
fi
