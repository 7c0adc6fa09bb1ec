"""`taskkit capacity`: what a stack of so many parts can do, and which of them is full first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

DAY_S = 86_400.0

NEAR = 0.7
"""Of how full a part it is said how to give it more room."""


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
    costs: Annotated[
        Path | None, typer.Option(help="build/scale.json of `make scale` on your machine")
    ] = None,
) -> None:
    """Foretell how full each part of a stack is, and how many jobs a second are the most.

    By unit costs that were measured on one machine: see docs/capacity.md for what they are worth.
    """
    from ..capacity import MEASURED, Load, Plant, costs_of, predict

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
    known = MEASURED if costs is None else costs_of(json.loads(costs.read_text())["costs"])
    found = predict(load, plant, known)
    typer.echo(f"{'part':<20}{'used':>16}  {'of':<24}{'%':>8}")
    for wall in found.walls:
        most = f"{_number(wall.most)} {wall.unit}"
        share = f"{100 * wall.share:,.0f}"
        typer.echo(f"{wall.part:<20}{_number(wall.used):>16}  {most:<24}{share:>8}")
    typer.echo("")
    for wall in found.walls:
        if wall.share > NEAR:
            typer.echo(f"{wall.part}: {wall.moved_by}.")
    at_most = found.most_jobs_per_s
    typer.echo(
        f"{_number(load.jobs_per_s)} jobs a second; at most {_number(at_most)}, "
        f"{_number(at_most * DAY_S)} a day."
        if at_most
        else "A part of it is full before there is any job."
    )
    typer.echo(
        "More comes than the workers can do: the queue grows without end."
        if found.wait_s == float("inf")
        else f"A job waits {found.wait_s:.2f} s for a process on average."
    )
    if found.first.share > 1:
        raise typer.Exit(1)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
