"""The proxy carries, turns away, resets, counts, and leaves nothing behind."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from chaos.connection import RESET_ON_CLOSE
from chaos.echo import Echo
from chaos.modes import BlackHole, CutAfter, HalfOpen, Latency, Mode, Pass, Refuse, Reset, Throttle
from chaos.proxy import FaultProxy
from chaos.streams import LIMIT_S, Clients, Pair, echoed, is_reset, read
from chaos.until import until


def test_pass_carries_both_ways_and_passes_ends_on(clients: Clients, echo: Echo) -> None:
    """A megabyte comes back whole, and a FIN that goes one way leaves the other way open."""
    client = clients.connect()
    sent = bytes(range(256)) * 4096

    def send() -> None:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    assert read(client, 2 * len(sent)) == sent
    sender.join()
    until(lambda: echo.ends == ["FIN"])


def test_a_side_that_breaks_breaks_the_other(pair: Pair) -> None:
    """An RST is passed on as an RST."""
    pair.server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    pair.server.close()
    assert is_reset(pair.client)


def test_a_server_that_is_away_looks_like_a_reset(
    proxy: FaultProxy, echo: Echo, clients: Clients
) -> None:
    """The proxy accepts before it knows; then it resets."""
    echo.close()
    assert clients.is_reset()


def test_refuse_turns_new_connections_away_and_leaves_live_ones(
    proxy: FaultProxy, clients: Clients
) -> None:
    """ECONNREFUSED, as from a host on which nothing listens."""
    live = clients.connect_through()
    proxy.switch(Refuse())
    with pytest.raises(ConnectionRefusedError):
        clients.connect()
    assert echoed(live, b"still here") == b"still here"
    proxy.switch(Pass())
    clients.connect_through()


def test_refuse_keeps_the_port(proxy: FaultProxy, clients: Clients) -> None:
    """Nobody else gets it meanwhile, and clients find the proxy there again."""
    address = proxy.address
    for _ in range(3):
        proxy.switch(Refuse())
        assert proxy.address == address
        with pytest.raises(OSError, match="in use"), socket.socket() as other:
            other.bind(address)
        proxy.switch(Pass())
        clients.connect_through()


def test_reset_ends_live_connections_and_new_ones(
    proxy: FaultProxy, clients: Clients, echo: Echo
) -> None:
    """Both sides of a live one get RST; a new one gets it before a byte."""
    live = clients.connect_through()
    proxy.switch(Reset())
    assert is_reset(live)
    until(lambda: echo.ends == ["RST"])
    assert clients.is_reset()
    assert len(echo.sockets) == 1
    proxy.switch(Pass())
    clients.connect_through()


def test_cut_resets_once_and_leaves_the_mode(proxy: FaultProxy, clients: Clients) -> None:
    """The next connection goes through."""
    live = [clients.connect_through() for _ in range(3)]
    proxy.cut()
    assert all(is_reset(one) for one in live)
    assert proxy.mode == Pass()
    clients.connect_through()


def test_cut_needs_no_connection(proxy: FaultProxy) -> None:
    """With none there, nothing happens."""
    proxy.cut()
    assert proxy.counters.made == 0


def test_counters_say_what_went_through(proxy: FaultProxy, clients: Clients) -> None:
    """Made, live, and delivered bytes each way."""
    client, _other = clients.connect_through(), clients.connect_through()
    until(lambda: proxy.counters.live == 2)
    assert echoed(client, b"12345") == b"12345"
    client.close()
    until(lambda: proxy.counters.live == 1)
    seen = proxy.counters
    assert (seen.made, seen.to_server_bytes, seen.to_client_bytes) == (2, 15, 15)


MODES: tuple[Mode, ...] = (
    Pass(),
    Refuse(),
    Reset(),
    BlackHole(),
    HalfOpen(),
    Latency(3600),
    Throttle(1),
    CutAfter(3),
)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: type(mode).__name__)
def test_nothing_stays_behind(echo: Echo, mode: Mode) -> None:
    """No thread and no file descriptor, whatever was going on at the end."""
    threads, files = set(threading.enumerate()), descriptors()
    with ExitStack() as opened, FaultProxy(*echo.address) as proxy:
        clients = Clients(proxy, opened)
        clients.connect_through()
        proxy.switch(mode)
        with suppress(ConnectionError):
            clients.connect().sendall(b"hello")
    until(lambda: len(echo.ends) == len(echo.sockets))
    left = [one for one in threading.enumerate() if one not in threads and one.name != "echo"]
    assert left == []
    # The echo server's own ends are still open.
    assert len(descriptors()) - len(files) <= len(echo.sockets)
    echo.close()
    assert len(descriptors() - files) == 0


def test_clients_see_the_end_of_the_proxy(echo: Echo, open_sockets: ExitStack) -> None:
    """What is live is reset, and nobody listens any more."""
    with FaultProxy(*echo.address) as proxy:
        address = proxy.address
        client = Clients(proxy, open_sockets).connect_through()
    assert is_reset(client)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


def test_any_thread_may_switch(proxy: FaultProxy, clients: Clients) -> None:
    """Switching from several threads at once, with connections live, ends well."""
    clients.connect_through()

    def switch() -> None:
        for mode in MODES:
            proxy.switch(mode)

    threads = [threading.Thread(target=switch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)
    proxy.switch(Pass())
    clients.connect_through()


def descriptors() -> set[str]:
    """Return this process's open file descriptors."""
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}
