"""`taskkit account`: the accounts at Redis by which server and workers log in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from ..protocol.errors import RequestError, Unavailable
from .terminal import caution, console, good, note

if TYPE_CHECKING:
    from ..accounts.folder import Folder

account = typer.Typer(
    help="Make, rotate and revoke the accounts at Redis, of server and workers.",
    no_args_is_help=True,
)

PLACE = Path("/etc/taskkit/accounts")

Place = Annotated[
    Path,
    typer.Option("--folder", file_okay=False, help="Where they are kept."),
]
Name = Annotated[str, typer.Argument(help="The worker's, or server, backup or admin.")]
Ca = Annotated[
    Path | None,
    typer.Option(
        help="Who signed the certificate of Redis.", envvar="TASKKIT_REDIS_CA_FILE", dir_okay=False
    ),
]
Cert = Annotated[
    Path | None,
    typer.Option(
        help="A certificate, where Redis asks for one.",
        envvar="TASKKIT_REDIS_CERT_FILE",
        dir_okay=False,
    ),
]
Key = Annotated[
    Path | None,
    typer.Option(
        help="The key of that certificate.", envvar="TASKKIT_REDIS_KEY_FILE", dir_okay=False
    ),
]
Files = tuple[Path | None, Path | None, Path | None]
"""Of these three."""

Offline = Annotated[
    bool, typer.Option("--offline", help="Write the file; Redis reads it when it starts.")
]


@account.command()
def init(
    url: Annotated[
        str, typer.Option(help="Where Redis is, for all of them: rediss://HOST:6379/0.")
    ],
    folder: Place = PLACE,
    redis_version: Annotated[
        str, typer.Option(help="Of Redis, or later; of a Valkey, 7.2.")
    ] = "7.2",
) -> None:
    """Make the accounts of server, backup and admin, for a Redis that starts with them."""
    made = _folder(folder)
    made.begin(url, _version(redis_version))
    good("accounts", str(made.path))
    note(f"Redis reads them by `aclfile {made.users}`; make that file its user's: chown.")


@account.command()
def create(
    name: Name,
    folder: Place = PLACE,
    redis_ca_file: Ca = None,
    redis_cert_file: Cert = None,
    redis_key_file: Key = None,
    offline: Offline = False,
) -> None:
    """Make an account for a worker; Redis knows it at once."""
    kept = _folder(folder)
    address = kept.create(name)
    _load(kept, (redis_ca_file, redis_cert_file, redis_key_file), offline=offline)
    good("created", f"{name}: its TASKKIT_REDIS_URL_FILE is {address}")


@account.command()
def rotate(
    name: Name,
    folder: Place = PLACE,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Shut out who has the last password.")
    ] = False,
    redis_ca_file: Ca = None,
    redis_cert_file: Cert = None,
    redis_key_file: Key = None,
    offline: Offline = False,
) -> None:
    """Give an account another password; the last one is good until the next time."""
    kept, files = _folder(folder), (redis_ca_file, redis_cert_file, redis_key_file)
    if name == "admin":  # By whom Redis is told: a new password is of no use where it cannot be.
        _load(kept, files, offline=offline)
    admin = kept.address("admin")
    address = kept.rotate(name, keeps_last=not at_once)
    _load(kept, files, offline=offline, admin=admin)
    good("rotated", f"{name}: {address}")
    if not at_once:
        note("The last password is taken until the next rotation: start the process anew before.")


@account.command()
def update(
    folder: Place = PLACE,
    redis_version: Annotated[
        str | None, typer.Option(help="Of Redis, where that was upgraded, too.")
    ] = None,
    redis_ca_file: Ca = None,
    redis_cert_file: Cert = None,
    redis_key_file: Key = None,
    offline: Offline = False,
) -> None:
    """Give all accounts what this release needs: say it after an upgrade, before a start anew."""
    kept = _folder(folder)
    kept.update(_version(redis_version) if redis_version else None)
    _load(kept, (redis_ca_file, redis_cert_file, redis_key_file), offline=offline)
    good("updated", str(kept.path))


@account.command()
def revoke(
    name: Name,
    folder: Place = PLACE,
    redis_ca_file: Ca = None,
    redis_cert_file: Cert = None,
    redis_key_file: Key = None,
    offline: Offline = False,
) -> None:
    """Take a worker's account away: Redis closes its connections, others get its jobs."""
    kept = _folder(folder)
    kept.revoke(name)
    _load(kept, (redis_ca_file, redis_cert_file, redis_key_file), offline=offline)
    kept.forget(name)
    good("revoked", name)


@account.command("list")
def list_(folder: Place = PLACE) -> None:
    """Show the accounts, and how many passwords each takes now."""
    table = Table(box=SIMPLE_HEAD, header_style="dim", pad_edge=False)
    for name in ("name", "role", "user of Redis", "passwords"):
        table.add_column(name)
    for one in _folder(folder).accounts().values():
        table.add_row(one.name, str(one.role), one.user, str(len(one.hashes)))
    console.print(table)


def _folder(path: Path) -> Folder:
    from ..accounts.folder import Folder

    return Folder(path)


def _load(kept: Folder, files: Files, *, offline: bool, admin: str = "") -> None:
    if offline:
        note("Redis reads it when it starts, or by ACL LOAD.")
        return
    from ..config.redis_address import redis_address
    from ..ledger import reload_users
    from .extras import require

    require("worker")
    ca, cert, key = files
    url = redis_address(
        admin or kept.address("admin"),
        ca_file=ca,
        cert_file=cert,
        key_file=key,
        may_be_plain=True,
    )
    try:
        reload_users(url)
    except (RequestError, Unavailable) as error:
        caution(f"{kept.users} is written, and Redis has not read it: {error}")
        note("It reads it when it starts, or by `taskkit account update`.")
        raise typer.Exit(1) from None


def _version(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d+\.\d+(\.\d+)*", text):
        raise RequestError(f"{text!r} is no version of Redis; one is 7.2")
    return tuple(map(int, text.split(".")))
