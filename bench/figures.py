"""The figures, each with the scenario that brings it, its unit, and what taskkit shall reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .sizes import Sizes

FOUR = ("celery", "dask", "ray", "ipyparallel")
"""The neighbours with a process of their own in between; pools are beside them for scale."""


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on taskkit's figure: `factor` times the best of `rivals`, or of 1 without any."""

    factor: float
    rivals: tuple[str, ...] = FOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A row of the table."""

    key: str
    label: str
    is_high_good: bool = False
    target: Target | None = None
    is_compared: bool = True
    #: Whether a ratio to others says anything.

    @property
    def scenario(self) -> str:
        """The first word of `key`."""
        return self.key.partition(".")[0]


TITLES = {
    "start": "A fresh process to its first result",
    "memory": "Idle",
    "noop": "A job that does nothing, there and back",
    "burst": "Many single submits, then all results",
    "map": "A map of trivial items, with nothing said about chunks",
    "chunks": "A map of trivial items, in eight chunks as told",
    "sleeps": "Jobs of 50 ms",
    "array": "A NumPy array there and back",
    "shared": "One large array, used by many jobs",
    "progress": "Progress",
    "queue": "Growth: jobs that stay queued, no worker",
    "clients": "Growth: idle clients beside one that works",
    "hops": "Where the time of one no-op goes (taskkit)",
}
"""By scenario, in the order in which they are run and shown."""

SIDE_BY_SIDE = tuple(TITLES)[:10]
"""Those that every contestant does in one turn."""

ALONE = {"queue": ("taskkit", "celery"), "clients": ("taskkit",), "hops": ("taskkit",)}
"""Those that need a stack of their own, once, and of whom."""


def figures(sizes: Sizes) -> Iterator[Figure]:
    """Yield all figures of a run with these sizes."""
    yield Figure(key="start.s", label="start to first result, s", target=Target(1.0, ("celery",)))
    yield Figure(
        key="memory.mb", label="memory (PSS) of all processes, MB", target=Target(1.5, ("celery",))
    )
    yield Figure(key="noop.p50", label="round trip p50, ms", target=Target(1.0))
    yield Figure(key="noop.p95", label="round trip p95, ms")
    yield Figure(
        key="burst.rate",
        label=f"{sizes.singles:,} jobs, results per s",
        is_high_good=True,
        target=Target(2.0),
    )
    for scenario in ("map", "chunks"):
        yield Figure(
            key=f"{scenario}.rate",
            label=f"{sizes.items:,} items, results per s",
            is_high_good=True,
            target=Target(1.5),
        )
        yield Figure(key=f"{scenario}.again", label="… again, median", is_high_good=True)
    yield Figure(
        key="sleeps.efficiency",
        label=f"{sizes.rests} jobs of {1000 * sizes.rest_s:.0f} ms: share of two processes' time",
        is_high_good=True,
        target=Target(0.97, ("pool",)),
    )
    yield Figure(
        key="array.rate",
        label=f"{sizes.array_bytes / 1e6:.0f} MB there and back, MB/s",
        is_high_good=True,
        target=Target(1.5),
    )
    yield Figure(
        key="shared.s", label=f"{sizes.shared_bytes / 1e6:.0f} MB in {sizes.shared_jobs} jobs, s"
    )
    for updates in sizes.updates:
        name = f"progress.{updates}"
        yield Figure(
            key=f"{name}.cost", label=f"{updates:,} updates: µs each, in the job", target=fixed(2.0)
        )
        yield Figure(key=f"{name}.last", label="… last one seen after, ms", target=fixed(50.0))
        yield Figure(key=f"{name}.seen", label="… seen by the client", is_compared=False)
        yield Figure(key=f"{name}.made", label="… made, in 5 s at most", is_compared=False)
    yield from growth(sizes)


def growth(sizes: Sizes) -> Iterator[Figure]:
    """Yield the figures of what grows."""
    for jobs in sizes.queued:
        name = f"queue.{jobs}"
        yield Figure(key=f"{name}.rate", label=f"{jobs:,} jobs: submits per s", is_high_good=True)
        yield Figure(key=f"{name}.redis", label="… Redis memory a job, bytes", target=fixed(2048.0))
        yield Figure(key=f"{name}.client", label="… client memory a job, bytes")
        yield Figure(
            key=f"{name}.further",
            label=f"… {sizes.further} more: submits per s, median",
            is_high_good=True,
        )
    yield Figure(
        key="queue.flat",
        label="time of so many more, slowest size : fastest size",
        target=fixed(1.2),
        is_compared=False,
    )
    for clients in sizes.clients:
        name = f"clients.{clients}"
        yield Figure(key=f"{name}.p50", label=f"{clients} clients: round trip p50, ms")
        yield Figure(key=f"{name}.server", label="… memory (PSS) of the server, MB")


def fixed(bound: float) -> Target:
    """Return a bound that depends on nobody else."""
    return Target(bound, ())
