"""Which headers go on to the stack and back, and which pages may ask at all."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from taskkit.launcher import headers


def given(**values: str) -> headers.Headers:
    """Return headers; underscores stand for hyphens."""
    pairs = [(name.replace("_", "-"), value) for name, value in values.items()]
    return CIMultiDictProxy(CIMultiDict(pairs))


def test_what_opens_jupyterlab_stays_there() -> None:
    """Its cookies and token, whatever their case; and whence the browser came."""
    sent = headers.of_request(
        given(
            COOKIE="_xsrf=1; username-8888=secret",
            authorization="token of-jupyterlab",
            Referer="http://localhost:8888/lab?token=of-jupyterlab",
            Origin="http://localhost:8888",
            Host="localhost:8888",
            X_Forwarded_Context="/user/ana/taskkit",
            X_ProxyContextPath="/user/ana/taskkit",
        ),
        None,
    )
    assert dict(sent) == {}


def test_the_stack_gets_its_own_token() -> None:
    """In place of whatever the browser sent."""
    sent = headers.of_request(given(Authorization="Bearer other"), "of-the-stack")
    assert sent.getall("Authorization") == ["Bearer of-the-stack"]


def test_what_speaks_of_one_connection_is_not_passed_on() -> None:
    """Also what the Connection header names. What speaks of the content is."""
    asked = given(
        Connection="keep-alive, X-Mine",
        X_Mine="1",
        Keep_Alive="timeout=5",
        Transfer_Encoding="chunked",
        Upgrade="h2c",
        TE="trailers",
        Sec_WebSocket_Key="of the other connection",
        Idempotency_Key="k",
        Content_Type="application/json",
        If_None_Match='"1"',
    )
    kept = {"Idempotency-Key": "k", "Content-Type": "application/json", "If-None-Match": '"1"'}
    assert dict(headers.of_request(asked, None)) == kept


def test_no_stack_sets_a_cookie_of_jupyterlab_s() -> None:
    """The dashboard's address is JupyterLab's; the rest of an answer is the stack's."""
    answered = given(Set_Cookie="a=1", Content_Security_Policy="default-src 'none'", Date="today")
    kept = {"Content-Security-Policy": "default-src 'none'", "Date": "today"}
    assert dict(headers.of_answer(answered)) == kept


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "localhost:8888"),
        ("http://localhost:8888", "localhost:8888"),
        ("https://hub.example.org", "hub.example.org"),
        ("https://HUB.example.org", "hub.EXAMPLE.org"),
    ],
)
def test_pages_of_the_same_origin_may_ask(origin: str | None, host: str) -> None:
    """And what is no page: it sends no Origin."""
    asked = {"Host": host} if origin is None else {"Host": host, "Origin": origin}
    assert not headers.is_foreign(asked)


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://localhost:9999", "http://localhost", "null", "", "http://[::1"],
)
def test_pages_of_other_origins_may_not(origin: str) -> None:
    """Nor those that hide where they are from."""
    assert headers.is_foreign({"Host": "localhost:8888", "Origin": origin})
