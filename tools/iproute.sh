#!/bin/sh
# Installs Debian's iproute2, which makes hosts of a test's own, where it is missing and the rights are there.

set -eu

NAME=iproute
. tools/installing.sh
PATH="$PATH:/usr/sbin:/sbin"

get_iproute() {
    found ip || { from_debian iproute2 iproute2 && found ip; }
}

obtain get_iproute none
