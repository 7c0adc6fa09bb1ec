"""A backend of joblib's: what runs under ``joblib.parallel_config("taskkit")`` runs as jobs.

scikit-learn's ``n_jobs`` is joblib's, so it does, too. `registration` makes the name known.
"""

from __future__ import annotations

import math
import os
import time
import weakref
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from joblib.parallel import (
    AutoBatchingMixin,
    FallbackToBackend,
    ParallelBackendBase,
    SequentialBackend,
)

from ..protocol.errors import Unavailable
from ..protocol.workers import WorkerInfo
from .cores import Cores
from .underway import Callback, Calls, Underway

if TYPE_CHECKING:
    from ..client import Client

WORKER_WITHIN_S = 15.0
"""How long a worker is waited for where there is none: a stack replaces its own."""

LOOK_EVERY_S = 0.2


class TaskkitBackend(AutoBatchingMixin, ParallelBackendBase):  # type: ignore[misc]
    """Bundles of calls are jobs; how many calls make a bundle, joblib finds out by their time.

    ``n_jobs=-1``, the default here, stands for all worker processes of the stack, and ``n_jobs=1``
    for none: joblib then makes the calls in this process. Within a job, parallel calls run in
    threads, as many as its worker process has cores to itself (one where there is a process a
    core), never as further jobs: those would wait for the process that waits for them.

    client: whose jobs they are; its options hold for each, but for a `key`. Without one, a client
        is made that finds the running stack, and it is closed when nothing needs it.
    inner_max_num_threads: how many threads BLAS and OpenMP may use in a job; by default, as many
        as there are cores to a worker process.

    >>> import joblib, taskkit
    >>> with joblib.parallel_config("taskkit"):
    ...     joblib.Parallel()(joblib.delayed(pow)(n, 2) for n in range(4))
    [0, 1, 4, 9]

    Raises:
        NotReachable: No client is given, and no stack answers.

    Source: joblib 1.6, `joblib.parallel.ParallelBackendBase`.
    """

    supports_retrieve_callback = True
    supports_inner_max_num_threads = True
    default_n_jobs = -1

    def __init__(
        self,
        *,
        client: Client | None = None,
        nesting_level: int | None = None,
        inner_max_num_threads: int | None = None,
    ) -> None:
        super().__init__(nesting_level=nesting_level, inner_max_num_threads=inner_max_num_threads)
        self.parallel: Any = None
        #: The `joblib.Parallel` that is served, one at a time.
        self._underway: Underway | None = None
        is_needed = client is None and not _is_in_a_job()
        self._client = _own_client() if is_needed else client

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Return how many bundles can run at once; never 1, but where `n_jobs` is 1.

        Raises:
            Unavailable: There is no worker.
        """
        if _is_in_a_job():
            return int(self.get_nested_backend()[0].effective_n_jobs(n_jobs))
        # Told 1, joblib would make the calls in this process.
        return 1 if n_jobs == 1 else max(2, _wanted(n_jobs, self._processes()))

    def configure(
        self, n_jobs: int | None = 1, parallel: Any = None, **_of_other_backends: Any
    ) -> int:
        """Begin to serve `parallel`; return how many bundles can run at once.

        Raises:
            FallbackToBackend: Another backend is to serve it.
            Unavailable: There is no worker.
        """
        if _is_in_a_job():
            raise FallbackToBackend(self.get_nested_backend()[0])
        if n_jobs == 1:
            raise FallbackToBackend(SequentialBackend(nesting_level=self.nesting_level))
        if self.parallel is not None:  # a generator of its is not exhausted yet
            raise FallbackToBackend(self._twin())
        assert self._client is not None  # noqa: S101
        processes = self._processes()
        wanted = _wanted(n_jobs, processes)
        self._underway = Underway(
            self._client.options(key=None),  # under one key there is one job
            Cores(processes, self.inner_max_num_threads),
            # As many as there is room for wait in the queue, where the next is begun without delay.
            width=wanted if wanted < sum(processes.values()) else math.inf,
        )
        self.parallel = parallel
        return max(2, wanted)

    def submit(self, func: Calls, callback: Callback) -> None:
        """Have a bundle's calls made, and `callback` called with its job when that is final."""
        assert self._underway is not None  # noqa: S101
        self._underway.add(func, callback)

    def retrieve_result_callback(self, out: Future[list[Any]]) -> list[Any]:
        """Return the results of a bundle, or raise what one of its calls raised."""
        return out.result()

    def abort_everything(self, ensure_ready: bool = True) -> None:  # noqa: ARG002
        """Cancel what is queued or runs; for an error, an interrupt, or a dropped generator."""
        if self._underway is not None:
            self._underway.cancel()

    def terminate(self) -> None:
        """Be free for another `joblib.Parallel`."""
        if self._underway is not None:
            self._underway.close()
        self.parallel = self._underway = None
        self.reset_batch_stats()

    def _twin(self) -> TaskkitBackend:
        return type(self)(
            client=self._client,
            nesting_level=self.nesting_level,
            inner_max_num_threads=self.inner_max_num_threads,
        )

    def _processes(self) -> dict[str, int]:
        """Return how many worker processes each machine has; where none has, wait for one."""
        assert self._client is not None  # noqa: S101
        deadline = time.monotonic() + WORKER_WITHIN_S
        while not (workers := self._client.workers()):
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"no worker has come in {WORKER_WITHIN_S:g} s, so joblib's calls cannot run: "
                    "start one with `taskkit worker`"
                )
            time.sleep(LOOK_EVERY_S)
        return _by_host(workers)


def _wanted(n_jobs: int | None, processes: dict[str, int]) -> int:
    """Return how many may run at once, by joblib's count: -1 is all, -2 all but one."""
    if n_jobs == 0:
        raise ValueError("n_jobs == 0 in Parallel has no meaning")
    total = sum(processes.values())
    n_jobs = -1 if n_jobs is None else n_jobs
    return min(n_jobs, total) if n_jobs > 0 else max(1, total + 1 + n_jobs)


def _by_host(workers: Sequence[WorkerInfo]) -> dict[str, int]:
    found: dict[str, int] = {}
    for worker in workers:
        found[worker.host] = found.get(worker.host, 0) + worker.processes
    return found


def _is_in_a_job() -> bool:
    return "TASKKIT_JOB_ID" in os.environ


def _own_client() -> Client:
    from ..client import Client

    own = Client()
    shared = own.options()
    # Its backends hold `shared` alone; when the last is gone, so is what is behind it.
    weakref.finalize(shared, own.close)
    return shared
