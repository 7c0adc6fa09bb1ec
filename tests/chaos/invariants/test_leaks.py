"""Memory and files that are kept are found, and what is given back is not."""

from __future__ import annotations

from typing import Any

import pytest

from chaos.checker import check
from chaos.facts import Began, Entry, Held
from chaos.invariants.leaks import BYTES, FILES
from chaos.spoil import one


def held(part: str = "server", pid: int = 1, when: Any = "before", **more: int) -> Entry:
    """Return an entry of a process that holds this much more than another one."""
    rss, files = 2**20 + more.get("rss", 0), 10 + more.get("files", 0)
    return Entry(0.0, "stack", Held(part=part, pid=pid, when=when, rss_bytes=rss, files=files))


def test_who_holds_as_much_as_before_is_right() -> None:
    """A little more is what pools and allocators keep; less is no fault either."""
    after = [held(when="after", rss=BYTES, files=FILES), held(pid=2, when="after", rss=-9)]
    assert check([held(), held(pid=2), *after]).violations == ()


@pytest.mark.parametrize(
    ("more", "seen"),
    [
        ({"files": FILES + 1}, "server (1) has 19 open files, it had 10"),
        ({"rss": BYTES + 2**20}, "server (1) holds 34 MiB, it had 1"),
    ],
)
def test_who_holds_more_is_found(more: dict[str, int], seen: str) -> None:
    """By what it held itself, whatever others did."""
    entries = [held(), held(pid=2, files=99), held(when="after", **more)]
    assert one(check(entries), "leaks") == ("server (1)", seen)


def test_a_pool_may_have_grown_by_the_clients() -> None:
    """Of who serves them; a worker does not."""
    came = [Entry(0.0, f"c{n}", Began(epoch="", seq=0)) for n in range(5)]
    for part, is_right in (("server", True), ("redis", True), ("worker", False)):
        entries = [*came, held(part), held(part, when="after", files=FILES + 5)]
        assert (check(entries).leaks == ()) is is_right
        assert check([*entries[:-1], held(part, when="after", files=FILES + 6)]).leaks


def test_a_process_that_came_later_is_not_compared() -> None:
    """Its predecessor was killed, which gives everything back."""
    assert check([held(), held(pid=2, when="after", files=99)]).violations == ()


def test_redis_may_hold_the_jobs() -> None:
    """But not the connections."""
    before = held("redis")
    assert check([before, held("redis", when="after", rss=BYTES * 9)]).violations == ()
    entries = [before, held("redis", when="after", files=99)]
    assert one(check(entries), "leaks")[0] == "redis (1)"
