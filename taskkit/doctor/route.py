"""All hops in their order, and what each of them needs to be reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import (
    access,
    address,
    clocks,
    course,
    disk,
    keeping,
    large,
    notebook,
    origin,
    server,
    workforce,
)
from .chart import Chart, Check


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of the way from a notebook to its panel."""

    name: str
    check: Check
    needs: str = ""
    #: The hop that must let through; empty for none.
    goes_alone: Callable[[Chart], bool] = lambda _chart: False
    #: Whether it can be looked at though that does not.


ROUTE = (
    Hop("connection", origin.check),
    Hop("address", address.check, "connection"),
    Hop("server", server.check, "address"),
    Hop("redis", keeping.check_redis, "server"),
    Hop("persistence", keeping.check_persistence, "redis", keeping.is_named),
    Hop("token", access.check_token, "redis"),
    Hop("versions", access.check_versions, "token"),
    Hop("workers", workforce.check, "versions"),
    Hop("queue", course.check_queue, "workers"),
    Hop("job", course.check_job, "queue"),
    Hop("log", course.check_log, "job"),
    Hop("socket", course.check_socket, "log"),
    Hop("blobs", large.check, "job"),
    Hop("clocks", clocks.check, "server"),
    Hop("kernel", notebook.check_kernel),
    Hop("panel", notebook.check_panel),
    Hop("dashboard", notebook.check_dashboard),
    Hop("disk", disk.check, "connection"),
)
