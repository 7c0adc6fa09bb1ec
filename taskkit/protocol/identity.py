"""What a call is, so that the result of an equal one can stand for it; and why it was run again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

KEY_CHARS = 64
"""The length of a key: a SHA-256 in hexadecimal."""

MOST_PARTS, PART_CHARS, MARK_CHARS, REASON_CHARS = 64, 120, 60, 300
"""How many parts are sent, and how long the names of each, what is kept of it, and a reason are."""

MOST_CHANGES = 5
"""How many changed parts a job tells of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a call is made of."""

    key: str = ""
    #: The same for equal calls alone; empty where that is not to be told.
    topics: tuple[str, ...] = ()
    #: With which earlier call it is compared, the likest first: see `Change`.
    parts: Mapping[str, str] = field(default_factory=dict, hash=False)
    #: What it is made of, by names such as ``code:fit``, ``global:alpha`` or ``package:numpy``: of
    #: each the version, or the beginning of its digest.
    unsure: str = ""
    #: Why there is no key, in words.
    is_renewed: bool = False
    #: Whether it is to be run in any case, and its result to stand for those that come.


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A part of a call that is not as it was."""

    part: str
    before: str = ""
    #: Empty where it is new.
    now: str = ""
    #: Empty where it is gone.


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """Why a call that asked for an earlier result was run."""

    changes: tuple[Change, ...] = ()
    #: What differs from the last call that it was compared with; at most `MOST_CHANGES`.
    more: int = 0
    #: How many others differ.
    unsure: str = ""
    #: Why it cannot be told from others.
    is_renewed: bool = False
    #: Whether that was asked for.


def identity_from(data: Mapping[str, Any]) -> Identity:
    """Return the identity that ``dataclasses.asdict`` made an object of."""
    return Identity(**{**_known(Identity, data), "topics": tuple(data.get("topics", ()))})


def rerun_from(data: Mapping[str, Any] | None) -> Rerun | None:
    """Return why a call was run, from what ``dataclasses.asdict`` made of it, or a part of that."""
    if data is None:
        return None
    changes = tuple(Change(**_known(Change, change)) for change in data.get("changes", ()))
    return Rerun(**{**_known(Rerun, data), "changes": changes})


def _known(cls: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: data[field.name] for field in fields(cls) if field.name in data}
