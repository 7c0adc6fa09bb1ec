"""What nobody sends who means well: refused or cut off, and the server is no larger afterwards."""

from __future__ import annotations

import random
import re
import socket
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count, islice
from statistics import median

import pytest
from attacked import TOKEN, Attacked
from waiting import wait_until
from websocket_frames import frame

pytestmark = pytest.mark.stack

SEED = 20_261_126
BEARER = f"Authorization: Bearer {TOKEN}"
MOST_GROWTH_MIB = 5.0
MOST_STEPS = 4
"""So often may its heaps have taken one, of less than the memory of what is sent."""

Request = Callable[[Attacked], bytes]


def posted(body: bytes, *headers: str, path: str = "/jobs") -> Request:
    """Return a request with a body, and the token."""

    def build(server: Attacked) -> bytes:
        length = f"Content-Length: {len(body)}"
        return server.head(f"POST {path}", BEARER, "Connection: close", length, *headers) + body

    return build


def asked(line: str, *headers: str) -> Request:
    """Return a request without a body."""
    return lambda server: server.head(line, BEARER, "Connection: close", *headers)


def plain(data: bytes) -> Request:
    """Return these bytes."""
    return lambda _: data


def chunked(pieces: int) -> Request:
    """Return a body of so many MiB, its length not said."""

    def build(server: Attacked) -> bytes:
        head = server.head("POST /jobs", BEARER, "Transfer-Encoding: chunked")
        return head + (b"100000\r\n" + b"[" * 2**20 + b"\r\n") * pieces + b"0\r\n\r\n"

    return build


DEEP = b'{"task":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
REQUESTS: dict[str, Request] = {
    "deep JSON": posted(DEEP),
    "deep JSON as a token's": posted(DEEP, path="/tokens"),
    "100 MB": posted(b"[" * 100_000_000),
    "100 MB in pieces": chunked(100),
    "bad UTF-8": posted(b'{"task": "\xff\xfe"}'),
    "half a surrogate": posted(b'{"task": "\\ud800"}'),
    "NaN": posted(b'{"task": "demo", "arguments": {"name": NaN}}'),
    "infinity": posted(b'{"task": "demo", "arguments": {"name": -Infinity}}'),
    "a long number": posted(b'{"task": "demo", "arguments": {"n": ' + b"9" * 100_000 + b"}}"),
    "a list": posted(b"[]"),
    "nothing": posted(b""),
    "a bomb": posted(zlib.compress(b"[" * 10_000_000), "Content-Encoding: deflate"),
    "a long key": posted(b'{"task": "demo"}', "Idempotency-Key: " + "k" * 5000),
    "many jobs": posted(b'{"jobs": [' + b"0," * 200_000 + b"0]}"),
    "a long id": asked("GET /jobs/" + "a" * 3000),
    "a path upwards": asked("GET /static/../../../../etc/passwd"),
    "an encoded path upwards": asked("GET /static/%2e%2e%2f%2e%2e%2fetc%2fpasswd"),
    "a blob upwards": asked("GET /blobs/..%2f..%2fetc%2fpasswd"),
    "a zero byte": asked("GET /jobs/%00"),
    "a strange cursor": asked("GET /events?after=99999999999999999999"),
    "a strange limit": asked("GET /events?limit=-1"),
    "a time that is none": asked("GET /jobs?since=yesterday"),
    "a method that is none": asked("BREW /jobs"),
    "a long line": asked("GET /" + "a" * 10_000),
    "a long header": asked("GET /jobs", "X: " + "a" * 20_000),
    "many headers": asked("GET /jobs", *(f"X-{n}: 1" for n in range(500))),
    "a head without end": plain(b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * 20_000),
    "two lengths": posted(b"{}", "Content-Length: 1"),
    "a length and pieces": posted(b"0\r\n\r\n", "Transfer-Encoding: chunked"),
    "a negative length": asked("POST /jobs", "Content-Length: -1"),
    "a header without a colon": asked("GET /jobs", "nonsense"),
    "TLS": plain(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500 + b"\r\n\r\n"),
    "HTTP/2": plain(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "long polling": asked("GET /socket.io/?EIO=4&transport=polling"),
    "an upload beyond all": asked(
        "PUT /blobs/" + "a" * 64, "Content-Length: 99999999999999", "Upload-Complete: ?1"
    ),
}

BOMB = zlib.compressobj(wbits=-15)
DEFLATED = (BOMB.compress(b"a" * 100_000_000) + BOMB.flush(zlib.Z_SYNC_FLUSH))[:-4]
FRAMES: dict[str, bytes] = {
    "a deflated bomb": frame(DEFLATED[:100_000], rsv=4),
    "64 MB": frame(b"a" * 64_000_000),
    "64 MB in pieces": frame(b"a" * 60_000, fin=False) + frame(b"a" * 60_000, 0, fin=False) * 1066,
    "bad UTF-8": frame(b"\xff\xfe"),
    "a long ping": frame(b"a" * 1000, 9),
    "a cut ping": frame(b"", 9, fin=False),
    "an opcode that is none": frame(b"", 7),
    "an end without beginning": frame(b"a", 0),
    "without a mask": b"\x81\x02hi",
    "a close code that is none": frame(b"\x00\x01", 8),
    "not a packet": frame(b"what is this"),
    "an empty packet": frame(b""),
    "another handshake": frame(b"0{}"),
    "an upgrade": frame(b"5"),
    "deep JSON": frame(b"40" + b"[" * 60_000),
    "deep JSON as an event": frame(b"42" + b"[" * 30_000 + b"]" * 30_000),
    "many attachments": frame(b"4599999999-[]"),
    "an attachment nobody announced": frame(b"\x04abc", 2),
    "a wrong token": frame(b'40{"token": "wrong"}'),
    "a strange cursor": frame(f'40{{"token": "{TOKEN}", "logs": {{"jobs": 7}}}}'.encode()),
    "another namespace": frame(b"40/admin,{}"),
    "an event before the token": frame(b'42["connect"]'),
}


def random_frames(seed: int) -> Iterator[bytes]:
    """Yield frames of every kind with anything in them, and packets that are nearly right."""
    chance = random.Random(seed)
    pieces = [
        b"40",
        b"42",
        b"451-",
        b'{"token":',
        b"[",
        b"]",
        b'"',
        b"\xff",
        b"\\ud800",
        b"0",
        b"{}",
    ]
    for _ in range(200):
        payload = b"".join(chance.choices(pieces, k=chance.randrange(1, 12)))
        if chance.random() < 0.5:
            payload = chance.randbytes(chance.randrange(200))
        yield frame(
            payload, chance.randrange(16), fin=chance.random() < 0.9, rsv=chance.randrange(2)
        )


def status(answer: bytes) -> int | None:
    """Return the status of an answer; None where the connection was just closed."""
    found = re.match(rb"HTTP/1\.[01] (\d{3})", answer)
    return int(found[1]) if found else None


def sent_frames(server: Attacked, data: bytes, *, is_known: bool) -> None:
    """Open a WebSocket, show the token or none, send this, and see it end or stay."""
    sock, head = server.upgrade()
    with sock:
        assert head.startswith(b"HTTP/1.1 101"), head
        with suppress(OSError):
            if is_known:
                sock.sendall(frame(f'40{{"token": "{TOKEN}"}}'.encode()))
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            sock.settimeout(10)
            while sock.recv(65_536):
                pass


def attack(server: Attacked, seed: int) -> None:
    """Send everything once."""
    for request in REQUESTS.values():
        server.answer(request(server))
    for data in FRAMES.values():
        for is_known in (False, True):
            sent_frames(server, data, is_known=is_known)
    for data in random_frames(seed):
        sent_frames(server, data, is_known=seed % 2 == 0)
    server.hang_up()


@pytest.mark.parametrize("name", REQUESTS)
def test_a_hostile_request_is_refused(server: Attacked, name: str) -> None:
    """With a 4xx, or by the connection's end; it is no fault of the server's own."""
    answer = server.answer(REQUESTS[name](server))
    found = status(answer)
    assert found is None or 400 <= found < 500, answer[:300]
    assert b"root:" not in answer
    assert server.live() < 8


@pytest.mark.parametrize("is_known", [False, True], ids=["nobody", "a user"])
@pytest.mark.parametrize("name", FRAMES)
def test_a_hostile_frame_harms_nobody(server: Attacked, name: str, is_known: bool) -> None:
    """The socket ends, or goes on; others are answered."""
    sent_frames(server, FRAMES[name], is_known=is_known)
    assert server.live() < 8


@pytest.mark.timeout(600)
def test_the_server_is_no_larger_afterwards(server: Attacked) -> None:
    """Once it is warm, three times more of all of it leave it as large as the three before.

    From one time to the next its heaps move by some MiB, up and down: what is compared are medians,
    and where they take a step, those after it. What is lost each time grows in all of them.
    """

    def after(seed: int) -> float:
        attack(server, seed)
        server.settle()
        return server.pss_mib()

    seeds = count(SEED)
    sizes = [after(seed) for seed in islice(seeds, 6)]
    for _ in range(MOST_STEPS):
        sizes += [after(seed) for seed in islice(seeds, 3)]
        grown = median(sizes[-3:]) - median(sizes[-6:-3])
        if grown < MOST_GROWTH_MIB:
            return
    pytest.fail(f"it grows each time: {sizes}")


@pytest.mark.parametrize("name", ["not a packet", "an empty packet"])
def test_the_seat_of_a_socket_that_sends_no_packet_is_free_at_once(
    server: Attacked, name: str
) -> None:
    """Engine.IO itself is thrown out of its loop, and misses the user only with the next pings."""
    sock, _ = server.upgrade()
    sock.sendall(frame(f'40{{"token": "{TOKEN}"}}'.encode()))
    wait_until(lambda: sockets(server) == 1)
    sock.sendall(FRAMES[name])
    wait_until(lambda: sockets(server) == 0, 5)


def sockets(server: Attacked) -> float:
    """Return how many are open, as the server counts them."""
    told = server.answer(server.head("GET /metrics", BEARER, "Connection: close"))
    return float(re.findall(rb"^taskkit_sockets (.*)$", told, re.MULTILINE)[0])


def test_a_page_of_another_origin_gets_no_socket(server: Attacked) -> None:
    """Browsers let any page open a WebSocket anywhere, with the name of the page in `Origin`."""
    for origin in ("https://evil.example", "null", f"https://127.0.0.1:{server.port}0"):
        _, head = server.upgrade(f"Origin: {origin}")
        assert head.startswith(b"HTTP/1.1 403"), head
    _, head = server.upgrade(f"Origin: http://127.0.0.1:{server.port}")
    assert head.startswith(b"HTTP/1.1 101")
    _, head = server.upgrade(host=f"evil.example:{server.port}")
    assert head.startswith(b"HTTP/1.1 403")


def test_compression_is_not_agreed_on(server: Attacked) -> None:
    """Though it is offered."""
    _, head = server.upgrade("Sec-WebSocket-Extensions: permessage-deflate")
    assert head.startswith(b"HTTP/1.1 101")
    assert b"extensions" not in head.lower()
