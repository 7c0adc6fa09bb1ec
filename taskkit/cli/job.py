"""`taskkit job`: all that is known of one."""

from __future__ import annotations

import json
import time
from typing import Annotated

import typer

from .completion import ids
from .jobs import AsJson
from .service import service
from .terminal import console

UNLIMITED = 100_000
"""As wide as anything, where there is no terminal."""


def job(
    id: Annotated[
        str, typer.Argument(help="The job's id, or its first digits.", autocompletion=ids())
    ],
    as_json: AsJson = False,
) -> None:
    """Show one job: how far it is, why it failed, what it printed."""
    from ..protocol import wire
    from .ids import whole

    http = service()
    [known] = whole(http, [id])
    obj = http.get(f"/jobs/{known}")
    if as_json:
        typer.echo(json.dumps(obj, ensure_ascii=False))
        return
    from .card import card
    from .lines import GAP, show

    record, now_ms = wire.record_from_wire(obj), time.time_ns() // 1_000_000
    if not console.is_terminal:
        show(card(record, now_ms, UNLIMITED))
        return
    console.print()
    show(card(record, now_ms, console.width - 2 * GAP))
    console.print()
