"""Links to jobs: what is asked for, and that nothing but `url` tells the link."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from scripted import Answer, Server

from taskkit.client.http import Http
from taskkit.client.shares import Share, share, shares
from taskkit.connection import Connection
from taskkit.protocol.errors import RequestError, ShareNotFound, to_problem

SECRET = "tk_share_" + "s" * 43
INFO: dict[str, Any] = {
    "id": "0123456789ab",
    "user": "ana",
    "scopes": [],
    "jobs": ["a" * 32, "b" * 32],
    "created_at": "2026-11-24T03:22:00.000Z",
    "expires_at": "2026-12-24T03:22:00.000Z",
    "used_at": None,
    "note": "for Bo",
}


def script(method: str, path: str, body: Any) -> Answer:
    """A server with one share."""
    if (method, path) == ("POST", "/shares"):
        return 201, {**INFO, "token": SECRET, "link": None}
    if (method, path) == ("GET", "/shares"):
        return 200, {"shares": [INFO]}
    return 404, to_problem(ShareNotFound())


@pytest.fixture
def server() -> Iterator[Server]:
    """That server."""
    running = Server(script)
    yield running
    running.close()


@pytest.fixture
def http(server: Server) -> Http:
    """What asks it, below a prefix's end."""
    return Http(Connection(server.url))


@pytest.mark.parametrize("expires", [timedelta(days=7), 604_800, 604_800.0])
def test_what_is_asked_for(server: Server, http: Http, expires: Any) -> None:
    """A span or seconds; None leaves it to the server."""
    share(http, ["a" * 32], expires, "for Bo")
    share(http, ["a" * 32], None, "")
    assert [body for _, _, body in server.asked] == [
        {"jobs": ["a" * 32], "note": "for Bo", "expires_s": 604_800},
        {"jobs": ["a" * 32], "note": ""},
    ]


def test_the_link_is_where_this_client_finds_the_page(server: Server, http: Http) -> None:
    """Unless the server knows better; the token is behind the #."""
    assert share(http, ["a"], None, "").url == f"{server.url}/#/shared/{SECRET}"
    said = "https://lab.example/#/shared/x"
    server.script = lambda *_: (201, {**INFO, "token": SECRET, "link": said})
    assert share(http, ["a"], None, "").url == said


def test_no_repr_tells_the_link(http: Http) -> None:
    """A saved notebook has it only where it was printed; nor does one travel."""
    made = share(http, ["a"], None, "")
    assert SECRET not in repr(made) + str(made)
    assert "2 jobs until 2026-12-24" in repr(made)
    assert not any(name.startswith("_repr_") or name == "_ipython_display_" for name in dir(made))
    with pytest.raises(TypeError, match="is for people"):
        pickle.dumps(made)


def test_what_is_listed_has_no_link(http: Http) -> None:
    """It was told when it was made."""
    [one] = shares(http)
    assert (one.id, one.owner, one.note, one.url) == ("0123456789ab", "ana", "for Bo", None)
    assert (one.jobs, one.used_at) == (("a" * 32, "b" * 32), None)
    assert "url" not in repr(one)


def test_to_revoke_one_that_is_gone_is_to_have_it_gone(server: Server, http: Http) -> None:
    """Another program may have been faster, or its answer was lost."""
    [one] = shares(http)
    one.revoke()
    assert isinstance(one, Share)


def test_what_cannot_be_shared_is_not_asked_for(server: Server, http: Http) -> None:
    """No jobs, too many, or for no time at all."""
    for ids in ([], ["a"] * 1001):
        with pytest.raises(RequestError):
            share(http, ids, None, "")
    with pytest.raises(ValueError, match="above 0"):
        share(http, ["a"], timedelta(0), "")
    assert server.asked == []
