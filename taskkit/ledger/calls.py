"""Which job stands for a call, and what differs from the one before; as `submit.lua` has it."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha1

from ..protocol.identity import MOST_CHANGES, Change, Identity, Rerun


def name_of(identity: Identity, after: Sequence[str], times: tuple[int, int]) -> str:
    """Return what equal calls share: key, the jobs given to them, how often they were forgotten."""
    whole = f"{times[0]} {times[1]} {identity.key} {' '.join(after)}"
    return sha1(whole.encode(), usedforsecurity=False).hexdigest()


def rerun_of(identity: Identity, before: Identity | None) -> Rerun | None:
    """Return why a call runs; None where nothing like it is known, or all is as it was."""
    if identity.is_renewed or identity.unsure:
        return Rerun(unsure=identity.unsure, is_renewed=identity.is_renewed)
    if before is None:
        return None
    old, new = before.parts, identity.parts
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    changes = tuple(
        Change(part=name, before=old.get(name, ""), now=new.get(name, ""))
        for name in names[:MOST_CHANGES]
    )
    more = max(0, len(names) - MOST_CHANGES)
    return Rerun(changes=changes, more=more) if changes else None
