"""What of two cards may have made their results differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

NOTHING = "—"

_FACTS = {
    "python": "Python",
    "implementation": "Python is",
    "system": "system",
    "machine": "machine",
    "cpu": "processor",
    "cores": "cores",
}
_CODE = {
    "version": "version of the task",
    "module_sha256": "module of the task",
    "source_sha256": "source of the task",
}


class Difference(NamedTuple):
    """Something that is not as it was."""

    what: str
    then: str
    now: str


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """Return what differs between how two jobs ran; `NOTHING` stands for what is not there.

    Of packages those that were imported, by the job or by another one of its process.
    """
    return [one for one in _differences(then, now) if one.then != one.now]


def _differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    before, after = then.get("environment") or {}, now.get("environment") or {}
    for name, what in _FACTS.items():
        yield Difference(what, _text(before.get(name)), _text(after.get(name)))
    old, new = then["code"], now["code"]
    if old["form"] == new["form"] == "named task":
        for name, what in _CODE.items():
            yield Difference(what, _text(old.get(name)), _text(new.get(name)))
    for part, word in (("variables", ""), ("packages", ""), ("files", "module ")):
        mine, theirs = _named(before.get(part)), _named(after.get(part))
        for name in sorted({*mine, *theirs}):
            yield Difference(word + name, _text(mine.get(name)), _text(theirs.get(name)))


def _named(told: Any) -> Mapping[str, Any]:
    return told if isinstance(told, Mapping) else {}


def _text(value: Any) -> str:
    told = str(value) if value not in (None, "") else NOTHING
    # Of a digest the beginning tells two apart.
    return f"{told[:12]}…" if len(told) == 64 and told.isalnum() else told
