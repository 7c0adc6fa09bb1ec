"""Who is slow, or silent, holds up nobody but himself."""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest
from attacked import TOKEN, Attacked
from waiting import wait_until
from websocket_frames import frame

from taskkit_server.live.upgrades import INTRODUCTION_S, REFUSED_IN_WORDS
from taskkit_server.process.heads import HEAD_S, MOST_HEADS
from taskkit_server.settings import Settings

pytestmark = pytest.mark.stack

MANY = Settings(redis_url="").threads + 40
"""More than the server has threads."""


def silent(server: Attacked) -> socket.socket:
    """Connect, and say nothing."""
    return server.connect()


def trickling(server: Attacked) -> socket.socket:
    """Begin a request."""
    made = server.connect()
    made.sendall(b"GET /health/live HTTP/1.1\r\nX")
    return made


def between_requests(server: Attacked) -> socket.socket:
    """Begin a second one, which came with the first."""
    made = server.connect()
    made.sendall(server.head("GET /health/live") + b"GET /health/live HTTP/1.1\r\nX")
    assert made.recv(4096).startswith(b"HTTP/1.1 200")
    return made


def after_a_request(server: Attacked) -> socket.socket:
    """Begin a second one, which came after the first was answered."""
    made = server.connect()
    made.sendall(server.head("GET /health/live"))
    assert made.recv(4096).startswith(b"HTTP/1.1 200")
    made.sendall(b"GET /heal")
    return made


def unread_body(server: Attacked) -> socket.socket:
    """Announce a body without a token, and keep it back."""
    made = server.connect()
    made.sendall(server.head("POST /jobs", "Content-Length: 60000000") + b"{")
    return made


def answered(server: Attacked) -> socket.socket:
    """Have the last answer, and stay."""
    made = server.connect()
    made.sendall(server.head("GET /health/live", "Connection: close"))
    return made


@pytest.mark.parametrize(
    "slow", [silent, trickling, between_requests, after_a_request, unread_body, answered]
)
def test_more_slow_connections_than_threads_hold_up_nobody(
    server: Attacked, slow: Callable[[Attacked], socket.socket]
) -> None:
    """Each sends another byte now and then; others are answered meanwhile."""
    connections = [slow(server) for _ in range(MANY)]
    until = time.monotonic() + 3
    took = []
    for n in itertools.count():
        if time.monotonic() > until:
            break
        if slow is not silent:
            for one in connections[n % 7 :: 7]:
                try:
                    one.send(b"a")
                except OSError:
                    continue  # it was answered and closed
        took.append(server.live(within_s=8))
    assert len(took) > 3
    assert max(took) < 6
    assert sorted(took)[len(took) // 2] < 1


@pytest.mark.parametrize("slow", [silent, trickling, after_a_request])
def test_a_head_that_takes_too_long_is_given_up(
    server: Attacked, slow: Callable[[Attacked], socket.socket]
) -> None:
    """The connection is closed, though bytes keep coming."""
    made = slow(server)
    began = time.monotonic()
    made.settimeout(0.2)

    def is_closed() -> bool:
        try:
            if slow is not silent:
                made.send(b"a")
            return made.recv(4096) == b""
        except TimeoutError:
            return False
        except OSError:
            return True

    wait_until(is_closed, HEAD_S + 5)
    assert time.monotonic() - began > HEAD_S - 2


def test_the_oldest_make_room(server: Attacked) -> None:
    """However many begin a request, another one is read."""
    connections = [trickling(server) for _ in range(MOST_HEADS + 100)]
    assert server.live(8) < 6
    connections[0].settimeout(5)
    with suppress(ConnectionError):  # closed with what it had sent unread
        assert connections[0].recv(10) == b""
    connections[-1].settimeout(0.1)
    with pytest.raises(TimeoutError):
        connections[-1].recv(10)


def test_a_request_in_pieces_is_answered(server: Attacked) -> None:
    """Slow is not wrong; nor are two requests in one piece."""
    whole = server.head("GET /health/live")
    made = server.connect()
    for n in range(len(whole)):
        made.sendall(whole[n : n + 1])
    received = b""
    while b'"live"' not in received:
        received += made.recv(4096)
    made.sendall(whole + whole)
    received = b""
    while received.count(b'"live"') < 2:
        received += made.recv(4096)
    body = b'{"task": "nothing"}'
    bearer = f"Authorization: Bearer {TOKEN}"
    made.sendall(server.head("POST /jobs", bearer, f"Content-Length: {len(body)}"))
    made.sendall(body)
    received = b""
    while b"task_not_found" not in received:
        received += made.recv(4096)


def test_sockets_that_have_ended_hold_no_threads(server: Attacked) -> None:
    """Engine.IO's own would sleep until a ping was due, ten seconds long, for each."""
    main = psutil.Process(server.process.pid)

    def threads() -> int:
        return sum(one.num_threads() for one in main.children())

    server.live()
    before = threads()
    for _ in range(40):
        sock, head = server.upgrade()
        assert head.startswith(b"HTTP/1.1 101"), head
        sock.sendall(frame(b'40{"token": "wrong"}'))
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(4096):
            pass
        sock.close()
    wait_until(lambda: threads() < before + 15, 5)


def test_a_socket_is_pinged(server: Attacked) -> None:
    """And stays as long as it answers, beyond the time that strangers have."""
    sock, _ = server.upgrade()
    sock.sendall(frame(f'40{{"token": "{TOKEN}"}}'.encode()))
    sock.settimeout(20)
    for _ in range(2):
        while not (came := sock.recv(4096)).endswith(b"\x81\x012"):
            assert came, "it was cut off"
        sock.sendall(frame(b"3"))


def test_sockets_on_which_nobody_is_known_are_few_and_short(server: Attacked) -> None:
    """They hold threads: some are left for requests, and all are free again soon."""
    most = Settings(redis_url="").max_sockets + REFUSED_IN_WORDS
    answers = [server.upgrade() for _ in range(most + 10)]
    accepted = [sock for sock, head in answers if head.startswith(b"HTTP/1.1 101")]
    assert len(accepted) == most
    assert [head[:12] for _, head in answers[most:]] == [b"HTTP/1.1 503"] * 10
    assert server.live() < 8
    began = time.monotonic()
    accepted[0].settimeout(INTRODUCTION_S + 10)
    while accepted[0].recv(4096):
        pass
    assert time.monotonic() - began < INTRODUCTION_S + 8

    def is_let_in() -> bool:
        return server.upgrade()[1].startswith(b"HTTP/1.1 101")

    wait_until(is_let_in, 20)
