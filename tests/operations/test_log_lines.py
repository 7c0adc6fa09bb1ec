"""How log lines are written, and what they say they are about."""

from __future__ import annotations

import io
import json
import logging
import threading
import warnings
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from taskkit import logs
from taskkit.logs import about, also_about, configure, said, with_facts

logger = logging.getLogger("lab.fit")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave this process's loggers and hooks as they were; begin with no facts of other tests."""
    import sys

    known = logs._ABOUT.set({})
    root = logging.getLogger()
    before = [*root.handlers], root.level, sys.excepthook, threading.excepthook
    yield
    root.handlers[:], root.level, sys.excepthook, threading.excepthook = before
    logging.captureWarnings(False)
    logs._ABOUT.reset(known)


@pytest.fixture
def stream() -> io.StringIO:
    """Where lines go."""
    return io.StringIO()


def read(stream: io.StringIO) -> list[dict[str, Any]]:
    """Return the lines, each of which must be JSON."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_json_line_says_when_what_and_about_whom(stream: io.StringIO) -> None:
    """One object a line, whatever the message holds."""
    configure("json", stream=stream, worker="lab-7")
    with about(request="r1", user="ana", job=None):
        logger.warning("two\nlines of %s \x1b[31m", "text", extra=with_facts(jobs=["a", "b"]))
    logger.info("later")
    first, second = read(stream)
    assert datetime.fromisoformat(first.pop("time")).tzinfo is not None
    assert first == {
        "level": "warning",
        "logger": "lab.fit",
        "event": "two\nlines of text \x1b[31m",
        "worker": "lab-7",
        "request": "r1",
        "user": "ana",
        "jobs": ["a", "b"],
    }
    assert "request" not in second


def test_a_text_line_reads_as_before_and_then_the_facts(stream: io.StringIO) -> None:
    """Facts that are more than a word are quoted, so that nobody forges a line."""
    configure("text", stream=stream)
    with about(request="r1", job='a b\n"'):
        logger.info("begun", extra=with_facts(jobs=["a", "b"]))
    line = stream.getvalue()
    told = 'INFO lab.fit: begun [request=r1 job="a b\\n\\"" jobs=a,b]\n'
    assert line.endswith(told)
    assert datetime.fromisoformat(line.removesuffix(" " + told).replace(",", "."))


def test_a_text_line_is_one_line(stream: io.StringIO) -> None:
    """Whatever somebody has put into a message."""
    configure("text", stream=stream)
    logger.info("no such job: %s", "x\r\n2026-11-26 INFO forged: line")
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize("form", logs.FORMATS)
def test_an_exception_is_told(form: Any, stream: io.StringIO) -> None:
    """Of JSON within the line."""
    configure(form, stream=stream)
    try:
        raise ValueError("no")
    except ValueError:
        logger.exception("broke")
    text = stream.getvalue()
    assert "ValueError: no" in text
    assert "Traceback" in text
    if form == "json":
        assert "ValueError: no" in read(stream)[0]["exception"]


def test_what_is_no_json_is_told_as_text(stream: io.StringIO) -> None:
    """A line is never lost for what it is about."""
    configure("json", stream=stream)
    logger.info("x", extra=with_facts(what={1, 2}.__class__))
    assert "set" in read(stream)[0]["what"]


def test_what_nobody_caught_and_warnings_are_lines_too(stream: io.StringIO) -> None:
    """Of threads, and of the process's own end."""
    import sys

    configure("json", stream=stream)
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    warnings.warn("old", UserWarning, stacklevel=1)
    try:
        raise KeyError("k")
    except KeyError:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    first, warned, last = read(stream)
    assert (first["level"], last["level"]) == ("critical", "critical")
    assert "ZeroDivisionError" in first["exception"]
    assert "KeyError" in last["exception"]
    assert warned["logger"] == "py.warnings"


def test_facts_end_with_their_block_also_when_it_raises() -> None:
    """Also those that were learned within it."""

    def fail() -> None:
        with about(request="r1"):
            also_about(user="ana")
            assert said() == {"request": "r1", "user": "ana"}
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert said() == {}


def test_facts_are_those_of_one_thread() -> None:
    """Requests are answered by many."""
    told: list[Any] = []
    with about(request="r1"):
        thread = threading.Thread(target=lambda: told.append(dict(said())))
        thread.start()
        thread.join()
    assert told == [{}]
