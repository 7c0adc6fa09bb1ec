"""`taskkit wait` and `taskkit result`: what becomes of jobs, and what one returned."""

from __future__ import annotations

import base64
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..protocol.errors import NotReachable, RequestError
from . import exits
from .completion import ACTIVE, ids
from .service import service
from .terminal import console

if TYPE_CHECKING:
    from rich.text import Text

    from ..protocol.jobs import JobRecord

DRAW_EVERY_S = 0.5


def wait(
    jobs: Annotated[
        list[str],
        typer.Argument(
            metavar="ID...", help="Ids, or their first digits.", autocompletion=ids(ACTIVE)
        ),
    ],
    timeout: Annotated[
        str | None, typer.Option(metavar="90|10m", help="For how long; for ever if not said.")
    ] = None,
) -> None:
    """Wait until jobs are final.

    Prints a line for each. Ctrl-C leaves them running.

    The exit code is the gravest outcome: 0 all succeeded, 1 one failed, 3 one was cancelled, 4 the
    time is over, 5 it cannot be told.
    """
    from ..client.http import Http
    from ..connection import find
    from . import spans
    from .following import feed
    from .ids import whole
    from .waiting import Awaited

    limit_s = None if timeout is None else spans.seconds(timeout)
    deadline = None if limit_s is None else time.monotonic() + limit_s
    with exits.apart():
        connection = find()
        http = Http(connection)
        known = whole(http, jobs)
        with feed(connection, http) as news, Awaited(news.connection) as awaited:
            for id in known:
                news.follow(id, awaited.one(id))
            while not awaited.are_over():
                left_s = DRAW_EVERY_S if deadline is None else deadline - time.monotonic()
                if left_s <= 0:
                    break
                awaited.draw(min(DRAW_EVERY_S, left_s))
                news.look_after()
        awaited.require()
    raise typer.Exit(exits.code_of(awaited.states()))


def result(
    id: Annotated[
        str,
        typer.Argument(
            help="The job's id, or its first digits.", autocompletion=ids(("succeeded",))
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", dir_okay=False, help="Write its bytes here, whatever."),
    ] = None,
) -> None:
    """Print what a job returned.

    That is JSON, or a pickle, which only Python can read: then it says what it is of.

    Exit codes: 0 printed or written, 1 the job failed, 3 it was cancelled, 4 it is not final, 5
    there is nothing to print.
    """
    from ..protocol import wire
    from ..protocol.jobs import JobState
    from .ids import whole

    with exits.apart():
        http = service()
        [known] = whole(http, [id])
        record = wire.record_from_wire(http.get(f"/jobs/{known}"))
        if record.state is not JobState.SUCCEEDED or record.result is None:
            typer.echo(f"taskkit: {_why_none(record)}", err=True)
            raise typer.Exit(exits.code_of([record.state]))
        if record.result.media_type != wire.JSON and output is None:
            raise RequestError(_of_pickle(record))
        body = _body(http, record)
        if output is not None:
            _write(output, body)
            return
    _print_json(body)


def line(record: JobRecord, note: str = "") -> Text:
    """Return a job in one line: its state, id, name and what came of it."""
    from rich.text import Text

    from ..panels.figures import SPACE
    from ..panels.job_card import job_since
    from . import listing
    from .ids import short
    from .lines import clean, sign

    now_ms = time.time_ns() // 1_000_000
    since = job_since(record, now_ms).replace(SPACE, " ")
    said = note or (listing.note(record, now_ms).plain if record.is_final else "")
    head = sign(record.state).append(f" {since}" if since else "")
    parts = [Text(f"{short(record.id)}  {clean(record.title, 60)}  "), head]
    return Text().join([*parts, Text(f"  {said}", style="dim" if not record.error else "red")])


def _why_none(record: JobRecord) -> str:
    from .ids import short
    from .lines import clean

    if record.error is not None:
        return f"Job {short(record.id)} failed: {clean(record.error.summary)}"
    more = "" if record.is_final else f"; `taskkit wait {short(record.id)}` waits for it"
    return f"Job {short(record.id)} is {record.state}{more}."


def _of_pickle(record: JobRecord) -> str:
    from ..panels.figures import SPACE, size
    from .ids import short
    from .lines import clean

    info = record.result
    assert info is not None  # noqa: S101
    about = f"a pickle of {size(info.size_bytes).replace(SPACE, ' ')}"
    if info.table is not None:
        about += f" (a table, {info.table.all_rows:,} rows × {info.table.all_columns:,} columns)"
    elif info.preview:
        about += f" ({clean(info.preview, 200)})"
    return (
        f"The result of job {short(record.id)} is {about}: in Python, "
        f"taskkit.Client().job({record.id!r}).result() has the value; "
        "--output FILE writes the bytes."
    )


def _body(http: Any, record: JobRecord) -> bytes:
    info = record.result
    if info is not None and info.inline is not None:
        return base64.b64decode(info.inline)
    _, body = http.fetch(f"/jobs/{record.id}/result")
    if info is not None and len(body) != info.size_bytes and info.size_bytes < len(body):
        raise NotReachable("What answers at this address is not a taskkit server.")
    return bytes(body)


def _write(path: Path, body: bytes) -> None:
    from ..blobs.manifest import is_packed, read_manifest

    try:
        path.write_bytes(body)
    except OSError as error:
        raise RequestError(f"Cannot write {path}: {error.strerror}.") from None
    if is_packed(body):
        count = len(read_manifest(body)[0].blobs)
        typer.echo(
            f"{path} names {count} blob{'s' if count > 1 else ''} with what is large of it, which "
            "only a client's result() puts in.",
            err=True,
        )


def _print_json(body: bytes) -> None:
    if not console.is_terminal:
        sys.stdout.buffer.write(body + b"\n")
        sys.stdout.flush()
        return
    from rich.json import JSON

    console.print(JSON(json.dumps(json.loads(body), ensure_ascii=False), indent=2))
