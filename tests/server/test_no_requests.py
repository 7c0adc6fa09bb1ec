"""What is no request, or too much of one, sent to a real server: it is told so in its form."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from api_fuzz import running_server

from taskkit.protocol import wire

pytestmark = [pytest.mark.stack]


@pytest.fixture(scope="module")
def address(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """Where a real server listens."""
    with running_server(redis_url, tmp_path_factory.mktemp("server")) as url:
        parts = urlsplit(url)
        yield parts.hostname or "", parts.port or 0


@pytest.fixture
def send(address: tuple[str, int]) -> Callable[[bytes], bytes]:
    """Send bytes, and return all that comes until the server closes the connection."""

    def ask(raw: bytes) -> bytes:
        with socket.create_connection(address, timeout=20) as connection:
            connection.sendall(raw)
            answer = b""
            while piece := connection.recv(65_536):
                answer += piece
            return answer

    return ask


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "address_too_long"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431, "headers_too_large"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431, "headers_too_large"),
        (b"GET / HTTP/1.1\r\nExpect: tea\r\nHost: x\r\n\r\n", 417, "expectation_failed"),
        (b"<>\r\n\r\n", 400, "not_http"),
        (b"GET / HTTP/9.9\r\n\r\n", 400, "not_http"),
        (b"GET / HTTP/1.1\r\nBad Name: x\r\n\r\n", 400, "not_http"),
    ],
    ids=["line", "header", "headers", "expect", "noise", "version", "name"],
)
def test_what_is_no_request_is_told_as_a_problem(
    send: Callable[[bytes], bytes], raw: bytes, status: int, code: str
) -> None:
    """And the connection is closed."""
    head, _, body = send(raw).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0].startswith(f"HTTP/1.1 {status} ")
    assert f"Content-Type: {wire.PROBLEM}" in lines
    assert f"Content-Length: {len(body)}" in lines
    assert json.loads(body)["code"] == code


def test_a_request_after_all_is_answered(send: Callable[[bytes], bytes]) -> None:
    """The server has lost nothing by the others."""
    asked = b"GET /v1/health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert b'{"status":"live"}' in send(asked)
