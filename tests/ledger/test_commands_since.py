"""The ledger gets by with the commands of the oldest Redis that it takes: read off its scripts."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from taskkit.accounts.roles import RIGHTS, Role
from taskkit.ledger.fitness import OLDEST
from taskkit.ledger.scripts import source

SCRIPTS = files("taskkit.ledger") / "scripts"

SINCE = {
    (1, 0): "append auth del exists get hget info keys lindex llen lpop lpush lrange lrem "
    "ltrim multi exec ping rename rpop rpush sadd scard select set sismember smembers "
    "srandmember srem ttl zadd zcard zrange zrangebyscore zrem zremrangebyscore zscore",
    (2, 0): "blpop brpop config|get hdel hexists hgetall hincrby hkeys hlen hmget hset hsetnx "
    "zcount",
    (2, 2): "getrange persist setrange zrevrangebyscore",
    (2, 6): "dump evalsha pexpire pttl restore script|load time",
    (2, 8): "scan",
    (3, 0): "client|pause wait",
    (4, 0): "unlink",
    (5, 0): "xadd xlen xrange xread",
    (6, 2): "client|unpause getdel zmscore",
    (7, 2): "client|setinfo",
}
"""Version -> the commands that it or one before it brought. Source: the page of each command in the
documentation of Redis, "Available since"."""

NOT_NEEDED = {"client|setinfo"}
"""redis-py sends it, and passes over that it is not known."""

LATER = {
    r"'(PEXPIRE|EXPIRE)'[^)]*'(NX|XX|GT|LT)'": (7, 0),
    r"'SET'[^)]*'NX'[^)]*'GET'|'SET'[^)]*'GET'[^)]*'NX'": (7, 0),
    r"'(BLMPOP|LMPOP|ZMPOP|SINTERCARD|EXPIRETIME|PEXPIRETIME)'": (7, 0),
    r"'(HEXPIRE|HPEXPIRE|HTTL|HPERSIST|HGETDEL|HGETEX)'": (7, 4),
    r"'XADD'[^)]*'(KEEPREF|DELREF|ACKED)'|'(XDELEX|XACKDEL)'": (8, 2),
    r"redis\.(register_function|acl_check_cmd|pcall_async)|redis\.REDIS_VERSION": (7, 0),
}
"""Options and functions that came with a later version than their command -> that version."""


def version_of(command: str) -> tuple[int, int] | None:
    """Return since when there is a command; None where the table does not tell."""
    return next((since for since, names in SINCE.items() if command in names.split()), None)


def called() -> set[str]:
    """Return the commands that scripts call."""
    texts = [one.read_text("utf-8") for one in SCRIPTS.iterdir() if one.name.endswith(".lua")]
    found = {name.lower() for text in texts for name in re.findall(r"redis\.call\('(\w+)'", text)}
    assert {"getdel", "zadd", "xadd"} <= found
    assert not any(re.search(r"redis\.p?call\([^']", text) for text in texts)
    return found


def test_each_command_is_in_the_oldest_version() -> None:
    """Those of scripts, and those that server, worker and backup may use at all."""
    roles = (Role.SERVER, Role.WORKER, Role.BACKUP)
    allowed = {name for role in roles for name in RIGHTS[role].commands}
    commands = (called() | allowed) - NOT_NEEDED
    assert [name for name in sorted(commands) if version_of(name) is None] == []
    assert [name for name in sorted(commands) if (version_of(name) or OLDEST) > OLDEST] == []


@pytest.mark.parametrize("pattern", LATER)
def test_no_option_is_of_a_later_version(pattern: str) -> None:
    """Also where its command is older."""
    assert LATER[pattern] > OLDEST
    names = [
        one.name.removesuffix(".lua") for one in SCRIPTS.iterdir() if one.name.endswith(".lua")
    ]
    assert [name for name in names if re.search(pattern, source(name))] == []


def test_a_later_command_is_found() -> None:
    """The patterns match what they are for."""
    for text in ("redis.call('PEXPIRE', key, ms, 'NX')", "redis.call('BLMPOP', 0, 1, key, 'LEFT')"):
        assert any(re.search(pattern, text) for pattern in LATER)
    assert version_of("client|setinfo") == (7, 2)
