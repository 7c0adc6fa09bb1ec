"""Requests, and every way in which an address is not that of a server."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from scripted import Script, Server

from taskkit import Client
from taskkit.client.http import Http
from taskkit.client.language import require_protocol
from taskkit.connection import Connection
from taskkit.protocol.errors import (
    InvalidArguments,
    NotReachable,
    RequestError,
    ServiceError,
    Unauthorized,
    Unavailable,
    to_problem,
)

Serve = Callable[[Script], Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve by a script; all servers are closed at the end."""
    servers: list[Server] = []

    def serve_one(script: Script) -> Server:
        servers.append(Server(script))
        return servers[-1]

    yield serve_one
    for server in servers:
        server.close()


def test_a_prefix_of_the_address_is_kept(serve: Serve) -> None:
    """A server behind a proxy lives below a path."""
    server = serve(lambda *_: (200, {"ok": True}))
    http = Http(Connection(f"{server.url}/lab/"))
    assert http.get("/jobs", {"limit": 3, "before": "a b"}) == {"ok": True}
    assert server.asked[0][1] == "/lab/jobs?limit=3&before=a+b"
    http.close()


def test_bytes_come_with_their_media_type(serve: Serve) -> None:
    """As a result is fetched."""
    http = Http(Connection(serve(lambda *_: (200, ("image/png", b"\x89PNG"))).url))
    assert http.fetch("/x") == ("image/png", b"\x89PNG")
    http.close()


def test_a_problem_is_raised_as_its_exception(serve: Serve) -> None:
    """With the server's words and details."""
    error = InvalidArguments("size: missing", arguments={"size": "missing"})
    http = Http(Connection(serve(lambda *_: (422, to_problem(error))).url))
    with pytest.raises(InvalidArguments, match="size: missing") as caught:
        http.post("/jobs", {})
    assert caught.value.details == {"arguments": {"size": "missing"}}
    http.close()


def test_a_problem_of_a_newer_server_is_its_nearest_kin(serve: Serve) -> None:
    """An unknown code still tells whose fault it was."""
    obj = {"code": "quota_spent", "detail": "come back tomorrow"}
    http = Http(Connection(serve(lambda *_: (429, obj)).url))
    with pytest.raises(RequestError, match="tomorrow"):
        http.get("/jobs")
    http.close()


@pytest.mark.parametrize(
    "answer",
    [
        (200, ("text/html", b"<html>")),
        (502, ("text/html", b"<h1>Bad Gateway</h1>")),
        (302, ("text/html", b"")),
        (404, ("text/plain", b"nothing here")),
        (500, ("application/json", b"[1]")),
    ],
    ids=["page", "gateway", "redirect", "other server", "list"],
)
def test_what_is_no_taskkit_server_is_told_apart(serve: Serve, answer: tuple[int, object]) -> None:
    """One sentence, whatever it answers; redirects are not followed with the token."""
    server = serve(lambda *_: answer)
    with pytest.raises(ServiceError, match=r"not (a|as a) taskkit server"):
        Client(server.url)
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxy_without_a_server_is_a_server_that_is_away(serve: Serve, status: int) -> None:
    """What waits for one that is restarted waits behind a proxy, too; a 503 of ours stays one."""
    http = Http(Connection(serve(lambda *_: (status, ("text/html", b"<h1>Oops</h1>"))).url))
    with pytest.raises(NotReachable, match=f"answered {status}.*a proxy before it"):
        http.get("/jobs")
    http.close()
    away = to_problem(Unavailable("Redis is away"))
    http = Http(Connection(serve(lambda *_: (status, away)).url))
    with pytest.raises(Unavailable, match="Redis is away"):
        http.get("/jobs")
    http.close()


def test_another_protocol_says_what_to_install(serve: Serve) -> None:
    """Both versions are told."""
    hello = {"protocol": 99, "version": "9.9", "owner": "local", "logs": {}}
    with pytest.raises(ServiceError, match=r"protocol 99 \(taskkit 9.9\).*same version"):
        Client(serve(lambda *_: (200, hello)).url)


@pytest.mark.parametrize(
    ("protocol", "why"),
    [
        (1, "speaks protocol 1 .* and this client 2 to 3 .*too new for it.*raised"),
        (2, None),
        (3, None),
        (4, "speaks protocol 4 .*this client is too old for it.*taskkit-notebook==9.9'$"),
        (None, "speaks protocol None"),
    ],
)
def test_a_client_says_which_side_is_older(protocol: int | None, why: str | None) -> None:
    """And takes a server of the release before."""
    hello = {"protocol": protocol, "version": "9.9"}
    if why is None:
        require_protocol(hello, "http://lab", oldest=2, newest=3)
        return
    with pytest.raises(ServiceError, match=why):
        require_protocol(hello, "http://lab", oldest=2, newest=3)


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_nothing_there_is_one_sentence_that_says_what_to_do() -> None:
    """Without the chain of what libraries raised on the way."""
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(NotReachable) as caught:
        Client(url)
    reason = f"[Errno {errno.ECONNREFUSED}] {os.strerror(errno.ECONNREFUSED)}"
    assert str(caught.value) == (
        f"No taskkit server answers at {url} ({reason}). Start one with "
        "`taskkit up`, or set TASKKIT_URL to the address of yours."
    )
    assert caught.value.__suppress_context__
    shown = caught.value._render_traceback_()
    assert shown == [f"NotReachable: {caught.value}"]


@pytest.mark.parametrize(
    "url",
    [
        "localhost:5000",
        "ftp://localhost",
        "http://:5000",
        "http://localhost:port",
        "http://localhost:99999",
        "http://[::1",
        "/run/redis",
    ],
)
def test_an_address_that_is_none_is_named(url: str) -> None:
    """With one that would be."""
    with pytest.raises(NotReachable, match="is not the address of a server") as caught:
        Client(url)
    assert repr(url) in str(caught.value)


def test_a_token_copied_with_its_line_end_works(serve: Serve) -> None:
    """As read from a file."""
    server = serve(lambda *_: (200, {}))
    Http(Connection(server.url, " token\n")).get("/hello")
    assert server.headers[0]["Authorization"] == "Bearer token"


@pytest.mark.parametrize("token", ["to–ken", "tok\nen", "tok\x00en"])
def test_a_token_that_is_none_is_refused_before_it_is_sent(token: str) -> None:
    """In a sentence that does not show it."""
    with pytest.raises(Unauthorized, match="token") as caught:
        Client(f"http://127.0.0.1:{free_port()}", token)
    assert token not in str(caught.value)


def test_the_token_is_in_no_repr(serve: Serve) -> None:
    """A cell that shows its client saves no secret in the notebook."""
    hello = {
        "protocol": 1,
        "version": "0",
        "owner": "local",
        "logs": {"jobs": {"epoch": "", "seq": 0}},
    }
    server = serve(lambda *_: (200, hello))
    client = Client(server.url, "secret-token")
    assert repr(client) == f"<Client of {server.url} as local>"
    client.close()


def test_each_request_has_an_id_of_its_own_that_errors_tell(serve: Serve) -> None:
    """By it the server's lines in its log are found; also where no answer came."""
    ids: list[str] = []

    def answer(*asked: Any) -> tuple[int, object]:
        ids.append(server.headers[-1]["X-Request-ID"])
        return 500, {"code": "server_broke", "detail": "its log has why", "request_id": ids[-1]}

    server = serve(answer)
    http = Http(Connection(server.url))
    for _ in range(2):
        with pytest.raises(
            ServiceError, match=r"its log has why \(request [0-9a-f]{32}\)"
        ) as caught:
            http.get("/jobs")
        assert caught.value.details["request_id"] == ids[-1]
    assert len(set(ids)) == 2
    http.close()
    with pytest.raises(NotReachable) as unreachable:
        Http(Connection("http://127.0.0.1:1")).get("/jobs")
    assert len(unreachable.value.details["request_id"]) == 32
