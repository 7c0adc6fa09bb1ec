#!/bin/sh
# Install what two of the faults need, where it is missing and the rights are there: libfaketime sets
# processes' clocks, iproute2 makes hosts. Without them those two are skipped by name.
set -eu

missing=
ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || missing="$missing libfaketime"
command -v ip >/dev/null 2>&1 || missing="$missing iproute2"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "chaos: installing$missing"
  # shellcheck disable=SC2086  # several words are several packages
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >/dev/null 2>&1 ||
    echo "chaos:$missing could not be installed"
else
  echo "chaos:$missing not installed (as root: apt-get install$missing)"
fi
