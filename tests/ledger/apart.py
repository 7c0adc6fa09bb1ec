"""A ledger whose verbs are asked as in a stack with accounts: each by server or worker."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

import redis
from opening import OpeningLedger

from taskkit.accounts.roles import Role, rules

OF_WORKERS = frozenset(
    {
        *("claim", "claim_next", "take", "rise", "append", "finish", "finish_and_claim"),
        *("lose", "give_back", "join", "seek", "beat", "held", "drop", "wait_wake", "leave"),
        *("claim_more", "hand_back", "finisher"),
    }
)
"""The verbs that workers use; all others are the server's."""

OF_BOTH = frozenset({"job", "result", "function"})


class ApartLedger:
    """Has each verb done by whoever does it in a stack, with the rights of that role."""

    def __init__(self, url: str, *, prefix: str, **terms: Any) -> None:
        self._admin: Any = redis.Redis.from_url(url, decode_responses=True)
        roles = (Role.SERVER, Role.WORKER)
        self._names = {role: f"test-{role}-{secrets.token_hex(4)}" for role in roles}
        asked = {
            role: OpeningLedger(self._address(url, prefix, role), prefix=prefix, **terms)
            for role in self._names
        }
        self._server, self._worker = asked[Role.SERVER], asked[Role.WORKER]

    def __getattr__(self, name: str) -> Any:
        if name in OF_BOTH:
            return lambda *asked: self._both(name, *asked)
        return getattr(self._worker if name in OF_WORKERS else self._server, name)

    def _both(self, name: str, *asked: Any) -> Any:
        found = getattr(self._worker, name)(*asked)
        assert getattr(self._server, name)(*asked) == found
        return found

    def refused(self) -> list[str]:
        """Return what Redis refused to either, and forget them."""
        log = self._admin.acl_log(1000)
        names = set(self._names.values())
        self._admin.acl_deluser(*names)
        return [f"{one['username']}: {one['object']}" for one in log if one["username"] in names]

    def _address(self, url: str, prefix: str, role: Role) -> str:
        name = self._names[role]
        given = [rule.replace("~tk:", f"~{prefix}") for rule in rules(role, (7, 2)).split()]
        self._admin.execute_command("ACL", "SETUSER", name, "on", ">horse", *given)
        return urlsplit(url)._replace(netloc=f"{name}:horse@{urlsplit(url).netloc}").geturl()
