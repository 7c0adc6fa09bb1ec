"""`taskkit token`: who may use this stack, and for what."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from ..protocol import wire
from ..protocol.errors import RequestError
from ..protocol.tokens import USUAL_SCOPES, Scope, TokenInfo
from . import spans
from .service import service
from .terminal import caution, console, good, minute, note

token = typer.Typer(help="Make, list and revoke the tokens of users.", no_args_is_help=True)

_AS_JSON = typer.Option("--json", help="As JSON, one object a line.")


@token.command()
def create(
    user: Annotated[str, typer.Option(help="Whose it is: the owner of what it submits.")],
    scope: Annotated[
        str, typer.Option(help=f"What it allows, with commas: {', '.join(Scope)}.")
    ] = ",".join(USUAL_SCOPES),
    expires: Annotated[
        str, typer.Option(help="After how long it ends: 90d, 12h, 30m, 2w, or never.")
    ] = "90d",
    note_: Annotated[str, typer.Option("--note", help="What it is for.")] = "",
    as_json: Annotated[bool, _AS_JSON] = False,
) -> None:
    """Make a token and print it, this once."""
    body: dict[str, object] = {"user": user, "scopes": _scopes(scope), "note": note_}
    lasts_s = lifetime_s(expires)
    if lasts_s is not None:
        body["expires_s"] = lasts_s
    http = service()
    made = http.post("/tokens", body)
    if as_json:
        typer.echo(json.dumps(made))
        return
    info = wire.token_from_wire(made)
    until = "never ends" if info.expires_at is None else f"ends {_day(info.expires_at)}"
    good("token", f"{info.id} of {info.user}: {', '.join(info.scopes)}; {until}")
    console.print(f"\n  TASKKIT_URL={http.url}\n  TASKKIT_TOKEN={made['token']}\n", style="bold")
    note("It is shown this once; give it to its user by a way that nobody else reads.")
    if Scope.CODE in info.scopes:
        caution("With the scope code its user runs any code as whoever runs the workers.")


@token.command("list")
def list_(as_json: Annotated[bool, _AS_JSON] = False) -> None:
    """Show the tokens: those of all users to who runs the server, else one's own."""
    listed = service().get("/tokens")["tokens"]
    if as_json:
        for one in listed:
            typer.echo(json.dumps(one))
        return
    tokens = [wire.token_from_wire(one) for one in listed]
    if not tokens:
        note("no user has a token; make one by `taskkit token create --user NAME`")
        return
    console.print(_table(tokens))


@token.command()
def revoke(
    ids: Annotated[list[str], typer.Argument(help="As `taskkit token list` shows.")],
) -> None:
    """Revoke tokens: they open nothing any more, and what they hold open is closed."""
    http = service()
    for id in ids:
        http.delete(f"/tokens/{id}")
        good("revoked", id)


def lifetime_s(text: str) -> float | None:
    """Return how long a token is to last; None for ``never``.

    >>> lifetime_s("90d"), lifetime_s("never")
    (7776000.0, None)
    """
    return None if text.strip().lower() == "never" else spans.seconds(text)


def _scopes(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in list(Scope)]
    if unknown or not names:
        what = f"{unknown[0]!r} is no scope" if unknown else "name a scope"
        raise RequestError(f"{what}; there are {', '.join(Scope)}")
    return names


def _table(tokens: list[TokenInfo]) -> Table:
    table = Table(box=SIMPLE_HEAD, header_style="dim", pad_edge=False)
    for name in ("id", "user", "scopes", "made", "ends", "last used", "for"):
        table.add_column(name)
    now = datetime.now(UTC).timestamp() * 1000
    for info in tokens:
        ends = "never" if info.expires_at is None else _day(info.expires_at)
        shade = "dim" if info.is_expired(int(now)) else ""
        table.add_row(
            info.id,
            info.user,
            " ".join(info.scopes),
            _day(info.created_at),
            f"{ends} (over)" if shade else ends,
            "never" if info.used_at is None else minute(info.used_at),
            info.note,
            style=shade,
        )
    return table


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000).strftime("%Y-%m-%d")
