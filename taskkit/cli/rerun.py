"""`taskkit card` and `taskkit rerun`: how a result came about, and whether it comes about again."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..integrations.cores import VARIABLES
from ..protocol.errors import NotReachable, RequestError
from . import exits
from .completion import ids
from .jobs import AsJson
from .terminal import caution, console, good, note

if TYPE_CHECKING:
    from ..connection import Connection
    from ..provenance.bundle import Bundle
    from .repeating import Repeated

SAME, OTHER = 0, 1

MOST_DIGITS = 10

MOST_DIGITS = 10

TRUST = (
    "To run this again is to run the code that the file brings, on this machine and as you: a "
    "pickle can do whatever a program can, and the source that is shown need not be what it does."
)


def card(
    id: Annotated[
        str, typer.Argument(help="The job's id, or its first digits.", autocompletion=ids())
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Keep it with what repeats the job: a folder, a .zip (RO-Crates) or a .json.",
        ),
    ] = None,
    license: Annotated[  # noqa: A002
        str, typer.Option(help="For the crate: the address of its license.")
    ] = "",
) -> None:
    """Print how a job came about, as JSON; or keep it."""
    from ..client import Client
    from .ids import whole
    from .service import service

    [known] = whole(service(), [id])
    with Client() as client:
        found = client.job(known).card()
        if output is None:
            typer.echo(found.to_json(), nl=False)
            return
        try:
            found.save(output, license=license)
        except FileExistsError as error:
            typer.echo(f"taskkit: {error}", err=True)
            raise typer.Exit(1) from None
    good("kept", str(output))


def rerun(
    path: Annotated[Path, typer.Argument(help="A card as `card.save` wrote it.")],
    url: Annotated[
        str | None, typer.Option(help="A server to run it on; a stack of its own if not said.")
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run the code that the file brings without asking.")
    ] = False,
    rtol: Annotated[
        float, typer.Option(min=0, help="How far numbers may differ, of the larger one.")
    ] = 1e-9,
    atol: Annotated[float, typer.Option(min=0, help="Or in all.")] = 0.0,
    timeout: Annotated[
        str | None, typer.Option(metavar="90|10m", help="For how long; for ever if not said.")
    ] = None,
    tasks: Annotated[
        list[str] | None,
        typer.Option(help="For the stack of its own: a module, file or folder with named tasks."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a saved card's job again, and say whether the result is the same.

    By its bytes, else by its value, numbers within --rtol and --atol. What has changed since is
    told in a table.

    Exit codes: 0 the same, 1 another result, 4 the time is over, 5 it cannot be told.
    """
    from ..provenance.bundle import read
    from ..provenance.comparing import Tolerance
    from . import spans
    from .repeating import repeat, require_whole

    limit_s = None if timeout is None else spans.seconds(timeout)
    with exits.apart():
        bundle = read(path)
        require_whole(bundle)
        is_code = bundle.facts["code"]["form"] == "function"
        is_trusted = trust or (is_code and _is_allowed(bundle))
        with _server(url, tasks or [], bundle) as connection:
            from ..client import Client
            from ..client.http import Http

            client = Client(connection.url, connection.token, session="")
            try:
                repeated = repeat(
                    client,
                    Http(connection),
                    bundle,
                    Tolerance(rtol, atol),
                    is_trusted=is_trusted,
                    timeout_s=limit_s,
                )
            except TimeoutError:
                typer.echo("taskkit: it was not final in time, and was cancelled", err=True)
                raise typer.Exit(exits.NOT_FINAL) from None
            finally:
                client.close()
    raise typer.Exit(_tell(bundle, repeated, as_json=as_json))


def _is_allowed(bundle: Bundle) -> bool:
    """Ask whether to run code; return True, or raise.

    Raises:
        RequestError: It is not to be run, or there is nobody to ask.
    """
    from .lines import clean

    code, job = bundle.facts["code"], bundle.facts["job"]
    if not sys.stdin.isatty():
        raise RequestError(f"{TRUST} If you trust whoever gave it to you, say --trust.")
    console.print()
    caution(TRUST)
    note(f"{clean(str(job['title']))}, as {clean(str(job['owner'] or 'somebody'))} ran it")
    note(f"function sha256 {clean(str(code['sha256']))}")
    for line in str(code.get("source") or "(its source is not known)").splitlines()[:40]:
        note(f"│ {clean(line)}")
    if not typer.confirm("  Run it?", default=False):
        raise RequestError("nothing was run")
    return True


@contextmanager
def _server(url: str | None, tasks: list[str], bundle: Bundle) -> Iterator[Connection]:
    """Yield a server: the one that is named, or one that lives as long as the block."""
    from ..connection import Connection

    if url is not None:
        yield Connection(url.rstrip("/"), _token_for(url.rstrip("/")))
        return
    from .extras import require

    require("server", "worker")
    from ..stack.local import LocalStack

    _require_python(bundle)
    os.environ |= variables_of(bundle.facts)
    with (
        console.status("starting a stack", spinner="dots"),
        LocalStack(workers=1, tasks=tasks, fsync="everysec") as stack,
    ):
        yield Connection(stack.url, stack.token)


def variables_of(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables of a card that a stack of its own is given: how many threads libraries
    use changes the last digits of sums. Only numbers: a card is another's word.
    """
    told = (facts.get("environment") or {}).get("variables") or {}
    return {
        name: value
        for name, value in told.items()
        if name in (*VARIABLES, "PYTHONHASHSEED")
        and isinstance(value, str)
        and value.isdecimal()
        and len(value) <= MOST_DIGITS
    }


def _token_for(url: str) -> str | None:
    """Return what opens a server; a token that was told with another address is not sent there."""
    from ..config.client import token_of
    from ..connection import find

    try:
        here = find()
    except NotReachable:  # there is none here; the one that is named may be open
        here = None
    if here is not None and here.url == url:
        return here.token
    return None if os.environ.get("TASKKIT_URL") else token_of(os.environ)


def _require_python(bundle: Bundle) -> None:
    """Return if this Python can load what the card brings.

    Raises:
        RequestError: Its minor version is another one.
    """
    from ..travel.functions import PYTHON_MINOR

    wanted = bundle.facts["code"].get("python")
    if bundle.facts["code"]["form"] == "function" and wanted != PYTHON_MINOR:
        raise RequestError(
            f"the function was pickled by Python {wanted}, and this is {PYTHON_MINOR}: install "
            f"taskkit in a Python {wanted}, or name a server that has one by --url"
        )


def _tell(bundle: Bundle, repeated: Repeated, *, as_json: bool) -> int:
    from ..provenance.comparing import SAME_ENOUGH, Verdict
    from ..provenance.differences import differences

    found = repeated.comparison
    changed = differences(bundle.facts, repeated.card)
    if found.verdict in SAME_ENOUGH:
        code = SAME
    else:
        code = OTHER if found.verdict is Verdict.OTHER else exits.UNKNOWN
    if as_json:
        told = {
            "verdict": str(found.verdict),
            "is_same": code == SAME,
            "why": found.why,
            "difference": found.difference if found.difference < float("inf") else None,
            "differences": [one._asdict() for one in changed],
            "job": repeated.record.id,
            "card": dict(repeated.card),
        }
        typer.echo(json.dumps(told, ensure_ascii=False))
        return code
    _print(bundle.facts, repeated, changed)
    return code


_WORDS = {
    "same": ("✓", "green", "the same, byte for byte"),
    "equal": ("✓", "green", "the same value in other bytes"),
    "close": ("✓", "green", "the same within the tolerance"),
    "other": ("✗", "red", "another result"),
    "unknown": ("?", "yellow", "it cannot be told whether the result is the same"),
}


def _print(facts: Mapping[str, Any], repeated: Repeated, changed: list[Any]) -> None:
    from rich.text import Text

    from .lines import Column, clean, show_grid

    found = repeated.comparison
    sign, colour, words = _WORDS[found.verdict]
    console.print()
    title = clean(str(facts["job"]["title"]), 80)
    console.print(Text.assemble((f"  {sign} ", colour), (title, "bold"), f"  {words}"))
    if found.why:
        note(clean(found.why, 1000))
    if 0 < found.difference < float("inf"):
        note(f"the largest relative difference is {found.difference:.3g}")
    note(f"it took {repeated.took_s:.3g} s")
    if not changed:
        note("it ran in the same environment as far as the card knows")
        console.print()
        return
    columns = [Column(heading=name) for name in ("", "then", "now")]
    columns[0] = Column(heading="what differs")
    show_grid(columns, [[clean(cell, 60) for cell in one] for one in changed])
