"""What cells of a kernel say reaches the job: the latest, all that is reported, and no more."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import taskkit
from taskkit.inside import relay
from taskkit.inside.place import place
from taskkit.inside.say import say
from taskkit.protocol.events import OutputWritten


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The job's end; this process is the kernel, which says nothing by itself."""
    for name in ("listener", "progress", "pid", "is_kernel"):
        monkeypatch.setattr(place, name, getattr(place, name))
    monkeypatch.setattr(relay.Relay, "start", lambda self: None)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "said"))
        end.settimeout(20)
        relay.begin(str(tmp_path / "said"))
        yield end


def flush() -> None:
    """Do what the kernel's thread does ten times a second."""
    assert isinstance(place.listener, relay.Relay)
    place.listener.flush()


def heard(line: socket.socket) -> Any:
    """Return what has come."""
    return json.loads(line.recv(2**20))


def is_silent(line: socket.socket) -> bool:
    """Return whether nothing has come."""
    before = line.gettimeout()
    line.setblocking(False)
    try:
        line.recv(1)
    except BlockingIOError:
        return True
    finally:
        line.settimeout(before)
    return False


def test_the_latest_progress_and_all_points_go_in_one(line: socket.socket) -> None:
    """And once: what does not change is not said again."""
    for n in range(5):
        taskkit.progress(n, 10, "fitting")
        taskkit.report(loss=1 / (n + 1), step=n)
    flush()
    said = heard(line)
    assert said["progress"] == [4, 10, "fitting"]
    assert said["points"] == [[{"loss": 1 / (n + 1)}, n] for n in range(5)]
    flush()
    assert is_silent(line)


def test_facts_go_in_their_order_and_once(line: socket.socket) -> None:
    """What verbs stand on that say a kind of event; of more than may wait the latest."""
    for n in range(relay.MOST_FACTS + 2):
        say(OutputWritten(text=f"{n}"))
    flush()
    facts = heard(line)["facts"]
    assert len(facts) == relay.MOST_FACTS
    assert facts[0] == ["output_written", '{"text":"2"}']
    assert facts[-1] == ["output_written", f'{{"text":"{relay.MOST_FACTS + 1}"}}']
    flush()
    assert is_silent(line)


def test_points_of_a_hot_loop_are_thinned_out(line: socket.socket) -> None:
    """Evenly, from the first on."""
    for n in range(100_000):
        taskkit.report(loss=float(n))
    flush()
    points = [values["loss"] for values, _ in heard(line)["points"]]
    assert 100 < len(points) <= relay.MOST_POINTS
    assert points[0] == 0
    assert len({after - before for before, after in pairwise(points)}) == 1


def test_what_is_no_number_or_text_breaks_nothing(line: socket.socket) -> None:
    """It is a cell's slip, and not worth its end."""

    class Sly:
        def __str__(self) -> str:
            raise RuntimeError

    taskkit.progress("many", object(), Sly())  # type: ignore[arg-type]
    flush()
    assert heard(line)["progress"] == [None, None, ""]


def test_what_cannot_be_sent_now_is_sent_with_the_next(line: socket.socket) -> None:
    """As long as the job's process is busy, the kernel neither waits nor loses a point."""
    sent = 0
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
        filler.setblocking(False)
        filler.connect(line.getsockname())
        while True:
            try:
                filler.send(b"{}")
                sent += 1
            except BlockingIOError:
                break
    taskkit.report(loss=1.0)
    flush()
    for _ in range(sent):
        assert heard(line) == {}
    assert is_silent(line)
    taskkit.report(loss=2.0)
    flush()
    assert [values["loss"] for values, _ in heard(line)["points"]] == [1.0, 2.0]


def test_a_kernel_whose_job_is_gone_goes_on(line: socket.socket) -> None:
    """Until the guard ends it."""
    line.close()
    taskkit.progress(1, 2)
    flush()


def test_a_forked_process_says_nothing(line: socket.socket) -> None:
    """Its numbers would be mixed with the cell's own."""
    pid = os.fork()
    if pid == 0:
        taskkit.progress(9, 10)
        flush()
        os._exit(0)
    os.waitpid(pid, 0)
    assert is_silent(line)


def test_what_a_kernel_displays_is_its_cells(
    line: socket.socket, capsys: pytest.CaptureFixture[str]
) -> None:
    """As outside of jobs: it is in the notebook, which is the job's result."""
    taskkit.display([1, 2])
    assert capsys.readouterr().out == "[1, 2]\n"
    flush()
    assert is_silent(line)
