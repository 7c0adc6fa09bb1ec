"""What a process needs of Redis by its role, and nothing besides.

What the verbs of the ledger need is seen by tests/ledger, where server and workers have these rules
and no others; tests/security/test_accounts.py runs whole stacks under them, and finds ``ACL LOG``
empty. A command that a script of the ledger calls counts as the caller's own, so that keys and
commands hold for scripts, too, also for one that somebody else wrote.

Source: Redis, "ACL": rules that the versions from 6.2 on read alike, but for what is marked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

OLDEST = (6, 2)

FORM = 1
"""Raised where a role is given what it had not in a release: see `mark`."""

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
append blpop brpop del exists get getdel getrange hdel hexists hget hgetall hincrby hkeys hlen
hmget hset hsetnx lindex llen lpop lpush lrange lrem persist pexpire pttl rpop rpush sadd set
sismember smembers srandmember srem wait xadd zadd zrange zrangebyscore zrem zscore"""

_SERVER = f"""{_CONNECTION} {_SCRIPTS} config|get info
del exists get getdel getrange hdel hexists hget hgetall hincrby hkeys hlen hmget hset hsetnx
lindex llen lpop lpush lrange lrem pexpire pttl rpop rpush sadd scard set setrange sismember
smembers srandmember srem wait xadd xlen xrange xread zadd zcard zcount zmscore zrange
zrangebyscore zrem zremrangebyscore zrevrangebyscore zscore"""

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
            *("tk:lane*", "tk:environment:*", "tk:figures:uncounted"),
            *_BROKER,
        ),
        read=("tk:retention_ms", "tk:limits"),
    ),
}
"""The tokens of users and of links, ``tk:tokens*`` and ``tk:shares*``, are for the server, which is
asked by them, and for a backup, which copies them. Nobody but the admin publishes or subscribes."""


_MARKED = (Role.SERVER, Role.WORKER)
"""Those who run the scripts of the ledger."""


def mark(form: int) -> str:
    """Return the key that an account may look for, which is never there, if it has the rights of
    this `FORM`. So a process learns before its first job that a script would be stopped half-way.
    """
    return f"taskkit.rights:{form}"


def rules(role: Role, version: Version) -> str:
    """Return the rules of a role for a Redis of this version, but for who it is.

    >>> rules(Role.ADMIN, (7, 2))
    'resetchannels ~* &* +@all'
    """
    rights = RIGHTS[role]
    marks = [mark(form) for form in range(1, FORM + 1)] if role in _MARKED else []
    read = "%R~" if version >= (7, 0) else "~"
    # 7.0 and 7.1 know no CLIENT SETINFO, and start with no rule on what they do not know.
    unknown = {"client|setinfo"} if (7, 0) <= version < (7, 2) else set()
    commands = [f"+{name}" for name in rights.commands if name not in unknown]
    to_read = [f"{read}{key}" for key in (*rights.read, *marks)]
    channels = ["&*"] if role is Role.ADMIN else []
    keys = [f"~{key}" for key in rights.keys]
    return " ".join(["resetchannels", *keys, *to_read, *channels, *commands])
