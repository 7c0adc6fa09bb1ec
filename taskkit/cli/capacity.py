"""`taskkit capacity`: what a stack of so many parts can do, and which of them is full first."""

from __future__ import annotations

from typing import Annotated

import typer

from .terminal import console

DAY_S = 86_400.0


def capacity(
    jobs_per_day: Annotated[float, typer.Option(help="That users submit, 1e6 for a million")],
    job_s: Annotated[float, typer.Option(help="How long one runs, on average")],
    notebooks: Annotated[int, typer.Option(help="Connected at once, with pages")] = 10,
    readers: Annotated[float, typer.Option(help="Of them, a user")] = 1.0,
    reports: Annotated[float, typer.Option(help="Of progress or output, a job")] = 0.0,
    batch: Annotated[float, typer.Option(help="Jobs a request")] = 1.0,
    queued: Annotated[int, typer.Option(help="Jobs that wait at the worst")] = 1000,
    payload_bytes: Annotated[int, typer.Option(help="Of arguments and result, a job")] = 0,
    retention_days: Annotated[float, typer.Option(help="As server.retention_days")] = 7.0,
    workers: Annotated[int, typer.Option(help="Main processes")] = 1,
    slots: Annotated[int, typer.Option(help="Processes of each")] = 2,
    server_processes: Annotated[int, typer.Option(help="Of all servers")] = 1,
    max_sockets: Annotated[int, typer.Option(help="As server.max_sockets")] = 96,
    cores: Annotated[int, typer.Option(help="For servers, proxy and Redis")] = 2,
    redis_gb: Annotated[float, typer.Option(help="Memory of Redis")] = 2.0,
    redis_clients: Annotated[int, typer.Option(help="As maxclients of Redis")] = 10_000,
) -> None:
    """Foretell how full each part of a stack is, and how many jobs a second are the most.

    By unit costs that were measured on one machine: see docs/capacity.md for what they are worth.
    """
    from ..capacity import MEASURED, Load, Plant, predict

    load = Load(
        jobs_per_s=jobs_per_day / DAY_S,
        job_s=job_s,
        notebooks=notebooks,
        readers=readers,
        reports=reports,
        batch=batch,
        queued=queued,
        kept_s=retention_days * DAY_S,
        payload_bytes=payload_bytes,
    )
    plant = Plant(
        workers=workers,
        slots=slots,
        server_processes=server_processes,
        cores=cores,
        sockets_per_process=max_sockets,
        redis_bytes=1e9 * redis_gb,
        redis_clients=redis_clients,
    )
    found = predict(load, plant, MEASURED)
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("part")
    for name in ("used", "of", "%"):
        table.add_column(name, justify="right")
    table.add_column("moved by")
    for wall in found.walls:
        style = "red" if wall.share > 1 else ""
        used, most = f"{wall.used:,.3g}", f"{wall.most:,.3g} {wall.unit}"
        if wall.most >= 1000:
            used, most = f"{wall.used:,.0f}", f"{wall.most:,.0f} {wall.unit}"
        table.add_row(wall.part, used, most, f"{100 * wall.share:,.0f}", wall.moved_by, style=style)
    console.print(table)
    at_most = found.most_jobs_per_s
    a_day = at_most * DAY_S
    console.print(
        f"{load.jobs_per_s:,.3g} jobs a second of {at_most:,.3g} at most ({a_day:,.3g} a day)"
    )
    if found.wait_s == float("inf"):
        console.print("More comes than the workers can do: the queue grows without end.")
    else:
        console.print(f"A job waits {found.wait_s:,.3g} s for a process on average.")
    if found.first.share > 1:
        raise typer.Exit(1)
