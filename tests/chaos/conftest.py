"""What chaos tests share: a server, a proxy before it, connections through it; a history."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from .echo import Echo
from .facts import Entry
from .proxy import FaultProxy
from .story import Story
from .streams import LIMIT_S, Clients, Pair


@pytest.fixture
def echo() -> Iterator[Echo]:
    """A running echo server."""
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[FaultProxy]:
    """A proxy before the echo server."""
    with FaultProxy(*echo.address) as running:
        yield running


@pytest.fixture
def open_sockets() -> Iterator[ExitStack]:
    """What the test opened, closed after it."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def clients(proxy: FaultProxy, open_sockets: ExitStack) -> Clients:
    """Makes connections through the proxy."""
    return Clients(proxy, open_sockets)


@pytest.fixture
def pair(open_sockets: ExitStack) -> Pair:
    """Both ends of a connection through a proxy of its own."""
    listener = open_sockets.enter_context(socket.create_server(("127.0.0.1", 0)))
    listener.settimeout(LIMIT_S)
    proxy = open_sockets.enter_context(FaultProxy(*listener.getsockname()))
    return Pair(proxy, listener, open_sockets)


@pytest.fixture
def history() -> list[Entry]:
    """Two clients of ada, one of bob; a lost attempt, a failure, a cancellation, a told gap.

    Ada's log: a submitted, started, reported, lost, started, succeeded (6), b submitted, cancelled,
    d submitted, started, succeeded (11). Bob's: c submitted, started, failed.
    """
    story = Story()
    story.client("early", "ada")
    story.client("bobs", "bob")
    story.worker()
    story.submit("a", "early")
    story.start("a")
    story.progress("a")
    story.client("late", "ada")
    story.lose("a")
    story.submit("c", "bobs")
    story.start("c")
    story.start("a")
    story.finish("a")
    story.submit("b", "late")
    story.away("early")
    story.finish("b", "job_cancelled")
    story.submit("d", "late")
    story.back("early", is_gap=True)
    story.start("d")
    story.away("late")
    story.finish("d")
    story.back("late")
    story.finish("c", "job_failed")
    return story.end()
