"""Who may connect, from which cursors, and how many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask_socketio import SocketIOTestClient
from serving import TOKEN, FadingLedger, RecordingDispatch, queued

from taskkit_server.app import create_app
from taskkit_server.settings import Settings

Connect = Callable[..., SocketIOTestClient]


@pytest.fixture
def connect(app: Flask) -> Iterator[Connect]:
    """Connect a socket with what it says of itself; all are disconnected at the end."""
    sockets: list[SocketIOTestClient] = []

    def connect_one(auth: object, of: Flask = app, **headers: str) -> SocketIOTestClient:
        socketio = of.extensions["socketio"]
        http = of.test_client()
        socket = socketio.test_client(
            of, auth=auth, flask_test_client=http, headers={"Host": "localhost", **headers}
        )
        sockets.append(socket)
        return socket

    yield connect_one
    for socket in sockets:
        if socket.is_connected():
            socket.disconnect()


def test_the_right_token_connects(connect: Connect) -> None:
    """The token travels in the handshake's body, in no address."""
    assert connect({"token": TOKEN, "logs": {}}).is_connected()


@pytest.mark.parametrize(
    "auth",
    [None, {}, {"token": None}, {"token": "wrong"}, {"token": 7}, {"token": "\ud800"}, "text", []],
)
def test_without_it_nobody_is_connected(connect: Connect, auth: object) -> None:
    """Whatever else is said."""
    assert not connect(auth).is_connected()


def test_the_handshake_s_header_stands_in_for_it(connect: Connect) -> None:
    """So that what passes a browser's WebSocket on can bring the token that the page lacks."""
    assert connect({"token": None}, Authorization=f"Bearer {TOKEN}").is_connected()
    assert connect(None, Authorization=f"Bearer {TOKEN}").is_connected()


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", f"Basic {TOKEN}", TOKEN, ""])
def test_another_header_does_not(connect: Connect, header: str) -> None:
    """A browser can be made to send one of its own kind, with a password."""
    assert not connect({}, Authorization=header).is_connected()


def test_what_the_page_says_comes_before_the_header(connect: Connect) -> None:
    """A wrong token is refused, whoever else knows the right one."""
    assert not connect({"token": "wrong"}, Authorization=f"Bearer {TOKEN}").is_connected()


@pytest.mark.parametrize(
    "place",
    [
        None,
        7,
        {"after": -1},
        {"after": "1"},
        {"after": 1.5},
        {"after": 10**30},
        {"epoch": 7},
    ],
)
def test_a_cursor_that_is_none_is_refused(connect: Connect, place: Any) -> None:
    """Rather than replaying what was not asked for."""
    assert not connect({"token": TOKEN, "logs": {"jobs": place}}).is_connected()


def test_a_log_that_is_not_the_asker_s_is_not_followed(
    connect: Connect, ledger: FadingLedger
) -> None:
    """By no name: neither the ledger's nor another owner's."""
    queued(ledger, owner="mallory")
    logs = {name: {"epoch": "", "after": 0} for name in ("mallory", "@workers", "local")}
    socket = connect({"token": TOKEN, "logs": logs})
    assert socket.is_connected()
    assert socket.get_received() == []


def test_sockets_leave_threads_for_requests(
    ledger: FadingLedger, dispatch: RecordingDispatch, connect: Connect
) -> None:
    """One more than there may be is refused, until another goes."""
    settings = Settings(redis_url="redis://nowhere", token=TOKEN, max_sockets=1)
    small = create_app(settings, ledger, dispatch)  # type: ignore[arg-type]
    auth = {"token": TOKEN, "logs": {}}
    first = connect(auth, small)
    assert first.is_connected()
    assert not connect(auth, small).is_connected()
    first.disconnect()
    assert connect(auth, small).is_connected()


def test_one_user_cannot_take_all_sockets(
    ledger: FadingLedger, dispatch: RecordingDispatch, connect: Connect
) -> None:
    """Others are let in still; and the user is, when one of theirs is closed."""
    settings = Settings(redis_url="redis://nowhere", token=TOKEN, max_sockets_per_user=2)
    app = create_app(settings, ledger, dispatch)  # type: ignore[arg-type]
    asked = {"user": "ana", "scopes": ["read"]}
    headers = {"Authorization": f"Bearer {TOKEN}", "Host": "localhost"}
    made = app.test_client().post("/tokens", json=asked, headers=headers)
    hers = [connect({"token": made.json["token"]}, app) for _ in range(3)]
    assert [socket.is_connected() for socket in hers] == [True, True, False]
    assert connect({"token": TOKEN}, app).is_connected()
    hers[0].disconnect()
    assert connect({"token": made.json["token"]}, app).is_connected()
