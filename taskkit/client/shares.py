"""Shares: links by which whoever has one looks at some jobs, and at nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from ..protocol import wire
from ..protocol.errors import RequestError, ShareNotFound
from ..protocol.tokens import MOST_SHARED, ShareInfo
from .http import Http

Expires = timedelta | float | None
"""How long a share lasts: a span, or seconds; None for as long as the server gives unasked."""


class Share:
    """A link to some jobs. Whoever has it may look at them until it ends or is revoked.

    `url` is the link. It opens what it shows, as a token does, so that no repr tells it and no
    saved notebook has it: print it, and send it to whom it is for. It is known to whom makes the
    share alone; of one that was listed, it is None.
    """

    def __init__(self, info: ShareInfo, http: Http, url: str | None = None) -> None:
        self._info = info
        self._http = http
        self.url = url

    @property
    def id(self) -> str:
        """By which it is listed and revoked; it opens nothing."""
        return self._info.id

    @property
    def jobs(self) -> tuple[str, ...]:
        """The ids of the jobs that it shows."""
        return self._info.jobs

    @property
    def note(self) -> str:
        """What it is for, in your words; its readers do not see that."""
        return self._info.note

    @property
    def owner(self) -> str:
        """Whose jobs they are."""
        return self._info.user

    @property
    def expires_at(self) -> datetime:
        """When it ends."""
        return _time(self._info.expires_at or 0)

    @property
    def used_at(self) -> datetime | None:
        """When somebody last looked, to the minute; None where nobody has."""
        return None if self._info.used_at is None else _time(self._info.used_at)

    def revoke(self) -> None:
        """End it: within two seconds it shows nothing any more. One that is gone stays gone."""
        try:
            self._http.delete(f"/shares/{self.id}")
        except ShareNotFound:
            return

    def __repr__(self) -> str:
        many = len(self.jobs)
        told = f"{many} job{'' if many == 1 else 's'} until {self.expires_at:%Y-%m-%d %H:%M}"
        return f"<Share {self.id}: {told}{'; its link is in .url' if self.url else ''}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Share is for people: print its .url and send them that")


def share(http: Http, ids: Sequence[str], expires: Expires, note: str) -> Share:
    """Make a share of jobs.

    Raises:
        RequestError: There are none, or more than one link may show.
        Forbidden: The token may not, or the server shares no jobs.
    """
    if not ids:
        raise RequestError("there is no job to share yet")
    if len(ids) > MOST_SHARED:
        raise RequestError(
            f"a link may show {MOST_SHARED:,} jobs, and these are {len(ids):,}: share them "
            "in parts, or job by job"
        )
    body: dict[str, Any] = {"jobs": list(ids), "note": note}
    if expires is not None:
        lasts_s = expires.total_seconds() if isinstance(expires, timedelta) else float(expires)
        if lasts_s <= 0:
            raise ValueError("a share must last for some time: expires is to be above 0")
        body["expires_s"] = lasts_s
    made = http.post("/shares", body)
    return Share(wire.share_from_wire(made), http, link_of(made, http.url))


def link_of(made: dict[str, Any], url: str) -> str:
    """Return the link of a share just made: the server's, else where this client finds the page."""
    return made.get("link") or f"{url.rstrip('/')}/#/shared/{made['token']}"


def shares(http: Http) -> list[Share]:
    """Return the user's shares, the oldest first."""
    listed = http.get("/shares")["shares"]
    return [Share(wire.share_from_wire(one), http) for one in listed]


def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone()
