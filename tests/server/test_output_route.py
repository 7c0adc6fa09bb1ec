"""`GET /jobs/{id}/output`: what a job printed, whole or as it comes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from flask import Flask
from serving import (
    TOKEN,
    FadingLedger,
    Http,
    RecordingDispatch,
    problem,
    queued,
    running,
    succeeded,
)
from waiting import wait_until
from werkzeug.test import TestResponse

from taskkit.ledger import Lease
from taskkit.ledger.memory import MemoryLedger
from taskkit.protocol.events import JobSucceeded, OutputWritten
from taskkit.protocol.jobs import OUTPUT_TAIL_CHARS, ResultInfo
from taskkit_server.access import auth as auth_module
from taskkit_server.app import create_app
from taskkit_server.live.output_stream import OutputStream
from taskkit_server.settings import Settings

DROPPED = "Output-Dropped-Chars"


class Reader:
    """Reads a response in a thread, as it comes."""

    def __init__(self, response: TestResponse) -> None:
        assert response.status_code == 200, response.text
        self.response = response
        self.error: BaseException | None = None
        self._pieces: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._text = b""
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        try:
            for piece in self.response.response:
                self._pieces.put(piece)
        except OSError as error:
            self.error = error
        self.response.close()

    def text(self) -> str:
        """Return all that has come until now."""
        with suppress(queue.Empty):
            while True:
                self._text += self._pieces.get_nowait()
        return self._text.decode()

    def is_over(self) -> bool:
        """Return whether nothing more comes."""
        return not self.thread.is_alive()


@pytest.fixture
def follow(http: Http) -> Callable[..., Reader]:
    """Follow a job's output."""

    def begin(id: str, http: Http = http, **options: Any) -> Reader:
        return Reader(http.get(f"/jobs/{id}/output?follow", buffered=False, **options))

    return begin


def say(ledger: MemoryLedger, lease: Lease, number: int, text: str) -> None:
    """Have a job print something."""
    ledger.append(lease, number, [OutputWritten(text=text)])


def end(ledger: MemoryLedger, lease: Lease) -> None:
    """Have a job succeed."""
    info = ResultInfo(media_type="application/json", size_bytes=1)
    ledger.finish(lease, JobSucceeded(result=info), None)


def test_output_is_text_and_tells_what_is_missing(http: Http, ledger: FadingLedger) -> None:
    """The end of it, as far as it is kept; 304 for who has it."""
    lease = running(ledger)
    path = f"/jobs/{lease.ref.id}/output"
    say(ledger, lease, 1, "grüße\n")
    first = http.get(path)
    assert (first.text, first.headers[DROPPED]) == ("grüße\n", "0")
    assert first.content_type == "text/plain; charset=utf-8"
    assert http.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    say(ledger, lease, 2, "x" * OUTPUT_TAIL_CHARS)
    more = http.get(path)
    assert (more.text, more.headers[DROPPED]) == ("x" * OUTPUT_TAIL_CHARS, "6")


def test_a_stream_begins_with_what_is_there_and_ends_with_the_job(
    ledger: FadingLedger, follow: Callable[..., Reader]
) -> None:
    """Each character once, in order."""
    lease = running(ledger)
    say(ledger, lease, 1, "one\n")
    reader = follow(lease.ref.id)
    wait_until(lambda: reader.text() == "one\n", 10)
    for number in range(2, 50):
        say(ledger, lease, number, f"{number}\n")
    wait_until(lambda: reader.text().endswith("49\n"), 10)
    assert not reader.is_over()
    end(ledger, lease)
    wait_until(reader.is_over, 10)
    assert reader.text() == "one\n" + "".join(f"{number}\n" for number in range(2, 50))
    assert reader.error is None


def test_a_job_that_is_final_is_followed_to_its_end_at_once(
    ledger: FadingLedger, follow: Callable[..., Reader]
) -> None:
    """Nothing is waited for."""
    lease = running(ledger)
    say(ledger, lease, 1, "all\n")
    end(ledger, lease)
    reader = follow(lease.ref.id)
    wait_until(reader.is_over, 10)
    assert reader.text() == "all\n"


def test_a_stream_goes_on_over_attempts_and_waits_for_the_first(
    ledger: FadingLedger, follow: Callable[..., Reader]
) -> None:
    """From queued on; what a lost attempt printed stays, the next one's follows it."""
    ref = queued(ledger)
    reader = follow(ref.id)
    for attempt in ("first\n", "second\n"):
        claim = ledger.claim(ref, worker="lab-7-1f", pid=7)
        assert claim is not None
        say(ledger, claim.lease, 1, attempt)
        wait_until(lambda attempt=attempt: reader.text().endswith(attempt), 10)  # type: ignore[misc]
        if attempt == "first\n":
            assert ledger.lose(claim.lease, "test") is not None
        else:
            end(ledger, claim.lease)
    wait_until(reader.is_over, 10)
    assert reader.text() == "first\nsecond\n"


def test_a_stream_that_missed_the_log_goes_on_from_the_record(ledger: FadingLedger) -> None:
    """To the character; what neither has any more is told in its place."""
    small = MemoryLedger(log_events=3)
    lease = running(small)
    say(small, lease, 1, "a")
    stream = OutputStream(small, lease.ref, lambda: True)
    record = stream.begin()
    assert record is not None
    assert record.output == "a"
    rest = stream.rest()
    for number in range(2, 12):  # more than the log keeps
        say(small, lease, number, "bcdefghijk"[number - 2])
    assert next(rest) == "bcdefghijk"
    say(small, lease, 12, "l")
    assert next(rest) == "l"
    for number in range(13, 23):
        say(small, lease, number, "y" * OUTPUT_TAIL_CHARS)
    lost = 9 * OUTPUT_TAIL_CHARS
    text = next(rest)
    assert f"{lost:,} characters of the output are not kept any more" in text
    assert text.endswith("y" * OUTPUT_TAIL_CHARS)
    assert text.count("y" * 100) == OUTPUT_TAIL_CHARS // 100
    end(small, lease)
    assert list(rest) == []


def test_what_is_printed_between_two_readings_is_told_once(
    ledger: FadingLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log's head and the record are read one after the other, and the job prints meanwhile."""
    lease = running(ledger)
    numbers = iter(range(1, 100))
    said: list[str] = []

    def speaking(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def reading(asked: Any) -> Any:
            found = read(asked)
            said.append(f"{len(said)} ")
            say(ledger, lease, next(numbers), said[-1])
            return found

        return reading

    stream = OutputStream(ledger, lease.ref, lambda: True)
    monkeypatch.setattr(ledger, "head", speaking(ledger.head))
    monkeypatch.setattr(ledger, "job", speaking(ledger.job))
    record = stream.begin()
    monkeypatch.undo()
    end(ledger, lease)
    assert record is not None
    assert record.output + "".join(stream.rest()) == "".join(said) == "0 1 "


def test_a_gap_in_a_later_attempt_is_filled_from_that_attempt() -> None:
    """What the one before it printed does not count."""
    small = MemoryLedger(log_events=3)
    lease = running(small)
    say(small, lease, 1, "a longer first one\n")
    stream = OutputStream(small, lease.ref, lambda: True)
    assert stream.begin() is not None
    rest = stream.rest()
    assert small.lose(lease, "test") is not None
    claim = small.claim(lease.ref, worker="lab-7-1f", pid=8)
    assert claim is not None
    say(small, claim.lease, 1, "a")
    assert next(rest) == "a"
    for number in range(2, 8):
        say(small, claim.lease, number, "abcdefgh"[number - 1])
    assert next(rest) == "bcdefg"
    end(small, claim.lease)
    assert list(rest) == []


def test_a_stream_outlives_the_ledger_s_absence(
    ledger: FadingLedger, follow: Callable[..., Reader]
) -> None:
    """Nothing is lost or told twice."""
    lease = running(ledger)
    reader = follow(lease.ref.id)
    say(ledger, lease, 1, "before\n")
    wait_until(lambda: reader.text() == "before\n", 10)
    ledger.is_away = True
    wait_until(lambda: not reader.is_over(), 1)
    MemoryLedger.append(ledger, lease, 2, [OutputWritten(text="meanwhile\n")])
    assert not reader.is_over()
    ledger.is_away = False
    wait_until(lambda: reader.text() == "before\nmeanwhile\n", 10)
    end(ledger, lease)
    wait_until(reader.is_over, 10)
    assert reader.text() == "before\nmeanwhile\n"


def test_many_writers_and_many_readers_agree(ledger: FadingLedger) -> None:
    """Readers that begin at any moment see each character once: no gap between record and log."""
    lease = running(ledger)
    texts: list[str] = []

    def read() -> None:
        stream = OutputStream(ledger, lease.ref, lambda: True)
        record = stream.begin()
        assert record is not None
        texts.append(record.output + "".join(stream.rest()))

    readers = []
    for number in range(1, 400):
        if number % 10 == 0:
            readers.append(threading.Thread(target=read, daemon=True))
            readers[-1].start()
        say(ledger, lease, number, f"{number} ")
    end(ledger, lease)
    for reader in readers:
        reader.join(20)
    assert texts == ["".join(f"{number} " for number in range(1, 400))] * 39


@pytest.fixture
def narrow(ledger: FadingLedger, dispatch: RecordingDispatch) -> Flask:
    """A server that holds two connections."""
    settings = Settings(redis_url="redis://nowhere", token=TOKEN, max_sockets=2)
    return create_app(settings, ledger, dispatch)  # type: ignore[arg-type]


def test_streams_are_held_to_the_cap_of_sockets(
    narrow: Flask, ledger: FadingLedger, follow: Callable[..., Reader]
) -> None:
    """A further one is told to come again; who leaves makes room, whatever was the end."""
    http, lease = Http(narrow), running(ledger)
    id = lease.ref.id
    readers = [follow(id, http) for _ in range(2)]
    response = http.get(f"/jobs/{id}/output?follow")
    problem(response, 503, "unavailable")
    assert "Retry-After" in response.headers
    assert http.get(f"/jobs/{id}/output").status_code == 200
    for _ in range(5):  # what is refused, and HEAD, hold nothing
        assert http.ask("HEAD", f"/jobs/{id}/output?follow").status_code == 200
    end(ledger, lease)
    wait_until(lambda: all(reader.is_over() for reader in readers), 10)
    for _ in range(5):
        problem(http.get(f"/jobs/{'0' * 32}/output?follow"), 404, "job_not_found")
        wait_until(follow(id, http).is_over, 10)


@pytest.fixture
def quick_to_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have tokens looked up each time."""
    monkeypatch.setattr(auth_module, "TRUSTED_S", 0.0)


@pytest.mark.usefixtures("quick_to_notice")
def test_a_stream_ends_with_its_token(
    http: Http, app: Flask, ledger: FadingLedger, follow: Callable[..., Reader]
) -> None:
    """In a way that cannot be taken for the end of the job."""
    made = http.post("/tokens", {"user": "ana"}).json
    lease = running(ledger, owner="ana")
    reader = follow(lease.ref.id, Http(app, made["token"]))
    say(ledger, lease, 1, "hers\n")
    wait_until(lambda: reader.text() == "hers\n", 10)
    assert http.ask("DELETE", f"/tokens/{made['id']}").status_code == 204
    wait_until(reader.is_over, 10)
    assert isinstance(reader.error, ConnectionResetError)
    say(ledger, lease, 2, "later\n")
    assert reader.text() == "hers\n"


@pytest.mark.parametrize("query", ["", "?follow", "?follow=true"])
def test_another_s_output_is_not_there(http: Http, ledger: FadingLedger, query: str) -> None:
    """As if the job were nobody's."""
    for id in (running(ledger, owner="mallory").ref.id, "0" * 32, "x"):
        problem(http.get(f"/jobs/{id}/output{query}"), 404, "job_not_found")


def test_follow_is_yes_or_no(http: Http, ledger: FadingLedger) -> None:
    """Anything else is told."""
    id = succeeded(ledger, b"1").id
    problem(http.get(f"/jobs/{id}/output?follow=perhaps"), 422, "invalid_request")
    assert http.get(f"/jobs/{id}/output?follow=false").headers["ETag"]
