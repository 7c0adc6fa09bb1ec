"""What a job's own process says, judged as the word of a stranger.

It may say of its own job whatever the job could have it say; but nothing that is of another form,
or larger, than what this worker would write itself.
"""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from taskkit.blobs.digest import is_digest
from taskkit.ledger import Sheet, StoredResult
from taskkit.protocol import events, jobs, wire
from taskkit.protocol.errors import DecodeError
from taskkit.protocol.events import Event, JobFailed, JobSucceeded
from taskkit.protocol.spec import INLINE_CHUNK_BYTES, MOST_BLOBS
from taskkit.travel.outgoing import size_bytes
from taskkit.travel.tables import COLUMNS, ROWS

from ..curves import MOST_CURVES, MOST_POINTS
from ..figures import INLINE_BYTES, MOST_FIGURES
from ..output import CHUNK_BYTES, LIMIT_BYTES
from ..performance import Performed
from ..said import MOST_BARS
from ..surroundings import MOST_BYTES
from .frames import Frame, GarbledError

MOST_AT_FIRST, MOST_A_SECOND = 300, 60
"""How many events an attempt may have beside its output: so many, and then so many a second."""

MOST_IN_A_BATCH = 16
MOST_SHEETS = 2
TEXT_CHARS = 2000
"""Of a message, a name, what a figure is in words, a media type."""

_CHECKS: dict[type, TypeAdapter[Any]] = {
    kind: TypeAdapter(kind) for kind in (*events.SAID, JobSucceeded, JobFailed)
}


class Hearsay:
    """Judges what one attempt says."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._heard = 0
        self._written_bytes = 0

    def events(self, said: object) -> list[Event]:
        """Return a batch of events that an attempt may append.

        Raises:
            GarbledError: They are none, or too many.
        """
        if not isinstance(said, list) or not 0 < len(said) <= MOST_IN_A_BATCH:
            raise GarbledError("it says no batch of events")
        heard = [_event(one, events.SAID) for one in said]
        for event in heard:
            _bound(event)
            if isinstance(event, events.OutputWritten):
                self._written_bytes += len(event.text.encode())
            else:
                self._heard += 1
        if self._written_bytes > 3 * LIMIT_BYTES + CHUNK_BYTES:  # a bad byte is written as three
            raise GarbledError("it writes more than a job may")
        passed_s = time.monotonic() - self._began
        if self._heard > MOST_AT_FIRST + MOST_A_SECOND * passed_s:
            raise GarbledError("it says more than a job may")
        return heard


def ending(frame: Frame) -> Performed:
    """Return how a task ended.

    Raises:
        GarbledError: It says what is no ending.
    """
    facts, body = frame.facts, bytes(frame.body)
    outcome = _event(facts.get("outcome"), (JobSucceeded, JobFailed))
    is_retryable, media_type = facts.get("is_retryable"), facts.get("media_type")
    if type(is_retryable) is not bool:
        raise GarbledError("it does not say whether its job is tried again")
    needed = digests(facts.get("blobs"))
    sheets = _sheets(facts.get("sheets", []))
    result = None
    if media_type is not None:
        result = StoredResult(media_type=_media_type(media_type, body), body=body, blobs=(*needed,))
    if isinstance(outcome, JobSucceeded):
        good = _success(outcome, result)
        return Performed(good, result, is_retryable=False, sheets=sheets)
    assert isinstance(outcome, JobFailed)  # noqa: S101
    error = outcome.error
    _short(error.type, TEXT_CHARS)
    _short(error.message, 10_000)
    _short(error.traceback, 100_000)
    return Performed(outcome, result, is_retryable, sheets=sheets)


def _sheets(said: object) -> tuple[Sheet, ...]:
    if not isinstance(said, list) or len(said) > MOST_SHEETS:
        raise GarbledError("it does not say what it ran in")
    for text in said:
        if not isinstance(text, str) or "\0" in text:
            raise GarbledError("it runs in what is no text")
        if len(text.encode()) > MOST_BYTES:
            raise GarbledError("it says more of what it ran in than is told")
        try:
            is_object = isinstance(json.loads(text), dict)
        except (ValueError, RecursionError):
            is_object = False
        if not is_object:
            raise GarbledError("it runs in what is no object")
    return tuple(map(Sheet, said))


def _success(outcome: JobSucceeded, result: StoredResult | None) -> JobSucceeded:
    told = outcome.result
    if result is None or told.media_type != result.media_type:
        raise GarbledError("its result is of two kinds")
    body = result.body
    inline = None if told.inline is None else b64encode(body).decode()
    try:
        is_so = told.inline == inline and told.size_bytes == size_bytes(body)
    except Exception:  # noqa: BLE001  # whatever reading a manifest raises that is none
        is_so = False
    if not is_so or (inline is not None and len(body) > INLINE_CHUNK_BYTES):
        raise GarbledError("it says of its result what is not so")
    _short(told.preview, TEXT_CHARS)
    if table := told.table:
        if len(table.columns) > COLUMNS + 1 or len(table.rows) > ROWS:
            raise GarbledError("it shows more of a table than is shown")
        for row in (table.columns, *table.rows):
            _few(row, COLUMNS + 1)
            _each_short(row)
    return outcome


def _event(said: object, kinds: tuple[type[Event], ...]) -> Event:
    allowed = {kind.type: kind for kind in kinds}
    if not isinstance(said, dict) or set(said) != {"type", "data"}:
        raise GarbledError("it says what is no event")
    kind = allowed.get(said["type"]) if isinstance(said["type"], str) else None
    if kind is None or not isinstance(said["data"], Mapping):
        raise GarbledError("it says what is not for it to say")
    try:
        _CHECKS[kind].validate_json(json.dumps(said["data"]), strict=True)
        return wire.event_from_wire({**said, "seq": 0, "at": 0, "job": ""})
    except (ValidationError, DecodeError) as error:
        raise GarbledError(f"it says {kind.type!r} in another form") from error


def _bound(event: Event) -> None:
    """Raise where an event is larger than this worker's own would be."""
    match event:
        case events.OutputWritten(text=text):
            _short(text, CHUNK_BYTES + TEXT_CHARS)
        case events.ProgressReported(message=message, bars=bars):
            _few(bars, MOST_BARS)
            _each_short([message, *(bar.name for bar in bars)])
        case events.CurvesReported(curves=curves):
            _few(curves, MOST_CURVES)
            _each_short(curve.name for curve in curves)
            for curve in curves:
                _few(curve.x, MOST_POINTS + 2)
                _few(curve.y, MOST_POINTS + 2)
        case events.FiguresDisplayed(figures=figures):
            _few(figures, MOST_FIGURES)
            for figure in figures:
                _figure(figure)
        case _:
            _short(wire.event_data(event), events.FACT_CHARS)


def _figure(figure: jobs.Figure) -> None:
    _each_short((figure.name, figure.media_type, figure.text))
    if figure.digest is not None and not is_digest(figure.digest):
        raise GarbledError("it displays what is no blob")
    _short(figure.inline or "", 2 * INLINE_BYTES)


def _media_type(said: object, body: bytes) -> str:
    if said == wire.JSON:
        try:
            json.loads(body)
        except (ValueError, RecursionError):
            raise GarbledError("its result is no JSON") from None
        return wire.JSON
    if said == wire.PICKLE:
        return wire.PICKLE
    raise GarbledError("its result is of no kind")


def digests(said: object) -> list[str]:
    """Return what is a list of digests.

    Raises:
        GarbledError: It is none.
    """
    if not isinstance(said, list) or len(said) > MOST_BLOBS or not all(map(is_digest, said)):
        raise GarbledError("it speaks of what are no blobs")
    return said


def _few(things: tuple[object, ...], most: int) -> None:
    if len(things) > most:
        raise GarbledError("it shows more than is shown")


def _each_short(texts: Iterable[str]) -> None:
    for text in texts:
        _short(text, TEXT_CHARS)


def _short(text: str, most: int) -> None:
    if len(text) > most:
        raise GarbledError("it says more at once than a job does")
