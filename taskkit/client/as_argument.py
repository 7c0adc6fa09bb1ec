"""A job as an argument of another job."""

from __future__ import annotations

from ..protocol.jobs import JobRecord
from ..protocol.spec import BY_KEY
from ..travel.awaited import Reduced, stand_in


class AsArgument:
    """What a job has for that; see `travel.awaited`."""

    _record: JobRecord
    _key: str
    _work: str

    def reference(self) -> str:
        """Return what names it to the ledger."""
        return self._record.id or BY_KEY + self._key

    def work(self) -> str:
        """Return what names the work that it stands for."""
        return self._work or self._record.id

    def __reduce__(self) -> Reduced:
        return stand_in(self)
