"""Opening a study: a new one, one that is there, or one that is there and is to grow."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..client.shipping import name_of
from ..protocol.errors import RequestError, StudyNotFound
from ..travel.classes import OWN_CLASSES
from ..travel.functions import PYTHON_MINOR, pickle_function
from ..travel.outgoing import Outgoing, arrived
from .archive import Archive, names
from .calls import Calling, calling_of
from .desk import Desk
from .pieces import NAME_CHARS
from .record import CHANGED, Record, code_of, growth_of
from .space import space_of, whole
from .study import TRIES, Study, with_growth


def swept(
    desk: Desk,
    func: Callable[..., Any],
    space: Mapping[str, Any],
    *,
    repeats: int,
    seed: int,
    samples: int | None,
    name: str | None,
    changed: str,
) -> Study:
    """Return the study of a function over a grid or a space; see `Client.sweep`."""
    if changed not in CHANGED:
        raise ValueError(f"changed is one of {', '.join(CHANGED)}; this is {changed!r:.200}")
    whole("seed", seed, 0)
    growth = growth_of(space_of(space), samples=samples, repeats=repeats, root=seed)
    calling = calling_of(func, seed, next(iter(growth.points())))
    code = code_of(func)
    sent, blobs = pickle_function(calling, Outgoing(desk.link.blobs))
    title = checked_name(name) if name is not None else desk.options.name or name_of(func)
    record = Record(
        name=title, seed=seed, codes=(code,), growths=(growth,), function=sent, blobs=blobs
    )
    if name is None:
        return Study(desk, record, calling, None).begin()
    known: Study | None = desk.link.studies.get(title)
    if known is not None and known.again(record, changed):
        return known
    archive = Archive(desk, title)
    for number in range(TRIES):
        found = archive.look()
        before = archive.newest(found, record)
        wanted = record
        if before is not None:
            before.require_seed(seed)
            wanted = before.with_code(record, changed)
            wanted = with_growth(replace(wanted, is_stopped=False), growth)
        is_kept = before is not None and wanted.work() == before.work()
        if is_kept and not archive.is_old(found):
            break
        if archive.put(max(found.next_number, number), wanted):
            break
    else:
        raise RequestError(f"others change the study {name!r} all the time; try again")
    return Study(desk, wanted, calling, archive).begin(found)


def opened(desk: Desk, name: str) -> Study:
    """Return the study of this name; see `Client.study`."""
    known: Study | None = desk.link.studies.get(checked_name(name))
    if known is not None and known.look():
        return known
    archive = Archive(desk, name)
    found = archive.look()
    record = archive.newest(found)
    if record is None:
        raise StudyNotFound(
            f"there is no study {name!r}, or what was known of it is not kept any more"
            f"{_nearest(name, names(desk))}; client.sweep(…, name={name!r}) begins one"
        )
    if archive.is_old(found):
        archive.put(found.next_number, record)
    return Study(desk, record, _calling(desk, record), archive).begin(found)


def checked_name(name: str) -> str:
    """Return a name that a study may have.

    Raises:
        TypeError, ValueError: It may not.
    """
    if not isinstance(name, str):
        raise TypeError(f"name is a text; this is {name!r:.200}")
    if not name.strip() or not name.isprintable() or len(name) > NAME_CHARS:
        raise ValueError(
            f"name is a line of at most {NAME_CHARS} characters; this is {name!r:.200}"
        )
    return name


def _calling(desk: Desk, record: Record) -> Calling | None:
    """Return what a study calls, as it was kept; None where it cannot be had in this kernel."""
    if record.python != PYTHON_MINOR:
        return None
    try:
        found: Calling = arrived(record.function, desk.link.blobs, OWN_CLASSES.load)
    except Exception:  # noqa: BLE001  # it may need modules that are not here
        return None
    return found


def _nearest(name: str, others: list[str]) -> str:
    near = difflib.get_close_matches(name, others, n=3, cutoff=0.5)
    return f"; there is {' and '.join(map(repr, near))}" if near else ""
