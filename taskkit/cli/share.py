"""`taskkit share` and `taskkit shares`: links by which others look at some of your jobs."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from ..protocol import wire
from ..protocol.tokens import ShareInfo
from . import spans
from .completion import ids
from .ids import short, whole
from .jobs import AsJson
from .service import service
from .terminal import caution, console, good, minute, note

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
MOST_SHOWN = 3

shares = typer.Typer(help="List and revoke the links that you made by `taskkit share`.")


def share(
    jobs: Annotated[
        list[str],
        typer.Argument(metavar="ID...", help="Ids, or their first digits.", autocompletion=ids()),
    ],
    expires: Annotated[
        str | None,
        typer.Option(help="After how long it ends: 7d, 12h, 2w; a month where it is not said."),
    ] = None,
    note_: Annotated[
        str, typer.Option("--note", help="What it is for; its readers do not see that.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Make a link by which whoever has it may look at jobs, and change nothing."""
    from ..client.shares import link_of

    http = service()
    body: dict[str, Any] = {"jobs": whole(http, jobs), "note": note_}
    if expires is not None:
        body["expires_s"] = spans.seconds(expires)
    made = http.post("/shares", body)
    made["link"] = link_of(made, http.url)
    if as_json:
        typer.echo(json.dumps(made))
        return
    info = wire.share_from_wire(made)
    many = f"{len(info.jobs)} job{'' if len(info.jobs) == 1 else 's'}"
    good("share", f"{info.id}: {many} until {minute(info.expires_at or 0)}")
    typer.echo(f"\n  {made['link']}\n")  # whole, however narrow the terminal is
    note("It is shown this once. Whoever has it may look; `taskkit shares revoke` ends that.")
    if urlsplit(made["link"]).hostname in LOOPBACK:
        caution("It opens on this machine alone, for that is where the server is reached here.")


@shares.callback(invoke_without_command=True)
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the links: those of all users to who runs the server, else one's own."""
    if context.invoked_subcommand is not None:
        return
    listed = service().get("/shares")["shares"]
    if as_json:
        for one in listed:
            typer.echo(json.dumps(one))
        return
    if not listed:
        note("nothing is shared; `taskkit share ID` makes a link to a job")
        return
    console.print(_table([wire.share_from_wire(one) for one in listed]))


@shares.command()
def revoke(
    ids: Annotated[list[str], typer.Argument(help="As `taskkit shares` shows.")],
) -> None:
    """Revoke links: within two seconds they show nothing any more."""
    http = service()
    for id in ids:
        http.delete(f"/shares/{id}")
        good("revoked", id)


def _table(found: list[ShareInfo]) -> Table:
    table = Table(box=SIMPLE_HEAD, header_style="dim", pad_edge=False)
    for name in ("id", "user", "jobs", "made", "ends", "last used", "for"):
        table.add_column(name)
    now_ms = time.time_ns() // 1_000_000
    for info in found:
        is_over = info.is_expired(now_ms)
        ends = minute(info.expires_at or 0)
        more = len(info.jobs) - MOST_SHOWN
        shown = " ".join(short(id) for id in info.jobs[:MOST_SHOWN])
        table.add_row(
            info.id,
            info.user,
            f"{shown} and {more:,} more" if more > 0 else shown,
            minute(info.created_at),
            f"{ends} (over)" if is_over else ends,
            "never" if info.used_at is None else minute(info.used_at),
            info.note,
            style="dim" if is_over else "",
        )
    return table
