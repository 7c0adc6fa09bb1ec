"""Jobs by their ids, or by the first digits of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..protocol.errors import JobNotFound, RequestError

if TYPE_CHECKING:
    from ..client.http import Http

SHORT = 8
"""How many digits lists show: one among 4 billion."""

LEAST = 4
"""How many digits must be given at least."""

RECENT = 500
"""Among how many jobs, the newest, the beginning of an id is looked for."""

MOST_NAMED = 4

_ID = re.compile(r"[0-9a-f]{4,32}")


def short(id: str) -> str:
    """Return what of an id is shown."""
    return id[:SHORT]


def whole(http: Http, given: Sequence[str]) -> list[str]:
    """Return the ids that are meant, in the same order; the server is asked once, if at all.

    Raises:
        RequestError: One is no id, or is the beginning of several.
        JobNotFound: No recent job's id begins like that.
    """
    recent: list[dict[str, Any]] | None = None
    found = []
    for text in given:
        begin = text.strip().lower()
        if not _ID.fullmatch(begin):
            raise RequestError(
                f"{text!r} is no job's id: give its {LEAST} first hexadecimal digits at least, "
                "as `taskkit jobs` shows them."
            )
        if len(begin) < 32 and recent is None:
            recent = http.get("/jobs", {"limit": RECENT})["jobs"]
        found.append(begin if len(begin) == 32 else meant(begin, recent or []))
    return list(dict.fromkeys(found))


def meant(begin: str, recent: Sequence[dict[str, Any]]) -> str:
    """Return the id of the one job, of the records of `recent`, whose id begins with `begin`.

    >>> meant("3f2a", [{"id": "3f2a9c1e"}, {"id": "77b10a2c"}])
    '3f2a9c1e'

    Raises:
        RequestError: It is the beginning of several.
        JobNotFound: Of none.
    """
    there = [obj for obj in recent if str(obj["id"]).startswith(begin)]
    if len(there) == 1:
        return str(there[0]["id"])
    if not there:
        more = f" of the newest {RECENT:,}" if len(recent) >= RECENT else ""
        raise JobNotFound(f"No job{more} has an id that begins with {begin}.")
    named = [f"{short_of(one, there)} ({_title(one)}, {one['state']})" for one in there]
    others = len(named) - MOST_NAMED
    more = f" and {others} more" if others > 0 else ""
    raise RequestError(
        f"{begin} is the beginning of {len(named)} jobs' ids, give more digits: "
        f"{', '.join(named[:MOST_NAMED])}{more}."
    )


def short_of(obj: dict[str, Any], others: Sequence[dict[str, Any]]) -> str:
    """Return as many digits of an id as tell it from the others', as many as are shown at least."""
    id, ids = str(obj["id"]), [str(other["id"]) for other in others]
    digits = SHORT
    while digits < len(id) and sum(other.startswith(id[:digits]) for other in ids) > 1:
        digits += 1
    return id[:digits]


def _title(obj: dict[str, Any]) -> str:
    title = (obj.get("options") or {}).get("name") or obj["task"]
    return " ".join(str(title).split())[:40]
