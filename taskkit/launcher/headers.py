"""What of a request's and an answer's headers goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from multidict import CIMultiDict, CIMultiDictProxy

HOP_BY_HOP = frozenset(
    {
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""What speaks of one connection. Source: RFC 9110, section 7.6.1, and older practice."""

OF_JUPYTER = frozenset({"authorization", "cookie", "forwarded", "host", "origin", "referer"})
"""What is meant for JupyterLab, may open it, or says where it is: no business of the stack's."""

_PREFIXES_OF_JUPYTER = ("sec-websocket-", "x-forwarded-", "x-proxy")

Headers = CIMultiDictProxy[str]


def is_foreign(headers: Mapping[str, str]) -> bool:
    """Return whether a page of another origin asks.

    jupyter-server-proxy leaves that to what is behind it, and passes Host and Origin on.
    """
    origin = headers.get("Origin")
    try:
        netloc = urlsplit(origin or "").netloc
    except ValueError:  # such as a bracket without its other half
        return True
    return origin is not None and netloc.lower() != headers.get("Host", "").lower()


def of_request(headers: Headers, token: str | None) -> CIMultiDict[str]:
    """Return what the stack is sent: what does not concern it is left out, the token put in."""
    kept = CIMultiDict(
        (name, value)
        for name, value in _end_to_end(headers)
        if name.lower() not in OF_JUPYTER and not name.lower().startswith(_PREFIXES_OF_JUPYTER)
    )
    if token:
        kept["Authorization"] = f"Bearer {token}"
    return kept


def of_answer(headers: Headers) -> CIMultiDict[str]:
    """Return what the browser is sent. A cookie would be one of JupyterLab's."""
    pairs = _end_to_end(headers)
    return CIMultiDict((name, value) for name, value in pairs if name.lower() != "set-cookie")


def _end_to_end(headers: Headers) -> Iterator[tuple[str, str]]:
    named = {name.strip().lower() for name in headers.get("Connection", "").split(",")}
    for name, value in headers.items():
        if name.lower() not in HOP_BY_HOP | named:
            yield name, value
