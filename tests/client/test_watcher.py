"""What a panel is told of the connection."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from scripted import LIMIT_S, Answer, Server

from taskkit.client import watcher as watcher_module
from taskkit.client.http import Http
from taskkit.client.watcher import Watcher
from taskkit.connection import Connection
from taskkit.protocol.cursor import Cursor

GAP = {"log": "jobs", "epoch": "e2", "seq": 40}


class Watched:
    """A watcher whose server answers over HTTP only, and what it told."""

    def __init__(self) -> None:
        self.page: dict[str, Any] = {"epoch": "e", "events": [], "head": 9, "is_gap": False}
        self.resynchronised = threading.Event()
        self.server = Server(self._answer)
        connection = Connection(self.server.url)
        self.http = Http(connection)
        self.watcher = Watcher(
            connection,
            self.http,
            Cursor("e", 9),
            take=lambda _events: None,
            resynchronise=self.resynchronised.set,
        )

    def _answer(self, _method: str, path: str, _body: Any) -> Answer:
        return (200, self.page) if path.startswith("/events") else (404, {})


@pytest.fixture
def watched() -> Iterator[Watched]:
    """A watcher that was not yet started."""
    made = Watched()
    yield made
    made.watcher.stop()
    made.http.close()
    made.server.close()


def test_all_is_well_until_something_is_not(watched: Watched) -> None:
    """Nothing to say."""
    assert watched.watcher.connection() == ""


def test_a_cut_is_told_with_its_length(watched: Watched) -> None:
    """For as long as the socket is not there again."""
    watched.watcher.start()
    wait_until(lambda: watched.watcher.connection() != "")
    assert re.fullmatch(r"reconnecting for \d+ s", watched.watcher.connection())
    watched.watcher.stop()
    assert watched.watcher.connection() == ""


def test_a_gap_is_told_for_some_seconds(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log went on without this client: the state is right again, some output may be missing."""
    monkeypatch.setattr(watcher_module, "RESYNCHRONISED_S", 0.2)
    watched.watcher._on_gap(GAP)
    assert watched.resynchronised.is_set()
    told = watched.watcher.connection()
    assert told == "resynchronised: some of what was printed meanwhile may be missing"
    wait_until(lambda: watched.watcher.connection() == "")


def test_a_gap_that_is_found_while_cut_is_told_after_it(watched: Watched) -> None:
    """First that the connection is cut; once it is back, what that has cost."""
    watched.page |= {"is_gap": True, "epoch": "e2"}
    watched.watcher.start()
    assert watched.resynchronised.wait(LIMIT_S)
    wait_until(lambda: watched.watcher._jumped_at > 0)
    assert watched.watcher.connection().startswith("reconnecting")
    watched.watcher._jumped_at -= 2 * watcher_module.RESYNCHRONISED_S  # a long cut
    watched.watcher._away_since = watched.watcher._jumped_at - 1
    watched.watcher._is_back()
    assert watched.watcher.connection().startswith("resynchronised")


def test_a_cut_without_a_gap_costs_nothing(watched: Watched) -> None:
    """Everything was read from the cursor on."""
    watched.watcher._away_since = time.monotonic() - 60
    watched.watcher._is_back()
    assert watched.watcher.connection() == ""


def test_those_who_lost_the_same_server_come_back_at_different_times() -> None:
    """A thousand notebooks that try in step would each time find the server that is left full."""
    waits = [watcher_module.by_chance(2.0) for _ in range(1000)]
    assert 1.0 <= min(waits) < 1.1
    assert 2.9 < max(waits) < 3.0
    assert len(set(waits)) > 900


def wait_until(condition: Callable[[], bool]) -> None:
    """Return when `condition` holds; fail when the time is over."""
    deadline, pause = time.monotonic() + LIMIT_S, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        pause.wait(0.01)
