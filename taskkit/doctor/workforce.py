"""The workers: whether there are any, which Python they run, and what they have to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..protocol import wire
from ..protocol.errors import DecodeError
from ..protocol.tokens import Scope
from ..protocol.workers import WorkerInfo
from ..travel.functions import PYTHON_MINOR
from ..travel.installed import installed
from .asking import Answer, Silence
from .chart import Chart
from .finding import Finding, broken, caution, good
from .here import Here
from .packages import Packages, differing, listed

MORE = "Add a worker: `taskkit worker` on the stack's machine, elsewhere with `--url redis://…`."


@dataclass(frozen=True, slots=True)
class Workforce:
    """Some workers, as a kernel of one Python minor sees them."""

    workers: Sequence[WorkerInfo]
    minor: str = PYTHON_MINOR
    is_code: bool = True
    #: Whether the kernel may send functions; named tasks run under any Python.
    environments: Mapping[str, Packages] = field(default_factory=dict)
    #: What workers have installed, by the digests that they name.
    packages: Packages = field(default_factory=dict)
    #: What is installed here.

    @property
    def fitting(self) -> list[WorkerInfo]:
        """Those that can run functions of the kernel's."""
        return [worker for worker in self.workers if self._fits(worker)]

    @property
    def processes(self) -> int:
        """How many jobs the fitting ones can run at once."""
        return sum(worker.processes for worker in self.fitting)

    @property
    def busy(self) -> int:
        """How many of those have one, whoever's."""
        return sum(min(worker.processes, worker.busy) for worker in self.fitting)

    @property
    def others(self) -> str:
        """The Python of those that do not fit; empty where all do."""
        return " and ".join(sorted({w.python_minor for w in self.workers if not self._fits(w)}))

    @property
    def differing(self) -> list[str]:
        """Which packages of the fitting ones do not go together with those here, in words."""
        used = dict.fromkeys(worker.environment for worker in self.fitting)
        there = [self.environments[digest] for digest in used if digest in self.environments]
        return differing(self.packages, there) if self.is_code else []

    def _fits(self, worker: WorkerInfo) -> bool:
        return not self.is_code or worker.python_minor == self.minor


def check(chart: Chart) -> tuple[Finding, Chart]:
    """Ask the server which workers are there."""
    answer = chart.asking.get("/workers")
    if isinstance(answer, Silence) or answer.status != 200:
        told = answer.words if isinstance(answer, Silence) else answer.detail
        cure = "Run `taskkit doctor` once more; see the server's log if it stays so."
        return broken(f"the server does not list its workers: {told}", cure), chart
    workers = workers_in(answer)
    force = Workforce(
        workers,
        is_code=chart.may(Scope.CODE),
        environments=_environments(chart, workers),
        packages=installed(),
    )
    return judge(force, chart.here), chart


def _environments(chart: Chart, workers: Sequence[WorkerInfo]) -> dict[str, Packages]:
    """Return what the workers have installed, as far as the server tells."""
    found = {}
    for digest in {worker.environment for worker in workers if worker.environment}:
        answer = chart.asking.get(f"/environments/{digest}")
        if isinstance(answer, Answer) and answer.status == 200:
            found[digest] = answer.json().get("packages", {})
    return found


def workers_in(answer: Answer) -> tuple[WorkerInfo, ...]:
    """Return the workers that an answer lists."""
    try:
        return tuple(wire.worker_from_wire(obj) for obj in answer.json().get("workers", ()))
    except DecodeError:
        return ()


def judge(force: Workforce, here: Here) -> Finding:
    """Return whether somebody is there for what a notebook sends."""
    if not force.workers:
        part = here.part("worker")
        return broken(
            "none is there, so jobs wait" + (f": {part}" if part else ""),
            "See by `taskkit logs` why the worker ended." if here.url else MORE,
        )
    if not force.fitting:
        return broken(
            f"they run Python {force.others}, this is {force.minor}: functions travel only "
            "between equal minor versions",
            f"Use a kernel with Python {force.others}, or run `taskkit worker` in this "
            "environment.",
        )
    if force.others:
        return caution(
            f"some run Python {force.others}, this is {force.minor}: functions go to the others "
            "only",
            f"Have all workers run Python {force.minor}.",
        )
    if force.busy >= force.processes:
        return caution(
            f"all {processes(force.processes)} of {count(force.workers)} are busy: jobs wait",
            f"Wait, or cancel what is not needed. {MORE}",
        )
    if differ := force.differing:
        return caution(
            f"{count(force.workers)}, with packages of other series: {listed(differ)}; functions "
            "that use them wait for workers that fit",
            "Start the workers in an environment like this one: docs/environments.md.",
        )
    free = force.processes - force.busy
    python = f", Python {force.minor} as here" if force.is_code else ""
    return good(f"{count(force.workers)}, {free} of {processes(force.processes)} free{python}")


def why_queued(force: Workforce, waited_s: float) -> Finding:
    """Return why a job was not begun for so long."""
    said = f"the job is accepted and was not begun within {waited_s:.0f} s"
    if not force.workers:
        return broken(f"{said}: no worker is there any more", MORE)
    if not force.fitting:
        return broken(
            f"{said}: the workers run Python {force.others}, this is {force.minor}",
            f"Use a kernel with Python {force.others}, or run `taskkit worker` in this "
            "environment.",
        )
    if force.busy >= force.processes:
        return caution(
            f"{said}: all {processes(force.processes)} are busy with other jobs",
            f"Wait, or cancel what is not needed. {MORE}",
            is_dead_end=True,
        )
    return broken(
        f"{said}, though only {force.busy} of {processes(force.processes)} have a job",
        "Start the workers again: they do not get what is queued.",
    )


def count(workers: Sequence[WorkerInfo]) -> str:
    """Return how many workers there are, in words."""
    return f"{len(workers)} worker{'s' if len(workers) != 1 else ''}"


def processes(number: int) -> str:
    """Return a number of processes in words."""
    return f"{number} process{'es' if number != 1 else ''}"
