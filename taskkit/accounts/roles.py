"""What a process needs of Redis by its role, and nothing besides.

Found by running the suite under it until ``ACL LOG`` stayed empty; tests/security/test_accounts.py
does so again. A command that a script of the ledger calls counts as the caller's own, so that keys
and commands hold for scripts, too, also for one that somebody else wrote.

Source: Redis, "ACL": rules that the versions from 6.2 on read alike, but for what is marked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

OLDEST = (6, 2)

Version = tuple[int, ...]


class Role(StrEnum):
    """Who asks Redis."""

    ADMIN = "admin"
    #: Who runs Redis: has it read this file again, looks after it, restores a copy.
    SERVER = "server"
    BACKUP = "backup"
    #: `taskkit backup`; to put a copy back is for the admin, for it replaces everything.
    WORKER = "worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What a role may do."""

    commands: tuple[str, ...]
    #: As rules have them, without the ``+``: ``get``, ``config|get``.
    keys: tuple[str, ...]
    #: Patterns of the keys that may be read and written.
    read: tuple[str, ...] = ()
    #: Of those that may be read alone; before Redis 7, which knows no difference, written, too.


_CONNECTION = "auth client|setinfo multi exec ping select"
_SCRIPTS = "evalsha script|load time"
_BROKER = (
    "taskkit.jobs*",
    "_kombu.binding.taskkit.jobs*",
    "_kombu.binding_permanent.taskkit.jobs*",
)

_WORKER = f"""{_CONNECTION} {_SCRIPTS}
append blpop brpop del exists get getrange hdel hget hgetall hincrby hkeys hmget hset hsetnx lindex
llen lpop lpush lrange persist pexpire rpop sadd set smembers xadd zadd zrange zrem zscore"""

_SERVER = f"""{_CONNECTION} {_SCRIPTS} config|get info
del exists get getrange hdel hexists hget hgetall hincrby hkeys hmget hset llen lpush lrange pexpire
rpush sadd set setrange smembers xadd xlen xrange xread zadd zcard zmscore zrange zrangebyscore zrem
zremrangebyscore zrevrangebyscore zscore"""

_BACKUP = f"{_CONNECTION} client|pause client|unpause del dump hget info pttl scan set time zrange"

RIGHTS = {
    Role.ADMIN: Rights(commands=("@all",), keys=("*",)),
    Role.SERVER: Rights(commands=tuple(_SERVER.split()), keys=("tk:*", *_BROKER)),
    Role.BACKUP: Rights(commands=tuple(_BACKUP.split()), keys=("tk:copying",), read=("tk:*",)),
    Role.WORKER: Rights(
        commands=tuple(_WORKER.split()),
        keys=(
            *("tk:u:*", "tk:queued", "tk:leases", "tk:counts", "tk:queues", "tk:queue:*"),
            *("tk:workers", "tk:worker:*", "tk:wake:*", "tk:tasks", "tk:schema"),
            *_BROKER,
        ),
        read=("tk:retention_ms", "tk:limits"),
    ),
}
"""The tokens of users, ``tk:tokens*``, are for the server, which is asked by them, and for a
backup, which copies them. Nobody but the admin publishes or subscribes."""


def rules(role: Role, version: Version) -> str:
    """Return the rules of a role for a Redis of this version, but for who it is.

    >>> rules(Role.ADMIN, (7, 2))
    'resetchannels ~* &* +@all'
    """
    rights = RIGHTS[role]
    read = "%R~" if version >= (7, 0) else "~"
    # 7.0 and 7.1 know no CLIENT SETINFO, and start with no rule on what they do not know.
    unknown = {"client|setinfo"} if (7, 0) <= version < (7, 2) else set()
    commands = [f"+{name}" for name in rights.commands if name not in unknown]
    keys = [*(f"~{key}" for key in rights.keys), *(f"{read}{key}" for key in rights.read)]
    channels = ["&*"] if role is Role.ADMIN else []
    return " ".join(["resetchannels", *keys, *channels, *commands])
