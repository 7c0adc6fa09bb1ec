"""Parsers of what strangers send raise what they promise, and nothing else, whatever comes."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from flask_socketio import ConnectionRefusedError as Refused
from hypothesis import example, given, settings
from hypothesis import strategies as st

from taskkit.blobs.manifest import read_manifest
from taskkit.ledger import MemoryTokens
from taskkit.protocol.broker import woken
from taskkit.protocol.errors import (
    BadSignature,
    DecodeError,
    InvalidRequest,
    PayloadTooLarge,
    Unauthorized,
)
from taskkit.protocol.signing import MARK, Keyring
from taskkit_server.access.auth import Auth, bearer
from taskkit_server.access.gate import Gate
from taskkit_server.live.sockets import _places
from taskkit_server.routes.submissions import parsed
from taskkit_server.settings import Settings

KEYS = Keyring(["k" * 32])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
FIELDS = ["task", "function", "payload", "jobs", "functions", "key", "after", "options", "blobs"]
BODIES = JSON | st.dictionaries(st.sampled_from(FIELDS), JSON)
HEADERS = st.text(string.printable, max_size=80)


@given(HEADERS)
@example("Bearer \ud800")
def test_an_authorization_header(header: str) -> None:
    """It is a token's, or refused; no such token is known."""
    try:
        token = bearer(header)
    except Unauthorized:
        return
    with pytest.raises(Unauthorized):
        Auth(Settings(redis_url="", token="t" * 40), MemoryTokens()).identity(token, "127.0.0.1")


@given(st.text(max_size=200))
def test_a_token(token: str) -> None:
    """From a socket it may hold anything that JSON can."""
    with pytest.raises(Unauthorized):
        Auth(Settings(redis_url="", token="t" * 40), MemoryTokens()).identity(token, "127.0.0.1")


@given(HEADERS, st.none() | HEADERS)
@example("[::1", None)
@example("localhost", "http://[")
@example("localhost\\evil", "http://localhost\\evil")
def test_a_host_and_an_origin(host: str, origin: str | None) -> None:
    """Turned away, or of an allowed name and of the same origin."""
    passed: list[Any] = []
    gate = Gate(lambda environ, _: passed.append(environ) or [b""], frozenset({"localhost"}))
    environ = {"HTTP_HOST": host} | ({} if origin is None else {"HTTP_ORIGIN": origin})
    list(gate(environ, lambda *_: None))
    if passed:
        assert host.lower().lstrip(string.whitespace).find("localhost") >= 0
        assert origin is None or host in origin


@given(st.recursive(JSON, lambda inner: st.dictionaries(st.sampled_from(["jobs", "at"]), inner)))
@example({"jobs": {"epoch": "", "after": True, "at": 2**53}})
def test_the_cursors_of_a_socket(said: object) -> None:
    """They are some, or the socket is refused."""
    try:
        places = _places(said)
    except Refused:
        return
    assert all(0 <= cursor.seq < 2**53 for _, cursor in places)


@settings(deadline=None)
@given(BODIES)
@example({"task": "\ud800"})
@example({"jobs": [{"task": "t", "payload": "="}]})
def test_a_submission(body: object) -> None:
    """It is understood, or each fault is named."""
    try:
        requests, _ = parsed(body)
    except InvalidRequest as error:
        json.dumps(error.details)
        return
    assert requests.jobs


@given(st.binary(max_size=300))
@example(b"taskkit-pack:1")
@example(b'taskkit-pack:1\n{"blobs": [["a"]]}\n')
def test_a_manifest(head: bytes) -> None:
    """What names blobs names them by digests."""
    for data in (head, b"taskkit-pack:1\n" + head):
        try:
            read_manifest(data)
        except (DecodeError, PayloadTooLarge):
            continue


@given(st.binary(max_size=300))
@example(MARK)
@example(MARK + b"\xff" * 100)
def test_a_signature(signed: bytes) -> None:
    """None of these was made with the key."""
    for data in (signed, MARK + signed, MARK + KEYS.keys[0].id.encode() + b":" + signed):
        with pytest.raises(BadSignature):
            KEYS.open(data, "a job", "ada")


@given(BODIES | st.text(max_size=50))
def test_a_message_of_the_queue(message: object) -> None:
    """It is no wake-up of ours, and that is said."""
    with pytest.raises(DecodeError):
        woken(json.dumps(message))
