"""`taskkit cancel` and `taskkit retry`."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..protocol.errors import JobNotFailed, RequestError
from .completion import ACTIVE, ENDED_BADLY, ids
from .jobs import AsJson
from .service import service

if TYPE_CHECKING:
    from ..protocol.jobs import JobRecord


def cancel(
    jobs: Annotated[
        list[str],
        typer.Argument(
            metavar="ID...", help="Ids, or their first digits.", autocompletion=ids(ACTIVE)
        ),
    ],
    dependents: Annotated[
        bool, typer.Option("--dependents", help="Also those that wait for their results.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """End jobs, queued or running.

    Exit code 1 where one had ended before, and otherwise.
    """
    from ..protocol.jobs import JobState
    from .ids import whole

    http = service()
    query = "?dependents=true" if dependents else ""
    is_done = True
    for id in whole(http, jobs):
        record = _shown(http.post(f"/jobs/{id}/cancel{query}"), as_json)
        is_done = is_done and record.state is JobState.CANCELLED
    raise typer.Exit(0 if is_done else 1)


def retry(
    jobs: Annotated[
        list[str],
        typer.Argument(
            metavar="ID...", help="Ids, or their first digits.", autocompletion=ids(ENDED_BADLY)
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Submit jobs again that failed or were cancelled.

    They are made of what was sent then. Prints the new ones.
    """
    from .ids import short, whole

    http = service()
    for id in whole(http, jobs):
        try:
            _shown(http.post(f"/jobs/{id}/retry", key=uuid.uuid4().hex), as_json, instead_of=id)
        except JobNotFailed as error:
            raise RequestError(
                f"Job {short(id)} is {error.details.get('state', 'not over')}: only one that "
                "failed or was cancelled is tried again."
            ) from None


def _shown(obj: dict[str, Any], as_json: bool, instead_of: str = "") -> JobRecord:
    from ..protocol import wire
    from .ids import short
    from .lines import show
    from .outcome import line

    record = wire.record_from_wire(obj)
    if as_json:
        typer.echo(json.dumps(obj, ensure_ascii=False))
    else:
        show([line(record, note=f"instead of {short(instead_of)}" if instead_of else "")])
    return record
