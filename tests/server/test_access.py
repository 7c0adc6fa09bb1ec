"""Who may ask: tokens, open servers, hosts and origins."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from flask import Flask
from serving import TOKEN, FadingLedger, Http, RecordingDispatch, problem

from taskkit.ledger import MemoryTokens
from taskkit.protocol.errors import Unauthorized
from taskkit_server.access.auth import Auth
from taskkit_server.access.gate import Gate
from taskkit_server.app import create_app
from taskkit_server.settings import Settings

PUBLIC = {
    "/",
    "/docs",
    "/docs/<path:name>",
    "/openapi.json",
    "/static/<path:filename>",
    "/static/panels.css",
    "/health/live",
    "/health/ready",
}


@pytest.fixture
def open_app(ledger: FadingLedger, dispatch: RecordingDispatch) -> Flask:
    """A server that this machine uses without a token."""
    settings = Settings(redis_url="redis://nowhere", token=TOKEN, is_open=True)
    return create_app(settings, ledger, dispatch)  # type: ignore[arg-type]


def test_every_route_but_the_public_ones_wants_a_token(app: Flask) -> None:
    """Whoever adds a route meets this test; also for the methods that Flask adds itself."""
    stranger, seen = Http(app, token=None), set()
    for rule in app.url_map.iter_rules():
        seen.add(rule.rule)
        if rule.rule in PUBLIC:
            continue
        path = rule.rule.replace("<id>", "0" * 32)
        for method in rule.methods or ():
            response = stranger.ask(method, path)
            assert response.status_code == 401, (method, path)
            assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert seen > PUBLIC


@pytest.mark.parametrize(
    "header",
    [None, "Bearer wrong", f"Bearer {TOKEN}x", "Bearer", "Bearer  ", TOKEN, f"Basic {TOKEN}", ""],
)
def test_without_the_right_token_nothing_is_told(app: Flask, header: str | None) -> None:
    """401 with how to bring one; the token itself is in no answer."""
    headers = {} if header is None else {"Authorization": header}
    response = Http(app, token=None).get("/jobs", headers=headers)
    found = problem(response, 401, "unauthorized")
    assert TOKEN not in found["detail"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_right_token_opens(app: Flask, scheme: str) -> None:
    """The scheme's case does not matter. Source: RFC 9110, section 11.1."""
    response = Http(app, token=None).get("/hello", headers={"Authorization": f"{scheme} {TOKEN}"})
    assert response.json["owner"] == "local"


@pytest.mark.parametrize(
    ("address", "status"), [("127.0.0.1", 200), ("::1", 200), ("192.168.1.7", 401), ("", 401)]
)
def test_an_open_server_is_open_to_this_machine_only(
    open_app: Flask, address: str, status: int
) -> None:
    """Others need the token as ever."""
    assert Http(open_app, token=None).get("/hello", address=address).status_code == status
    assert Http(open_app).get("/hello", address=address).status_code == 200


def test_an_open_server_refuses_a_wrong_token(open_app: Flask) -> None:
    """Who shows one means another server."""
    problem(Http(open_app, token="wrong").get("/hello"), 401, "unauthorized")


def test_a_forwarded_address_is_not_believed(open_app: Flask) -> None:
    """Anybody can write this header."""
    headers = {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1"}
    response = Http(open_app, token=None).get("/hello", headers=headers, address="10.0.0.9")
    problem(response, 401, "unauthorized")


@pytest.mark.parametrize("token", ["\ud800", "ünïcode", "x" * 100_000])
def test_a_strange_token_is_a_wrong_one(token: str) -> None:
    """Socket.IO brings it as JSON, which holds more than a header can."""
    with pytest.raises(Unauthorized):
        Auth(Settings(redis_url="", token=TOKEN), MemoryTokens()).identity(token, "127.0.0.1")


def test_an_empty_token_never_opens() -> None:
    """Neither where the server has none."""
    for settings in (Settings(redis_url=""), Settings(redis_url="", token="")):
        with pytest.raises(Unauthorized):
            Auth(settings, MemoryTokens()).identity("", "127.0.0.1")


def test_settings_do_not_show_their_secrets() -> None:
    """They may end up in a log."""
    text = repr(Settings(redis_url="redis://:password@lab", token=TOKEN))
    assert "password" not in text
    assert TOKEN not in text


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:5000", "127.0.0.1:80", "[::1]:5000", "LOCALHOST"]
)
def test_this_machines_names_pass(http: Http, host: str) -> None:
    """With any port, in any case."""
    assert http.get("/hello", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "[", "[::1", "a@b]"],
)
@pytest.mark.parametrize("path", ["/", "/hello", "/health/live", "/socket.io/?transport=websocket"])
def test_another_host_is_turned_away(http: Http, host: str, path: str) -> None:
    """DNS rebinding: a page of evil.example whose name suddenly means this machine."""
    problem(http.get(path, headers={"Host": host}), 403, "forbidden")


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://localhost:5001",
        "http://localhost",
        "null",
        "",
        "http://[",
    ],
)
def test_a_page_of_another_origin_is_turned_away(http: Http, origin: str) -> None:
    """Before its request does anything; a notebook server on this machine is another origin."""
    headers = {"Origin": origin, "Host": "localhost:5000"}
    problem(http.post("/jobs", {"task": "demo"}, headers=headers), 403, "forbidden")


def test_the_servers_own_page_passes(http: Http) -> None:
    """Its origin is the host that was asked."""
    headers = {"Origin": "http://localhost:5000", "Host": "localhost:5000"}
    assert http.get("/hello", headers=headers).status_code == 200


def test_other_names_can_be_allowed(ledger: FadingLedger, dispatch: RecordingDispatch) -> None:
    """For a server of a lab."""
    settings = Settings(
        redis_url="redis://nowhere", token=TOKEN, allowed_hosts=frozenset({"lab.example"})
    )
    http = Http(create_app(settings, ledger, dispatch))  # type: ignore[arg-type]
    assert http.get("/hello", headers={"Host": "lab.example:5000"}).status_code == 200
    problem(http.get("/hello"), 403, "forbidden")


def test_compression_of_sockets_is_never_agreed_on() -> None:
    """A small frame would become a very large one before anybody has shown a token."""
    seen: list[dict[str, Any]] = []

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        seen.append(environ)
        return [b""]

    environ = {
        "HTTP_HOST": "localhost",
        "HTTP_SEC_WEBSOCKET_EXTENSIONS": "permessage-deflate",
        "HTTP_SEC_WEBSOCKET_KEY": "k",
    }
    list(Gate(app, frozenset({"localhost"}))(environ, lambda *_: None))
    assert "HTTP_SEC_WEBSOCKET_EXTENSIONS" not in seen[0]
    assert seen[0]["HTTP_SEC_WEBSOCKET_KEY"] == "k"
