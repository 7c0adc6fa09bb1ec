"""How many of its machine's cores one job of joblib's may use."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from ..machine import cores

T = TypeVar("T")

TOLD = "OMP_NUM_THREADS"
VARIABLES = (
    TOLD,
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
"""What numerical libraries read when they are loaded. Source: joblib, `MAX_NUM_THREADS_VARS`, but
for numba's: numba refuses one that changes after its threads have begun."""

CPU_COUNT = "LOKY_MAX_CPU_COUNT"
"""What bounds `joblib.cpu_count`, and so how many threads ``n_jobs=-1`` means inside a job."""


@dataclass(frozen=True, slots=True)
class Cores:
    """A job's share: the cores of its machine, divided by the worker processes there."""

    processes: Mapping[str, int]
    #: How many worker processes each machine has, by its host name.
    threads: int | None = None
    #: What BLAS and OpenMP may use, where it is not the share.

    def run(self, call: Callable[[], T]) -> T:
        """Return ``call()``, run within the share; for a worker."""
        share = max(1, cores() // self.processes.get(socket.gethostname(), 1))
        variables = {CPU_COUNT: str(share)}
        threads = self.threads
        # What whoever runs the worker has set holds, unless the user asks for another.
        if threads is None and TOLD not in os.environ:
            threads = share
        if threads is not None:
            variables |= dict.fromkeys(VARIABLES, str(threads))
        with _environment(variables), _limit(threads):
            return call()


@contextmanager
def using(cpus: int | None) -> Iterator[None]:
    """Run the block with as many threads of numerical libraries as a job has asked cores for.

    None changes nothing: the job has what its worker was started with.
    """
    if cpus is None:
        yield
        return
    variables = {CPU_COUNT: str(cpus), **dict.fromkeys(VARIABLES, str(cpus))}
    with _environment(variables), _limit(cpus):
        yield


def shares(processes: int) -> dict[str, str]:
    """Return environment variables by which so many processes do not take each other's cores."""
    return dict.fromkeys(VARIABLES, str(max(1, cores() // processes)))


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _limit(threads: int | None) -> Any:
    """Return a block within which the libraries that are loaded use so many threads."""
    if threads is None:
        return nullcontext()
    libraries = _libraries(len(sys.modules))
    return nullcontext() if libraries is None else libraries.limit(limits=threads)


@lru_cache(maxsize=1)
def _libraries(_imported: int) -> Any:
    # To look for them takes 5 ms where scikit-learn is loaded; only an import brings new ones.
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None  # it comes with scikit-learn; without it the variables alone must do
    return ThreadpoolController()
