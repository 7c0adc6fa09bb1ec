"""The token, whom it stands for, and whether both sides are of one version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import taskkit

from ..protocol import OLDEST_PROTOCOL, PROTOCOL_VERSION
from ..protocol.tokens import Scope
from .asking import Answer, Silence
from .chart import Chart
from .finding import Finding, broken, caution, good
from .here import is_same
from .origin import Origin, short

_FOR_OTHERS = (Scope.ADMIN, Scope.METRICS, Scope.BLOBS)
"""Scopes that nobody misses who runs jobs."""


def check_token(chart: Chart) -> tuple[Finding, Chart]:
    """Ask the server who we are."""
    answer = chart.asking.get("/hello")
    hello = answer.json() if isinstance(answer, Answer) and answer.status == 200 else {}
    finding = judge_token(answer, chart.origin, chart.connection.url, chart.connection.token)
    return finding, replace(chart, hello=hello)


def judge_token(
    answer: Answer | Silence, origin: Origin | None, url: str, token: str | None
) -> Finding:
    """Return whether the server takes the token, and whom it knows by it."""
    if isinstance(answer, Silence):
        return broken(
            f"the server does not say who this is: {answer.words or answer.why}",
            "Run `taskkit doctor` once more; see the server's log if it stays so.",
        )
    if answer.status == 401:
        return broken(answer.detail, _cure(origin, url, token))
    owner = answer.json().get("owner")
    if answer.status != 200 or not owner:
        return broken(
            f"the server does not say who this is: {answer.detail}",
            "See the server's log: it made a mistake, or is of another version.",
        )
    hello = answer.json()
    return good(f"{_taken(token)}: you are {owner!r}{_scope_words(hello)}")


def _taken(token: str | None) -> str:
    if not token:
        return "not needed from this machine"
    return "taken"


def _scope_words(hello: Mapping[str, Any]) -> str:
    lacking = [scope for scope in Scope if scope not in hello.get("scopes", (scope,))]
    lacking = [scope for scope in lacking if scope not in _FOR_OTHERS]
    return f", without the scope {', '.join(lacking)}" if lacking else ""


def _cure(origin: Origin | None, url: str, token: str | None) -> str:
    if origin is None:
        return "Set TASKKIT_TOKEN to a token of this server."
    if is_same(origin.file_url, url) and (origin.is_variable or origin.has_own_token):
        names = [
            name
            for name, is_set in (
                ("TASKKIT_URL", origin.is_variable),
                ("TASKKIT_TOKEN", origin.has_own_token),
            )
            if is_set
        ]
        return f"Unset {' and '.join(names)}: {short(origin.path)} knows the token of this stack."
    if token is None:
        return "Set TASKKIT_TOKEN to the token that whoever runs this server gave you."
    return "Set TASKKIT_TOKEN to one that this server knows: ask whoever runs it for another."


def check_versions(chart: Chart) -> tuple[Finding, Chart]:
    """Compare the versions of both sides."""
    return judge_versions(chart.hello, taskkit.__version__), chart


def judge_versions(hello: Mapping[str, Any], own: str) -> Finding:
    """Return whether client and server understand one another."""
    theirs, protocol = str(hello.get("version")), hello.get("protocol")
    cure = f"pip install 'taskkit-notebook=={theirs}'"
    if not (isinstance(protocol, int) and OLDEST_PROTOCOL <= protocol <= PROTOCOL_VERSION):
        return broken(
            f"the server speaks protocol {protocol} (taskkit {theirs}), this client "
            f"{PROTOCOL_VERSION} (taskkit {own})",
            f"Install the server's version here: {cure}.",
        )
    if theirs != own:
        return caution(
            f"taskkit {theirs} at the server, {own} here; both speak protocol {protocol}",
            f"Install the same version when there is time: {cure}.",
        )
    return good(f"taskkit {own}, protocol {protocol}, on both sides")
