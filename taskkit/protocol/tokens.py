"""Tokens and shares: whose they are, what they open, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """Something that a token may allow."""

    SUBMIT = "submit"
    #: To submit jobs of named tasks, and the values that they need.
    READ = "read"
    #: To see jobs, their results and what happens to them.
    CANCEL = "cancel"
    CODE = "code"
    #: To submit functions, which run on the workers as whoever runs those.
    ADMIN = "admin"
    #: To make and revoke the tokens of all users.
    METRICS = "metrics"
    #: To read what is counted of the whole server, which names nobody.
    BLOBS = "blobs"
    #: To fetch and keep the large values of all users, as a worker on another host does.


ALL_SCOPES = frozenset(Scope)

USUAL_SCOPES = (Scope.SUBMIT, Scope.READ, Scope.CANCEL)
"""What a token allows unless it is said; no code, for that is for people whom the workers' owner
would give a shell."""

OWNER_HEADER = "Taskkit-Owner"
"""By which a worker says whose large values it means; needs the scope `blobs`."""

USER_PATTERN = r"^[a-z0-9][a-z0-9._@+-]{0,63}$"
"""Names of users: they are parts of keys, of folders and of space-separated lists."""

NOTE_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenInfo:
    """What is kept of a token beside its hash."""

    id: str
    #: By which it is listed and revoked; opens nothing. 12 hexadecimal digits.
    user: str
    #: The owner of what is submitted with it.
    scopes: tuple[Scope, ...]
    created_at: int
    #: Milliseconds since the Unix epoch, as the other times.
    expires_at: int | None = None
    #: None for never.
    used_at: int | None = None
    #: When it was last seen, to the minute.
    note: str = ""
    #: What it is for, in its maker's words.

    def is_expired(self, now_ms: int) -> bool:
        """Return whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now_ms


MOST_SHARED = 1000
"""How many jobs one link may show."""

MOST_SHARES = 200
"""How many links one user may have at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareInfo(TokenInfo):
    """What is kept of a link for whoever has it to look at some jobs of a user, and nothing else.

    It is a token of its own kind, kept apart from the others, so that nothing takes it for one of
    those. It has no scopes: what it opens is a list of routes, of these jobs.
    """

    jobs: tuple[str, ...]
    #: Their ids, in the order in which they are shown.
