#!/bin/sh
# Makes the secrets of a new taskkit in FOLDER, where there are none yet: sh secrets.sh FOLDER
#
# Keep them where backups do not lie: without signing.keys restored jobs are not run.

set -eu

folder="${1:?which folder shall they be in?}"
umask 077
mkdir -p "$folder"

random() { # 256 bits
    od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}
make() { # FILE, with what comes on standard input; one that is there stays
    if [ ! -e "$folder/$1" ]; then
        cat >"$folder/.$1" && mv "$folder/.$1" "$folder/$1"
    fi
}

pair="$(cd "$folder" && ls redis.url users.acl 2>/dev/null | wc -l)"
if [ "$pair" -eq 1 ]; then
    echo "secrets: of redis.url and users.acl, which belong together, one is missing" >&2
    exit 1
fi
if [ "$pair" -eq 0 ]; then
    password="$(random)"
    hash="$(printf %s "$password" | sha256sum | cut -d ' ' -f 1)"
    # Its own file is replayed as the user `default`, who must be allowed all for that: Redis 7.0 and
    # older Valkeys (9.1.2 does not) else throw away each transaction in it, which only their log
    # says. Nobody knows that user's password; who looks whether Valkey is well is `health`.
    # Source: https://github.com/valkey-io/valkey/issues/3983
    make users.acl <<END
user default on #$(random | sha256sum | cut -d ' ' -f 1) sanitize-payload ~* &* +@all
user health on nopass sanitize-payload resetkeys resetchannels -@all +ping
user taskkit on #$hash ~tk:* ~taskkit.* ~_kombu.* ~unacked* &* +@all -@admin -@dangerous +info +config|get +client|pause +client|unpause
END
    printf 'redis://taskkit:%s@taskkit-valkey:6379/0\n' "$password" | make redis.url
fi
random | make token
random | make signing.keys
