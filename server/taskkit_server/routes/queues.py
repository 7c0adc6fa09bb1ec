"""The queues as one user sees them."""

from __future__ import annotations

from typing import Any

from taskkit.ledger import Ledger
from taskkit.protocol.options import DEFAULT_QUEUE


def queues_of(ledger: Ledger, owner: str) -> list[dict[str, Any]]:
    """Return each queue that ever held a job or is served now, the default one first.

    ``queued`` and ``running`` are the owner's own jobs, ``queued_all`` and ``running_all``
    everybody's; ``workers`` serve it, with ``processes`` in all.
    """
    loads, workers = ledger.loads(), ledger.workers(owner)
    names = {DEFAULT_QUEUE, *ledger.queues(), *(name for one in workers for name in one.queues)}
    found = []
    for name in sorted(names, key=lambda name: (name != DEFAULT_QUEUE, name)):
        here = [load for load in loads if load.queue == name]
        mine = [load for load in here if load.owner == owner]
        serving = [worker for worker in workers if name in worker.queues]
        found.append(
            {
                "name": name,
                "queued": sum(load.queued for load in mine),
                "running": sum(load.running for load in mine),
                "queued_all": sum(load.queued for load in here),
                "running_all": sum(load.running for load in here),
                "workers": len(serving),
                "processes": sum(worker.processes for worker in serving),
            }
        )
    return found
