#!/bin/sh
# Installs what the browser tests need where it is missing and the rights are there: Debian's chromium,
# and from npm axe-core, which finds faults in what screen readers get.

set -eu

AXE=4.14.1
NAME=browser
. tools/installing.sh

get_chromium() {
    found chromium || { from_debian chromium chromium && found chromium; }
}
get_axe() { from_npm build/axe axe-core "$AXE"; }

for part in chromium axe; do
    obtain "get_$part" "no $part"
done
