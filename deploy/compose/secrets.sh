#!/bin/sh
# Makes the secrets of compose.yaml, once, and lends each to those containers whom it is for:
#
#   sudo sh secrets.sh              # or, with rootless podman: podman unshare sh secrets.sh
#
# They are root's, mode 0440, of a group that is of nobody outside of the containers.

set -eu
cd "$(dirname "$0")"

if [ "$(id -u)" != 0 ]; then
    echo "secrets: only root can lend files: sudo sh $0 (rootless: podman unshare sh $0)" >&2
    exit 1
fi
sh ../kubernetes/secrets.sh secrets
lend() { # GROUP FILE...
    group=$1
    shift
    chown "0:$group" "$@"
    chmod 0440 "$@"
}
cd secrets
lend 10001 redis.url signing.keys token
lend 999 users.acl
