"""Sockets that come and go at the same moment."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest
import socketio
from socketio.packet import CONNECT, CONNECT_ERROR

from taskkit_server.live.roster import Roster

THREADS, TIMES = 16, 1500


@pytest.fixture(autouse=True)
def _hasty() -> Iterator[None]:
    """Threads take turns as often as Python can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_each_end_of_a_socket_is_heard_of() -> None:
    """However many there are at once; else what belongs to it is kept for ever."""
    manager = Roster()
    socketio.Server(async_mode="threading", client_manager=manager)
    faults: list[Exception] = []
    heard: list[str] = []

    def come_and_go(thread: int) -> None:
        for n in range(TIMES):
            try:
                sid = manager.pre_connect(f"{thread}-{n}", "/")
                manager.connect(sid, "/")
                assert manager.is_connected(sid, "/")
                manager.pre_disconnect(sid, "/")
                heard.append(sid)
                manager.disconnect(sid, "/", ignore_queue=True)
                assert not manager.is_connected(sid, "/")
            except (KeyError, ValueError, AttributeError, AssertionError) as error:
                faults.append(error)

    threads = [threading.Thread(target=come_and_go, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(heard) == THREADS * TIMES
    assert manager.rooms.get("/", {}) == {}


@pytest.mark.parametrize("is_wanted", [True, False])
def test_who_is_let_in_was_told_so_before(is_wanted: bool) -> None:
    """A feed that began sooner would send events to who is not connected yet."""
    order: list[object] = []
    server = socketio.Server(async_mode="threading", client_manager=Roster(order.append))
    server.on("connect", lambda _sid, _environ, _auth=None: is_wanted)
    server._send_packet = lambda _eio, packet: order.append(packet.packet_type)
    server.environ["eio"] = {}
    server._handle_connect("eio", "/", {"token": "t"})
    if is_wanted:
        [told, sid] = order
        assert told == CONNECT
        assert server.manager.is_connected(sid, "/")
    else:
        assert order == [CONNECT_ERROR]
