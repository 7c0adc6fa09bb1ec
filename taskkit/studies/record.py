"""Records: what a study is, as it is kept for every kernel that asks for it by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from ..protocol.errors import StudyChanged
from ..travel.functions import PYTHON_MINOR, work_of
from .points import Values, digest_of
from .space import Space, draws, grid, is_drawn, whole

CHANGED = ("refuse", "keep", "redo")
"""What may be done where a study's function is another one than before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Points that were asked for together."""

    space: Space
    repeats: int
    drawn: tuple[Values, ...] | None = None
    #: The points themselves where they were drawn: libraries may draw others some day.

    def points(self) -> Iterable[Values]:
        """Return its points, in their order."""
        return grid(self.space) if self.drawn is None else self.drawn

    def parts(self) -> Iterator[bytes]:
        """Yield what makes a difference between two growths."""
        yield f"{self.repeats} {'grid' if self.drawn is None else 'drawn'}".encode()
        if self.drawn is not None:
            yield from map(digest_of, self.drawn)
            return
        for name, choices in self.space.items():
            yield from (digest_of({name: value}) for value in choices)


def growth_of(space: Space, *, samples: int | None, repeats: int, root: int) -> Growth:
    """Return the growth by all points of a grid, or by so many that are drawn.

    Raises:
        TypeError, ValueError: The numbers cannot be, or are missing.
    """
    repeats = whole("repeats", repeats, 1)
    if samples is not None:
        drawn = tuple(draws(space, whole("samples", samples, 1), root))
        return Growth(space=space, repeats=repeats, drawn=drawn)
    for name, choices in space.items():
        if is_drawn(choices):
            raise ValueError(f"{name} is drawn: say by samples= how many points there are to be")
    return Growth(space=space, repeats=repeats)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All of a study but its results."""

    name: str
    seed: int
    codes: tuple[str, ...]
    #: Of the functions whose results count, the one that is called now last.
    growths: tuple[Growth, ...]
    #: Only grows, so that each row has its place for good.
    function: bytes
    #: The last of the functions, pickled.
    blobs: tuple[str, ...] = ()
    #: Digests of what is large of it.
    python: str = PYTHON_MINOR
    is_stopped: bool = False
    #: Whether what was not sent when it was cancelled is to stay so.

    def work(self) -> bytes:
        """Return what two records share exactly when they say the same, in every kernel."""
        told = sha256()
        head = (self.name, self.seed, self.codes, self.is_stopped)
        for part in (repr(head).encode(), *(p for one in self.growths for p in one.parts())):
            told.update(len(part).to_bytes(8, "big") + part)
        return told.digest()

    def with_code(self, given: Record, changed: str) -> Record:
        """Return the record with the function of another as the one that is called.

        Raises:
            StudyChanged: It is another one than before, and `changed` is "refuse".
        """
        code = given.codes[-1]
        if code == self.codes[-1] and (changed != "redo" or len(self.codes) == 1):
            return self
        if changed == "refuse":
            raise StudyChanged(
                f"the study {self.name!r} was begun with another function: its code, something "
                f"that it uses, or Python ({self.python}) has changed since. Give the study "
                "another name; or say changed='keep', and what is there stays and only the rest "
                "is called with the new one; or changed='redo', and everything is called again."
            )
        codes: tuple[str, ...] = (code,)
        if changed == "keep":
            codes = (*(one for one in self.codes if one != code), code)
        return replace(
            self, codes=codes, function=given.function, blobs=given.blobs, python=given.python
        )

    def require_seed(self, seed: int) -> None:
        """Return if it is this study's seed.

        Raises:
            StudyChanged: It has another one.
        """
        if seed != self.seed:
            raise StudyChanged(
                f"the study {self.name!r} has the seed {self.seed}, not {seed}: with another one "
                "all its numbers would be others, so give it another name"
            )


def code_of(func: Callable[..., Any]) -> str:
    """Return what stands for a function, and what it uses of the notebook, in every kernel."""
    return work_of(func).hex()[:32]
