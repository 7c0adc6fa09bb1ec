"""Each mode does what it says, to live connections and to new ones."""

from __future__ import annotations

import socket
import threading
import time
import tracemalloc

import pytest

from chaos.connection import RESET_ON_CLOSE
from chaos.echo import Echo
from chaos.modes import BlackHole, CutAfter, HalfOpen, Latency, Pass, Throttle, Way
from chaos.proxy import FaultProxy
from chaos.streams import (
    Clients,
    Pair,
    echoed,
    is_reset,
    is_silent,
    read,
    stuffed,
    swallow_errors,
    until_reset,
)
from chaos.until import until


def test_black_hole_towards_the_server_lets_the_other_way_through(pair: Pair) -> None:
    """What the client says is lost; what the server says arrives."""
    pair.proxy.switch(BlackHole(Way.TO_SERVER))
    pair.client.sendall(b"request")
    pair.server.sendall(b"news")
    assert read(pair.client, 4) == b"news"
    assert is_silent(pair.server)


def test_black_hole_towards_the_client_lets_the_other_way_through(pair: Pair) -> None:
    """What the client says arrives; what the server says is lost."""
    pair.proxy.switch(BlackHole(Way.TO_CLIENT))
    pair.client.sendall(b"request")
    assert read(pair.server, 7) == b"request"
    pair.server.sendall(b"reply")
    assert is_silent(pair.client)


def test_black_hole_takes_what_comes_without_end(pair: Pair) -> None:
    """More than all buffers together, and nobody is slowed down or told."""
    pair.proxy.switch(BlackHole())
    pair.client.sendall(bytes(4_000_000))
    pair.server.sendall(bytes(4_000_000))
    assert is_silent(pair.client)
    assert is_silent(pair.server)
    assert pair.proxy.counters.to_server_bytes == pair.proxy.counters.to_client_bytes == 0


@pytest.mark.parametrize("linger", [b"\0" * 8, RESET_ON_CLOSE], ids=["FIN", "RST"])
def test_black_hole_swallows_ends_too(pair: Pair, linger: bytes) -> None:
    """The server does not learn that the client is gone."""
    pair.proxy.switch(BlackHole())
    pair.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    pair.client.close()
    assert is_silent(pair.server)


def test_black_hole_holds_for_new_connections(proxy: FaultProxy, clients: Clients) -> None:
    """They come to be, and hear nothing; those made after it are well."""
    proxy.switch(BlackHole())
    client = clients.connect()
    client.sendall(b"anybody there?")
    assert is_silent(client)
    proxy.switch(Pass())
    clients.connect_through()


def test_what_a_black_hole_tore_stays_torn(pair: Pair) -> None:
    """No stream goes on behind a hole: later bytes do not arrive as if they were the next."""
    pair.client.sendall(b"one")
    assert read(pair.server, 3) == b"one"
    pair.proxy.switch(BlackHole(Way.TO_SERVER))
    pair.client.sendall(b"two")
    pair.server.sendall(b"!")
    assert read(pair.client, 1) == b"!"
    pair.proxy.switch(Pass())
    pair.client.sendall(b"three")
    assert is_silent(pair.server)


def test_who_said_nothing_into_a_black_hole_goes_on(proxy: FaultProxy, clients: Clients) -> None:
    """A connection that lost nothing is as good as before."""
    client = clients.connect_through()
    proxy.switch(BlackHole())
    proxy.switch(Pass())
    assert echoed(client, b"again") == b"again"


def test_half_open_closes_the_server_side_only(
    proxy: FaultProxy, clients: Clients, echo: Echo
) -> None:
    """The server sees an end; the client sees none, may send on, and is never answered again."""
    client = clients.connect_through()
    proxy.switch(HalfOpen())
    until(lambda: echo.ends == ["FIN"])
    client.sendall(bytes(4_000_000))
    assert is_silent(client)
    proxy.switch(Pass())
    client.sendall(b"and now?")
    assert is_silent(client)
    clients.connect_through()


def test_half_open_keeps_new_connections_from_the_server(
    proxy: FaultProxy, clients: Clients, echo: Echo
) -> None:
    """They are accepted and stay silent."""
    proxy.switch(HalfOpen())
    client = clients.connect()
    client.sendall(b"anybody there?")
    assert is_silent(client)
    assert echo.sockets == []


def test_half_open_lets_go_when_the_client_closes(proxy: FaultProxy, clients: Clients) -> None:
    """A client that gave up costs nothing more."""
    client = clients.connect_through()
    proxy.switch(HalfOpen())
    client.close()
    until(lambda: proxy.counters.live == 0)


def test_latency_delays_each_way_and_does_not_add_up(proxy: FaultProxy, clients: Clients) -> None:
    """An echo takes twice the delay; ten messages on their way at once take no longer than one."""
    client = clients.connect_through()
    proxy.switch(Latency(0.1))
    began = time.monotonic()
    for n in range(10):
        client.sendall(b"%d" % n)
        until(lambda: time.monotonic() > began + 0.005 * (n + 1))  # noqa: B023  # runs at once
    assert read(client, 10) == b"0123456789"
    assert 0.2 <= time.monotonic() - began < 10 * 0.2


def test_the_end_of_latency_sets_free_what_it_held(proxy: FaultProxy, clients: Clients) -> None:
    """In order, before what comes later."""
    client = clients.connect_through()
    proxy.switch(Latency(3600))
    client.sendall(b"first ")
    assert is_silent(client)
    proxy.switch(Pass())
    client.sendall(b"second")
    assert read(client, 6) == b"first "
    assert read(client, 6) == b"second"


def test_throttle_delivers_so_many_bytes_a_second(proxy: FaultProxy, clients: Clients) -> None:
    """1000 B/s: 300 bytes take three tenths of a second."""
    client = clients.connect_through()
    proxy.switch(Throttle(1000, Way.TO_CLIENT))
    began = time.monotonic()
    assert echoed(client, b"x" * 300) == b"x" * 300
    assert 0.24 <= time.monotonic() - began < 3


def test_throttle_goes_down_to_one_byte_a_second(pair: Pair) -> None:
    """The first byte comes at once, the second a second later; the next mode frees the rest."""
    pair.proxy.switch(Throttle(1))
    pair.server.sendall(b"abcdef")
    came_at = []
    for _ in range(2):
        assert len(pair.client.recv(6)) == 1
        came_at.append(time.monotonic())
    assert 0.9 <= came_at[1] - came_at[0] < 5  # all six would take that
    pair.proxy.switch(Pass())
    assert read(pair.client, 4) == b"cdef"


def test_another_pace_begins_at_once(pair: Pair) -> None:
    """What the slower one had still to wait is not waited for."""
    pair.proxy.switch(Throttle(0.001))
    pair.server.sendall(b"abc")
    assert read(pair.client, 1) == b"a"
    pair.proxy.switch(Throttle(1000))
    assert read(pair.client, 2) == b"bc"


def test_throttle_makes_the_sender_wait(pair: Pair) -> None:
    """It reads no faster than it writes: the sender's buffers fill."""
    pair.proxy.switch(Throttle(1))
    assert stuffed(pair.server) < 8_000_000
    assert pair.proxy.counters.to_client_bytes <= 2


def test_a_slow_reader_does_not_grow_the_proxy(pair: Pair) -> None:
    """A client that reads 1 B/s stops the server; the proxy holds one chunk, whatever is sent."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        taken = stuffed(pair.server)
        assert pair.client.recv(1) == b"\0"
        taken += stuffed(pair.server)
        now, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert now - before < 300_000
    # What the kernel's buffers on the way take, and no more.
    assert taken < 16_000_000


@pytest.mark.parametrize("size", [1, 7, 200_000])
def test_cut_after_so_many_bytes_to_the_client(pair: Pair, size: int) -> None:
    """Exactly these are delivered, then the RST, on both sides."""
    pair.proxy.switch(CutAfter(size, Way.TO_CLIENT))
    sent = bytes(n % 251 for n in range(300_000))
    sender = threading.Thread(target=swallow_errors, args=(pair.server, sent))
    sender.start()
    arrived, is_cut = until_reset(pair.client)
    sender.join()
    assert is_cut
    assert pair.proxy.counters.to_client_bytes == size
    # The RST may overtake what did not fit into the client's buffers.
    assert sent[:size].startswith(arrived)
    assert size > 65_536 or len(arrived) == size
    assert is_reset(pair.server)


def test_cut_after_counts_the_given_direction_only(proxy: FaultProxy, clients: Clients) -> None:
    """The request of 10 bytes is not counted, its echo of 10 bytes is cut after 5."""
    client = clients.connect_through()
    proxy.switch(CutAfter(5, Way.TO_CLIENT))
    assert echoed(client, b"0123456789"[:5]) == b"01234"
    assert is_reset(client)


def test_cut_after_a_request_leaves_it_delivered(pair: Pair) -> None:
    """The server has the whole request; the client cannot know."""
    pair.proxy.switch(CutAfter(7, Way.TO_SERVER))
    pair.client.sendall(b"request")
    assert is_reset(pair.client)
    assert read(pair.server, 7) == b"request"


def test_cut_after_nothing_cuts_the_reply(pair: Pair) -> None:
    """With 0 bytes the connection lives until something would be carried."""
    pair.proxy.switch(CutAfter(0, Way.TO_CLIENT))
    pair.client.sendall(b"request")
    assert read(pair.server, 7) == b"request"
    assert is_silent(pair.client)
    pair.server.sendall(b"reply")
    assert is_reset(pair.client)


def test_cut_after_counts_each_connection_from_the_switch(
    proxy: FaultProxy, clients: Clients
) -> None:
    """What went before is not counted, nor what others carry."""
    one, other = clients.connect_through(), clients.connect_through()
    proxy.switch(CutAfter(6, Way.TO_CLIENT))
    late = clients.connect()
    for client in (one, other, late):
        assert echoed(client, b"12345") == b"12345"
    proxy.switch(CutAfter(6, Way.TO_CLIENT))
    assert echoed(one, b"12345") == b"12345"
    assert echoed(one, b"6") == b"6"
    assert is_reset(one)
    assert echoed(other, b"12345") == b"12345"
