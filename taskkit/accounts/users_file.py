"""The file of Redis's users: of ours a line each, with hashes of their passwords; others' stay."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

from ..protocol.errors import RequestError
from .roles import Role, Version, rules

PREFIX = "taskkit-"
"""What the users' names begin with that are ours."""

MOST_PASSWORDS = 2
"""The new one, and the one before it, until all processes that use it have been started anew."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_USER = re.compile(rf"user {PREFIX}(\S+)(?: |$)")
_HASH = re.compile(r"#([0-9a-f]{64})\b")
_ROLES = {str(role): role for role in Role if role is not Role.WORKER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One user of ours."""

    name: str
    #: ``admin``, ``server`` and ``backup`` are what they say; every other is a worker.
    hashes: tuple[str, ...]
    #: SHA-256 of the passwords that it takes, the newest first.

    @property
    def role(self) -> Role:
        """What it may do."""
        return _ROLES.get(self.name, Role.WORKER)

    @property
    def user(self) -> str:
        """The user's name at Redis."""
        return f"{PREFIX}{self.name}"

    def line(self, version: Version) -> str:
        """Return its line of the file."""
        hashes = " ".join(f"#{one}" for one in self.hashes)
        return f"user {self.user} on {hashes} {rules(self.role, version)}"

    def with_password(self, password: str, *, keeps_last: bool) -> Account:
        """Return it with a new password; the last one is taken, too, where that is said."""
        kept = self.hashes[: MOST_PASSWORDS - 1] if keeps_last else ()
        return replace(self, hashes=(hash_of(password), *kept))


def hash_of(password: str) -> str:
    """Return what Redis keeps of a password. It has 256 random bits, so that no salt is needed."""
    return sha256(password.encode()).hexdigest()


NOBODY = "user default off resetpass ~* &* +@all"
"""The user of connections that name none: without a password and off, nobody can be it. It has all
rights, for Redis 7.0 reads its append-only file with them, and drops what it may not run."""


def require_name(name: str) -> str:
    """Return the name.

    Raises:
        RequestError: It cannot be one.
    """
    if not _NAME.fullmatch(name):
        raise RequestError(f"{name!r} is no name of an account: a-z, 0-9 and -, 40 at most")
    return name


def read(text: str) -> dict[str, Account]:
    """Return our accounts in a file, by their names."""
    found = {}
    for line in text.splitlines():
        if user := _USER.match(line):
            found[user[1]] = Account(name=user[1], hashes=tuple(_HASH.findall(line)))
    return found


def written(text: str, accounts: Mapping[str, Account], version: Version) -> str:
    """Return the file with these accounts in place of those of ours that it has; users of others
    stay as they are. In a new one, who says no name may do nothing.

    >>> ana = Account(name="gpu1", hashes=("ab",))
    >>> written("user default off\\nuser taskkit-old on\\n", {"gpu1": ana}, (7, 2)).split(" on ")[0]
    'user default off\\nuser taskkit-gpu1'
    """
    others = [line for line in text.splitlines() if line.strip() and not _USER.match(line)]
    if not text.strip():
        others = [NOBODY]
    return "".join(f"{line}\n" for line in (*others, *_lines(accounts.values(), version)))


def _lines(accounts: Iterable[Account], version: Version) -> list[str]:
    order = [*_ROLES]
    ranked = sorted(accounts, key=lambda one: (one.role is Role.WORKER, one.name))
    ranked.sort(key=lambda one: order.index(one.name) if one.name in order else len(order))
    return [one.line(version) for one in ranked]
