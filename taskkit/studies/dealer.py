"""`Dealer`: gives the rows of a study to jobs, by the machinery of `Client.map`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from ..client.job import Job
from ..client.spread import FEW, Spread
from ..client.submitter import Request
from ..travel.awaited import collecting
from ..travel.chunks import Blocks, Call, Chunk, LargeCallsError
from ..travel.functions import pickle_calls
from ..travel.references import noting
from .calls import Calling
from .desk import Desk
from .pieces import Piece, check_of, key_of, session_of, title_of
from .rows import Rows, Stretch, stretches


class Pieces(Blocks):
    """The calls of some rows one after another, as blocks, and which of them a chunk has."""

    def __init__(self, rows: Rows, part: range) -> None:
        """Pickle them.

        Raises:
            LargeCallsError: They are too large to share jobs.
            CannotTravel: A parameter cannot be sent.
        """
        super().__init__(rows.planned[part.start : part.stop], pickle_calls)
        self._part = part
        self._starts = {id(pickled): n * self.size for n, pickled in enumerate(self._pickles)}

    def rows_of(self, chunk: Chunk) -> range:
        """Return the rows of which a chunk has the calls."""
        start = self._starts[id(chunk.pickles[0])] + chunk.skip
        return self._part[start : start + chunk.calls]


class Dealer:
    """Of one study. Rows that few others come with, and those whose options speak of attempts,
    have a job each, under a key of its own where the study has a name: two kernels that give the
    same row away make one job.
    """

    def __init__(
        self,
        desk: Desk,
        rows: Rows,
        calling: Calling,
        code: str,
        *,
        label: str,
        name: str | None,
        held: object,
    ) -> None:
        self._desk = desk
        self._rows = rows
        self._calling = calling
        self._code = code
        self._label = label
        self._name = name
        #: None where the study is not kept.
        self._held = held
        #: The study, which stays for as long as rows of it wait to be given to jobs.
        self._shipped = desk.shipped(calling)
        self._spreads: list[Spread] = []
        self._given: set[int] = set()
        #: The rows that are, or will be, with jobs of this kernel's.

    def give(self, indices: Iterable[int]) -> None:
        """Have jobs carry these rows, which rise; returns before all are sent."""
        new = [index for index in indices if index not in self._given]
        self._given.update(new)
        for part in stretches(new):
            blocks = None
            if len(part) > FEW and not self._desk.options.speaks_of_attempts:
                blocks = self._blocks(part)
            if blocks is None:
                self.give_each(part)
                continue
            spread = Spread(
                Stretch(self._rows, part),
                blocks,
                partial(self._order, blocks),
                self._desk.link.send,
                self._desk.link.processes,
            )
            self._spreads.append(spread)
            self._desk.link.spreads.add(spread)
            spread.begin()

    def give_each(self, indices: Iterable[int], *, is_again: bool = False) -> None:
        """Have a job of its own carry each of these rows; `is_again`: another one than before."""
        indices = list(indices)
        self._given.update(indices)
        pairs = [(index, *self._single(index, is_again=is_again)) for index in indices]
        self._desk.link.send([request for *_, request in pairs], [job for _, job, _ in pairs])
        for index, job, _ in pairs:
            self._rows.put(index, job)

    def is_given(self, index: int) -> bool:
        """Return whether this kernel has given a row to jobs, or is about to."""
        return index in self._given

    def stop(self) -> None:
        """Give no more rows away; those that no job carries are cancelled."""
        for spread in self._spreads:
            spread.stop()
        self._spreads.clear()
        self._given.clear()

    def _blocks(self, part: range) -> Pieces | None:
        """Return the calls of some rows; None where each is to have a job of its own."""
        with collecting() as jobs, noting() as referred:
            try:
                blocks = Pieces(self._rows, part)
            except LargeCallsError:
                return None
        if jobs:
            return None
        self._shipped.require(referred)
        return blocks

    def _order(self, blocks: Pieces, call: Call) -> tuple[Job[Any], Request]:
        """Return the job of a chunk of calls, or of one."""
        if not isinstance(call[0], Chunk):
            _, digest, repeat = call
            return self._single(self._rows.place(digest, repeat), is_again=False)
        return self._made(call, blocks.rows_of(call[0]), key=None, is_chunk=True)

    def _single(self, index: int, *, is_again: bool) -> tuple[Job[Any], Request]:
        check = self._check(index)
        key = None if self._name is None or is_again else key_of(self._name, check[:32])
        return self._made(self._rows.planned[index], range(index, index + 1), key=key)

    def _made(
        self, args: Sequence[Any], part: range, *, key: str | None, is_chunk: bool = False
    ) -> tuple[Job[Any], Request]:
        title = self._label
        if self._name is not None:
            check = self._check(part.start)
            title = title_of(title, Piece(part.start, part.stop if is_chunk else None, check))
        session = session_of(self._name) if self._name else self._desk.options.session
        job, request = self._desk.order(
            self._calling, args, key, self._shipped, name=title, session=session
        )
        self._rows.codes[job] = self._code
        return job, request

    def _check(self, index: int) -> str:
        return check_of(self._code, self._calling.root, self._rows.planned[index])
