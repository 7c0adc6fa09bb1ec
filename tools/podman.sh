#!/bin/sh
# Installs Debian's podman, and what makes a first image, for the tests of the images, where they are
# missing and the rights are there.

set -eu

NAME=podman
. tools/installing.sh
PATH="$PATH:/usr/sbin"

is_there() {
    for program in podman runc netavark-is-there iptables mmdebstrap ip unshare; do
        case "$program" in
        netavark-is-there) [ -x /usr/lib/podman/netavark ] && [ -x /usr/lib/podman/aardvark-dns ] ;;
        *) found "$program" ;;
        esac || return 1
    done
}
get_podman() {
    is_there || { from_debian it podman runc netavark aardvark-dns iptables iproute2 mmdebstrap && is_there; }
}

obtain get_podman none
