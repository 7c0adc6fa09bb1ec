"""`Card`: how a job's result came about, as an object of a notebook."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from .parts import Parts


class Card(Mapping[str, Any]):
    """What is known of a job: a mapping as docs/cards.md describes it, that can be kept as files.

    ``card["code"]["source"]``, ``card["environment"]["packages"]``; `unknown` is what it does not
    know, and why. A notebook shows it as a table.
    """

    def __init__(self, facts: Mapping[str, Any], parts: Callable[[], Parts]) -> None:
        self._facts = dict(facts)
        self._parts = parts

    @property
    def unknown(self) -> list[str]:
        """What the card does not know, and why."""
        return list(self._facts["unknown"])

    def to_json(self) -> str:
        """Return it as JSON, without what is needed to repeat the job; see `save`."""
        return json.dumps(self._facts, ensure_ascii=False, indent=2) + "\n"

    def save(self, path: str | PathLike[str], *, license: str = "") -> Path:  # noqa: A002
        """Write it with what is needed to repeat the job, and return where.

        A path that ends in ``.zip`` or in nothing is an RO-Crate, zipped or as a folder; one that
        ends in ``.json`` is a single file, which holds what is small. `license` is an address, for
        the crate. The arguments are in it as they were, secrets too: look before you publish.

        ``taskkit rerun PATH`` repeats the job.

        Raises:
            FileExistsError: There is something of that name.
            RequestError: What the job was made of is too large for one file: name a folder.
        """
        from .bundle import write

        return write(Path(path), self._facts, self._parts(), license)

    def __getitem__(self, name: str) -> Any:
        return self._facts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)

    def _repr_html_(self) -> str:
        from ..panels.card_table import card_html

        return card_html(self._facts)

    def __repr__(self) -> str:
        job = self._facts["job"]
        return f"<Card of {job['title']}: {job['state']}, {len(self.unknown)} things unknown>"
