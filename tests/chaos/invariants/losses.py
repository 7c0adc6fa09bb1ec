"""A job that was accepted comes to an end, and who was promised it sees that."""

from __future__ import annotations

from collections.abc import Iterator

from taskkit.protocol.jobs import FINAL

from ..facts import Finished
from ..history import History
from ..verdict import Violation


def losses(history: History) -> Iterator[Violation]:
    """Yield the accepted jobs that have no end, each once, with the first reason that holds."""
    seen = {(who, fact.job) for who, fact in history.of(Finished)}
    for job, clients in history.acceptors.items():
        record = history.kept.get(job)
        blind = [who for who in clients if (who, job) not in seen]
        told = f"job {job} was accepted for {', '.join(clients)}"
        if record is None and (history.abandoned or job in history.forgotten):
            # A ledger that was set back: it is enough to have been told, of its end or its loss.
            told_so = history.forgotten.get(job, frozenset())
            silent = [who for who in blind if who not in told_so]
            if silent:
                yield Violation(job, f"{told}, is gone, and {', '.join(silent)} was not told")
        elif record is None:
            yield Violation(job, f"{told}, and the ledger does not have it")
        elif record.state not in FINAL:
            yield Violation(job, f"{told}, and the ledger leaves it {record.state}")
        elif blind:
            end = f"the ledger has it {record.state}"
            yield Violation(job, f"{told}; {end}, but {', '.join(blind)} never saw it finished")
