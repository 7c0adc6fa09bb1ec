"""What a job needs of a worker, and what a worker says that it has; `fit` says whether they fit.

Jobs of equal needs share a **lane**: the part of a queue that the same workers serve.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from .options import DEFAULT_QUEUE, JobOptions

LANE_MARK = "~"
"""What parts a queue's name from the digest of the needs in a lane's; no queue has it."""


def canonical(name: str) -> str:
    """Return the one spelling of a distribution's name. Source: PEP 503.

    >>> canonical("Scikit_Learn")
    'scikit-learn'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a worker must have to run a job; what is None or empty does not matter."""

    queue: str = DEFAULT_QUEUE
    cpus: int | None = None
    #: Cores that are the job's while it runs.
    memory_mib: float | None = None
    #: Memory that is the job's while it runs.
    tags: tuple[str, ...] = ()
    #: All of them; sorted.
    python: str = ""
    #: The minor version, such as ``3.11``.
    packages: Mapping[str, str] = field(default_factory=dict, hash=False)
    #: Distributions by name, and for each a PEP 440 specifier, such as ``==1.26.*``; any where it
    #: is empty. A version by itself is that version.

    @property
    def is_plain(self) -> bool:
        """Whether any worker will do that serves the queue."""
        return not (self.cpus or self.memory_mib or self.tags or self.python or self.packages)

    @property
    def lane(self) -> str:
        """Where such jobs wait: the queue's own name where they need nothing else.

        >>> Needs(queue="gpu").lane
        'gpu'
        """
        if self.is_plain:
            return self.queue
        return f"{self.queue}{LANE_MARK}{sha256(self.text().encode()).hexdigest()[:16]}"

    def text(self) -> str:
        """Return it as JSON, equal needs as equal text."""
        packages = {canonical(name): spec for name, spec in self.packages.items()}
        whole = {
            "queue": self.queue,
            "cpus": self.cpus,
            "memory_mib": self.memory_mib,
            "tags": sorted(set(self.tags)),
            "python": self.python,
            "packages": packages,
        }
        return json.dumps({name: part for name, part in whole.items() if part}, sort_keys=True)


def needs_of(options: JobOptions) -> Needs:
    """Return what a job with such options needs."""
    return Needs(
        queue=options.queue,
        cpus=options.cpus,
        memory_mib=options.memory_mib,
        tags=tuple(sorted(set(options.tags))),
        python=options.python,
        packages=dict(options.packages),
    )


def needs_from(text: str) -> Needs:
    """Return the needs that `Needs.text` wrote."""
    parts = json.loads(text)
    return Needs(**{**parts, "tags": tuple(parts.get("tags", ()))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Advert:
    """What a worker says that it has."""

    cores: int | None = None
    #: Those that it may use; None of a worker from before there were adverts.
    memory_mib: int | None = None
    #: What it may use; None where the system does not say, or it is such a worker.
    tags: tuple[str, ...] = ()
    queues: tuple[str, ...] = (DEFAULT_QUEUE,)
    python: str = ""
    #: The full version.
    packages: Mapping[str, str] | None = field(default=None, hash=False)
    #: Versions by canonical name; None where that is not known.
    processes: int = 1
    #: How many jobs it runs at once.

    @property
    def python_minor(self) -> str:
        """As `Needs.python`."""
        return ".".join(self.python.split(".")[:2])


def slots_of(cpus: int | None, *, slots: int, cores: int | None) -> int:
    """Return how many of a worker's `slots` a job takes: as many as its cores are worth.

    >>> slots_of(2, slots=4, cores=4), slots_of(2, slots=1, cores=8)
    (2, 1)
    """
    if cpus is None or not cores:
        return 1
    return min(slots, max(1, math.ceil(cpus * slots / cores)))
