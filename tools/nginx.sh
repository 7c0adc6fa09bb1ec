#!/bin/sh
# Installs Debian's nginx, for the tests of deploy/nginx, where it is missing and the rights are there.

set -eu

NAME=nginx
. tools/installing.sh
PATH="$PATH:/usr/sbin"

is_there() { found nginx && found openssl; }
get_nginx() {
    is_there || { from_debian nginx nginx-light openssl && is_there; }
}

obtain get_nginx none
