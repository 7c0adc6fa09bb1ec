"""What a worker says of itself, and of the tasks it can run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .needs import Advert
from .options import DEFAULT_QUEUE


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskInfo:
    """A named task as the catalogue shows it."""

    name: str
    summary: str = ""
    #: The first line of the function's docstring.
    parameters: tuple[str, ...] = ()
    #: Names in the order of the signature, so that positional arguments can be told.
    schema: dict[str, Any] = field(default_factory=dict)
    #: JSON Schema (2020-12) of the arguments as one object.
    signature: str = ""
    #: As a reader of Python expects it, e.g. ``(size: int = 64, *, seed: int = 0) -> dict``.
    version: str = ""
    #: A digest of all that its code is made of; empty where that is not to be told.


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """One worker: a Celery main process and its pool."""

    name: str
    #: ``host-pid-xxxx``: unique among all that ever joined.
    host: str
    pid: int
    processes: int
    #: Pool size: how many jobs it runs at once.
    python: str
    #: Full version, e.g. ``3.11.7``. Shipped functions need the same minor version.
    joined_at: int = 0
    #: Milliseconds since the Unix epoch, by the ledger's clock.
    jobs: tuple[str, ...] = ()
    #: Ids of what it runs now, of those that the asker may see.
    tasks: tuple[TaskInfo, ...] = ()
    busy: int = 0
    #: How many of its processes run a job now, whoever's.
    queues: tuple[str, ...] = (DEFAULT_QUEUE,)
    #: Those it serves, the preferred one first.
    cores: int | None = None
    #: Those that it may use; None of a worker of an older release.
    memory_mib: int | None = None
    #: What it may use; None where nobody knows.
    tags: tuple[str, ...] = ()
    #: What whoever started it says that it has.
    environment: str = ""
    #: The digest of its packages, by which the ledger has them; empty where it does not say.
    most_processes: int | None = None
    #: How far `processes` may grow, where it does.

    @property
    def slots(self) -> int:
        """How many jobs it may run at once at most, each of which takes one unless it says more."""
        return self.most_processes or self.processes

    def advert(self, packages: Mapping[str, str] | None = None) -> Advert:
        """Return what jobs' needs are held against."""
        return Advert(
            cores=self.cores,
            memory_mib=self.memory_mib,
            tags=self.tags,
            queues=self.queues,
            python=self.python,
            packages=packages,
            processes=self.slots,
        )

    @property
    def python_minor(self) -> str:
        """The part of the version that pickled code depends on, e.g. ``3.11``."""
        return ".".join(self.python.split(".")[:2])
