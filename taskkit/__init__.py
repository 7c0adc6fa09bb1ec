"""CPU-heavy jobs from a notebook cell to Celery workers and back, live.

>>> import taskkit
>>> callable(taskkit.Client)
True

Names are loaded when first used, so that ``import taskkit`` costs next to nothing in a kernel and a
job that only wants `progress` loads no client.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from .integrations import registration

if TYPE_CHECKING:
    from .client import Batch, Client, Job, as_completed, wait
    from .inside.display import display
    from .inside.progress import progress, track
    from .inside.report import report
    from .inside.task import task
    from .protocol.errors import (
        CellFailed,
        DependencyFailed,
        JobLost,
        JobTimedOut,
        NotReachable,
        RemoteError,
        RequestError,
        ServiceError,
        TaskkitError,
    )
    from .protocol.jobs import JobState, Progress
    from .stack import LocalStack
    from .travel.references import Reference

__version__ = "0.1.0"

_HOMES = {
    "Batch": ".client",
    "CellFailed": ".protocol.errors",
    "Client": ".client",
    "DependencyFailed": ".protocol.errors",
    "Job": ".client",
    "JobLost": ".protocol.errors",
    "JobState": ".protocol.jobs",
    "JobTimedOut": ".protocol.errors",
    "LocalStack": ".stack",
    "NotReachable": ".protocol.errors",
    "Progress": ".protocol.jobs",
    "Reference": ".travel.references",
    "RemoteError": ".protocol.errors",
    "RequestError": ".protocol.errors",
    "ServiceError": ".protocol.errors",
    "TaskkitError": ".protocol.errors",
    "as_completed": ".client",
    "display": ".inside.display",
    "progress": ".inside.progress",
    "report": ".inside.report",
    "task": ".inside.task",
    "track": ".inside.progress",
    "wait": ".client",
}

_HOOKS = {"load_ipython_extension": ".magics", "unload_ipython_extension": ".magics"}
"""What ``%load_ext taskkit`` looks for. No names for users, so they are not in `__all__`."""

__all__ = [
    "Batch",
    "CellFailed",
    "Client",
    "DependencyFailed",
    "Job",
    "JobLost",
    "JobState",
    "JobTimedOut",
    "LocalStack",
    "NotReachable",
    "Progress",
    "Reference",
    "RemoteError",
    "RequestError",
    "ServiceError",
    "TaskkitError",
    "as_completed",
    "display",
    "progress",
    "report",
    "task",
    "track",
    "wait",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name) or _HOOKS.get(name)
    if home is None:
        raise AttributeError(f"module 'taskkit' has no attribute {name!r}")
    value = getattr(import_module(home, __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


registration.offer()
