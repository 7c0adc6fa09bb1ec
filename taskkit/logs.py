"""Log lines of server and worker: text for people or JSON for programs, with what each is about.

What a line is about - a request, a user, a job, an attempt, a worker - is said once, by `about`, by
whoever handles it, and is in every line of that thread until then.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal, TextIO

Format = Literal["text", "json"]

FORMATS: tuple[Format, ...] = ("text", "json")

_NOTHING: Mapping[str, object] = {}

_ABOUT: ContextVar[Mapping[str, object]] = ContextVar("taskkit_about", default=_NOTHING)


@contextmanager
def about(**facts: object) -> Iterator[None]:
    """Have lines that are logged within the block say these facts, beside those said already.

    >>> with about(request="7f", job=None):
    ...     dict(said())
    {'request': '7f'}
    """
    known = {name: fact for name, fact in facts.items() if fact not in (None, "")}
    token = _ABOUT.set({**_ABOUT.get(), **known})
    try:
        yield
    finally:
        _ABOUT.reset(token)


def also_about(**facts: object) -> None:
    """Have them say these facts, too, until the block that this is in ends."""
    _ABOUT.set({**_ABOUT.get(), **facts})


def said() -> Mapping[str, object]:
    """Return what lines are about at the moment."""
    return _ABOUT.get()


def with_facts(**facts: object) -> dict[str, Mapping[str, object]]:
    """Return the `extra` of one line that says these facts, too."""
    return {"facts": {name: fact for name, fact in facts.items() if fact is not None}}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time` (UTC), `level`, `logger`, `event`, the facts, `exception`.

    always: facts of every line.
    """

    def __init__(self, always: Mapping[str, object] = _NOTHING) -> None:
        super().__init__()
        self._always = dict(always)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **self._always,
            **_facts_of(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """``LEVEL logger: event [name=fact …]``, and below it the exception; with the time before it.

    always: facts of every line.
    """

    def __init__(self, always: Mapping[str, object] = _NOTHING) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(told)s")
        self._always = dict(always)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, or several where there is an exception."""
        facts = {**self._always, **_facts_of(record)}
        told = " ".join(f"{name}={_word(fact)}" for name, fact in facts.items())
        event = record.getMessage().replace("\r", "\\r").replace("\n", "\\n")  # one line is one
        record.told = f"{event} [{told}]" if told else event
        return super().format(record)


_FORMATTERS = {"json": JsonFormatter, "text": TextFormatter}


def configure(form: Format, *, stream: TextIO | None = None, **always: object) -> None:
    """Have all loggers of this process write to standard error, from INFO on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_FORMATTERS[form](always))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    sys.excepthook = _tell
    threading.excepthook = lambda args: _tell(args.exc_type, args.exc_value, args.exc_traceback)


def log_apart(form: Format, **always: object) -> None:
    """Have the loggers of a pool process's own code write to where standard error leads now.

    Of a job, that is pointed elsewhere: what it writes and logs is the job's output.
    """
    stream = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8", errors="replace")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_FORMATTERS[form](always))
    for name in ("taskkit_worker", "taskkit.tracing", "opentelemetry"):
        own = logging.getLogger(name)
        own.handlers[:] = [handler]
        own.propagate = False
    logging.captureWarnings(False)
    sys.excepthook, threading.excepthook = sys.__excepthook__, threading.__excepthook__


def _tell(
    kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None
) -> None:
    """Log what nobody caught, so that it is one line like any other."""
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("taskkit").critical(
        "nobody caught this", exc_info=(kind, error or kind(), traceback)
    )


def _facts_of(record: logging.LogRecord) -> Mapping[str, object]:
    return {**_ABOUT.get(), **getattr(record, "facts", _NOTHING)}


def _word(fact: object) -> str:
    if isinstance(fact, list | tuple):
        return ",".join(map(str, fact))
    text = str(fact)
    return text if text.isprintable() and " " not in text else json.dumps(text)
