"""What the shell completes: jobs' ids, their names and states.

Each key costs a request, so nothing of the client is imported; and where there is no stack, or no
answer at once, there is nothing to complete and nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

MOST = 100
"""How many of the newest jobs are offered."""

PATIENCE_S = 1.0

ACTIVE = ("queued", "running")
ENDED_BADLY = ("failed", "cancelled")

Complete = Callable[[str], list[tuple[str, str]]]


def ids(of: Collection[str] = ()) -> Complete:
    """Return what completes the ids of recent jobs, of all or of those in some states."""

    def complete(incomplete: str) -> list[tuple[str, str]]:
        from .ids import SHORT

        begin = incomplete.lower()
        return [
            # Whoever has typed more than lists show gets the whole.
            (job["id"] if len(begin) > SHORT else job["id"][:SHORT], _help(job))
            for job in _recent()
            if job["id"].startswith(begin) and (not of or job["state"] in of)
        ]

    return complete


def names(incomplete: str) -> list[str]:
    """Return the names of recent jobs that begin so, each once; not those that need quotes."""
    import shlex

    titles = dict.fromkeys(_title(job) for job in _recent())
    return [one for one in titles if one.startswith(incomplete) and shlex.quote(one) == one]


def states(incomplete: str) -> list[str]:
    """Return the states that begin so."""
    from ..protocol.jobs import JobState

    return [state.value for state in JobState if state.startswith(incomplete)]


def _recent() -> list[dict[str, Any]]:
    """Return the newest jobs as the server lists them; none where it does not at once."""
    import json
    from http.client import HTTPConnection, HTTPException, HTTPSConnection
    from urllib.parse import urlsplit

    from ..connection import find
    from ..protocol.errors import TaskkitError

    try:
        connection = find()
        parts = urlsplit(connection.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        asked = kind(parts.hostname or "", parts.port, timeout=PATIENCE_S)
        token = {"Authorization": f"Bearer {connection.token}"} if connection.token else {}
        asked.request("GET", f"{parts.path.rstrip('/')}/jobs?limit={MOST}", headers=token)
        answer = asked.getresponse()
        jobs = json.loads(answer.read())["jobs"] if answer.status == 200 else []
        return [job for job in jobs if isinstance(job["id"], str)]
    except (TaskkitError, HTTPException, OSError, ValueError, KeyError, TypeError):
        return []


def _title(job: dict[str, Any]) -> str:
    title = (job.get("options") or {}).get("name") or job["task"]
    return " ".join("".join(c if c.isprintable() else " " for c in str(title)).split())


def _help(job: dict[str, Any]) -> str:
    # Typer takes brackets for markup.
    title = _title(job)[:40].replace("[", "(").replace("]", ")")
    return f"{title} ({job['state']})"
