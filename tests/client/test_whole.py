"""What is sent together of a request; that servers read it is in test_http.py."""

from __future__ import annotations

import pytest

from taskkit.client.whole import MOST_BYTES, Plain, Secure

Connection = type[Plain] | type[Secure]

BOTH = pytest.mark.parametrize("kind", [Plain, Secure])


class Line:
    """A socket that keeps what it is to send, each time."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.fails = False

    def sendall(self, data: bytes | memoryview) -> None:
        """Take it, or break."""
        if self.fails:
            raise BrokenPipeError
        self.sent.append(bytes(data))

    def settimeout(self, _timeout_s: float) -> None:
        """Wait for as long as it takes."""

    def close(self) -> None:
        """Do nothing."""


def on_a(line: Line, kind: Connection) -> Plain | Secure:
    """Return a connection that is open."""
    connection = kind("127.0.0.1")
    connection.sock = line  # type: ignore[assignment]
    return connection


def read(sent: list[bytes]) -> tuple[bytes, bytes]:
    """Return head and body of all that was sent."""
    head, _, body = b"".join(sent).partition(b"\r\n\r\n")
    return head, body


@BOTH
@pytest.mark.parametrize("body", [None, b"", b"{}", memoryview(b"[1]"), b"x" * (MOST_BYTES // 2)])
def test_a_short_request_is_sent_at_once(kind: Connection, body: bytes | None) -> None:
    """The head first."""
    line = Line()
    on_a(line, kind).request("POST", "/jobs", body=body, headers={"A": "b"})
    assert len(line.sent) == 1
    head, sent = read(line.sent)
    assert head.startswith(b"POST /jobs HTTP/1.1\r\n")
    assert b"\r\nA: b" in head
    assert sent == bytes(body or b"")


@BOTH
def test_a_long_body_is_not_copied(kind: Connection) -> None:
    """It follows the head, whole."""
    line, body = Line(), b"x" * (MOST_BYTES + 1)
    on_a(line, kind).request("POST", "/jobs", body=body)
    assert [len(part) for part in line.sent][1:] == [len(body)]
    assert read(line.sent)[1] == body


@BOTH
def test_a_body_in_parts_is_sent_in_its_order(kind: Connection) -> None:
    """Short ones together, until they are long."""
    line, parts = Line(), [b"a" * 10, b"b" * MOST_BYTES, b"c" * 10]
    on_a(line, kind).request("PUT", "/blobs", body=iter(parts))
    assert len(line.sent) < 2 + len(parts)
    want = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    assert read(line.sent)[1] == want


@BOTH
def test_a_request_that_broke_leaves_nothing_behind(kind: Connection) -> None:
    """The next one is sent alone."""
    line = Line()
    connection = on_a(line, kind)
    line.fails = True
    with pytest.raises(BrokenPipeError):
        connection.request("POST", "/jobs", body=b"first")
    line.fails = False
    connection.close()
    connection.sock = line  # type: ignore[assignment]
    connection.request("POST", "/jobs", body=b"second")
    assert read(line.sent)[1] == b"second"
