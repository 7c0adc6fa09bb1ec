"""`taskkit backup` and `taskkit restore`: a stack's jobs as one file, and back."""

from __future__ import annotations

import signal
import time
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from ..protocol.errors import NotReachable
from .alone import running_stack
from .configured import File, configured
from .extras import require
from .terminal import caution, console, good, note

if TYPE_CHECKING:
    from ..backup.saving import StoreOf

Url = Annotated[
    str | None,
    typer.Option(help="Its Redis; otherwise what is configured, or that of the stack here."),
]


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    with_blobs: Annotated[
        bool, typer.Option("--blobs", help="Put large values into the file, too.")
    ] = False,
    url: Url = None,
    config: File = None,
) -> None:
    """Write all jobs, results, logs and tokens to a file, as they are at one moment."""
    require("server")
    from ..backup.saving import save
    from ..ledger import open_copier

    redis_url, place = _stack(url, config)
    _interrupt_by_sigterm()
    began = time.monotonic()
    with TemporaryDirectory() as cache, console.status("copying", spinner="dots"):
        stores = _stores(place, Path(cache)) if with_blobs else None
        saved = save(file, open_copier(redis_url), stores)
    good(
        "saved",
        f"{saved.keys} keys, {saved.size_bytes / 1e6:.1f} MB in {file}, "
        f"{time.monotonic() - began:.1f} s; writers waited {saved.paused_s * 1000:.0f} ms",
    )
    if saved.missing:
        caution(f"{saved.missing} large values that jobs need are not where they are kept")
    elif saved.blobs and not with_blobs:
        note(f"{saved.blobs} large values are not in it: copy {_said(place)}, or say --blobs")


def restore(
    file: Annotated[Path, typer.Argument(help="As `taskkit backup` wrote it.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Also where there are jobs: they are gone then.")
    ] = False,
    url: Url = None,
    config: File = None,
) -> None:
    """Put a backup in the place of what is in Redis; what ran then runs again."""
    require("server")
    from ..backup.restoring import restore as put_back
    from ..ledger import open_copier

    redis_url, place = _stack(url, config)
    _interrupt_by_sigterm()
    with TemporaryDirectory() as cache, console.status("restoring", spinner="dots"):
        stores = _stores(place, Path(cache)) if place else None
        done = put_back(file, open_copier(redis_url), stores, overwrite=overwrite)
    at = datetime.fromtimestamp(done.facts.at / 1000).strftime("%Y-%m-%d %H:%M:%S")
    good("restored", f"{done.ledger.jobs} jobs as of {at}; {done.ledger.resumed} go on")
    if done.missing:
        caution(
            f"{done.missing} large values that jobs need are not in {_said(place)}: "
            "copy them there; jobs that need them fail"
        )


def _stack(url: str | None, config: Path | None) -> tuple[str, str | None]:
    """Return the Redis and the place of large values that are meant."""
    told = configured({"redis.url": ("--url", url)}, config)
    if told.redis.url is not None:
        from ..config.loading import redis_of

        return redis_of(told), told.blobs.place
    stack = running_stack()
    return stack.redis_url, told.blobs.place or stack.blobs or None


def _stores(place: str | None, cache: Path) -> StoreOf:
    from ..blobs.opening import open_store, owner_place

    if place is None:
        raise NotReachable("Nobody says where large values are kept: set TASKKIT_BLOBS.")
    return lambda owner: open_store(
        owner_place(place, owner), cache=Path(owner_place(cache, owner))
    )


def _said(place: str | None) -> str:
    from ..config.urls import masked

    return masked(place) if place else "the place where they are kept"


def _interrupt_by_sigterm() -> None:
    """Have what is half done be taken back, as by Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
