"""`taskkit jobs`: your newest jobs."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from .completion import names, states
from .service import service
from .terminal import console, note

AsJson = Annotated[
    bool, typer.Option("--json", help="JSON lines, as the server has them, for scripts.")
]


def jobs(
    state: Annotated[
        list[str] | None,
        typer.Option("--state", "-s", help="Only those in this state.", autocompletion=states),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="Only those of this name or task.", autocompletion=names),
    ] = None,
    session: Annotated[
        str | None, typer.Option(help="Only those of this notebook, by its whole path.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="2h|TIME", help="Only those submitted so long ago at most, or since a time."
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List your newest jobs, newest first."""
    from ..client.history import query, records
    from ..protocol import wire
    from . import spans

    try:
        asked = query(
            name=name,
            state=state or None,
            since=None if since is None else spans.since(since),
            session=session,
            now=datetime.now(UTC),
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    found = records(service(), asked, limit)
    if as_json:
        for record in found:
            typer.echo(json.dumps(wire.record_to_wire(record), ensure_ascii=False))
        return
    if not found and console.is_terminal:
        note("no job is like that" if asked else "no job was submitted yet")
        return
    from . import listing
    from .lines import show_grid

    now_ms = time.time_ns() // 1_000_000
    rows = listing.rows(found, now_ms)
    if not console.is_terminal or console.width >= listing.NOTE_FROM:
        show_grid(listing.COLUMNS, rows)
    else:
        narrow = [row[:-1] for row in rows]
        show_grid(listing.COLUMNS[:-1], narrow, listing.beneath(found, now_ms))
