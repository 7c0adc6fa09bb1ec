#!/bin/sh
# Installs Debian's bubblewrap, in which jobs can be boxed, where it is missing and the rights are there.

set -eu

NAME=bubblewrap
. tools/installing.sh

get_bubblewrap() {
    found bwrap || { from_debian it bubblewrap && found bwrap; }
}

obtain get_bubblewrap none
