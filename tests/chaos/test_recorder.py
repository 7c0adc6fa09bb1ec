"""What is noted is read back typed, whoever else writes the same file."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from chaos.facts import (
    FACTS,
    Abandoned,
    Accepted,
    Began,
    CaughtUp,
    Fact,
    FaultBegan,
    FaultEnded,
    Finished,
    Forgotten,
    GapTold,
    Held,
    Kept,
    Left,
    Logged,
    Ran,
    Received,
    Trimmed,
)
from chaos.recorder import Recorder, read

EXAMPLES: tuple[Fact, ...] = (
    Accepted(key="k", job="j"),
    Began(epoch="e", seq=3),
    Received(epoch="e", seq=4, type="worker_joined"),
    GapTold(epoch="e", seq=9),
    CaughtUp(epoch="e"),
    Finished(job="j", state="succeeded", value={"t": [1, None, "€\n"]}),
    Forgotten(job="j"),
    Ran(job="j", attempt=1, pid=7, step="begin"),
    Logged(owner="ada", epoch="e", seq=4, type="attempt_started", job="j", attempt=1),
    Trimmed(owner="ada", epoch="e", first_seq=4),
    Kept(owner="ada", job="j", state="succeeded", attempt=1),
    Abandoned(epoch="e"),
    Left(),
    Held(part="server", pid=7, when="before", rss_bytes=2**20, files=9),
    FaultBegan(name="reset"),
    FaultEnded(name="reset"),
)

WRITER = """
import sys
from pathlib import Path
from chaos.facts import Ran
from chaos.recorder import Recorder
with Recorder(Path(sys.argv[1])) as recorder:
    for n in range(200):
        recorder.note("job", Ran(job="x" * 300, attempt=n, pid=int(sys.argv[2]), step="begin"))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the facts go."""
    return tmp_path / "facts.jsonl"


def test_every_kind_of_fact_has_an_example() -> None:
    """So the next test shows them all."""
    assert {type(fact) for fact in EXAMPLES} == set(FACTS.values())


def test_facts_come_back_as_they_were(path: Path) -> None:
    """Typed, in order, with witness and time."""
    began = time.monotonic()
    with Recorder(path) as recorder:
        for fact in EXAMPLES:
            recorder.note("client-3", fact)
    entries = read(path)
    assert tuple(entry.fact for entry in entries) == EXAMPLES
    assert {entry.who for entry in entries} == {"client-3"}
    times = [entry.t for entry in entries]
    assert times == sorted(times)
    assert began - 1e-6 <= times[0] <= times[-1] <= time.monotonic() + 1e-6


def test_a_line_reads_as_documented(path: Path) -> None:
    """Time, witness, kind, fields."""
    with Recorder(path) as recorder:
        recorder.note("client-3", Accepted(key="k", job="j"))
    t = read(path)[0].t
    line = '{"t": %.6f, "who": "client-3", "fact": "Accepted", "key": "k", "job": "j"}\n'
    assert path.read_text() == line % t


def test_a_value_that_is_not_json_is_noted_as_its_repr(path: Path) -> None:
    """A done callback must not lose its fact over what it was given."""
    with Recorder(path) as recorder:
        recorder.note("client-3", Finished(job="j", state="succeeded", value={1 + 2j}))
    assert read(path)[0].fact == Finished(job="j", state="succeeded", value="{(1+2j)}")


def test_a_fact_is_in_the_file_when_note_returns(path: Path) -> None:
    """Whatever becomes of the process."""
    with Recorder(path) as recorder:
        recorder.note("fault", FaultBegan(name="reset"))
        assert len(read(path)) == 1


def test_a_file_is_continued(path: Path) -> None:
    """A second recorder appends."""
    for name in ("one", "two"):
        with Recorder(path) as recorder:
            recorder.note("fault", FaultBegan(name=name))
    assert [entry.fact for entry in read(path)] == [
        FaultBegan(name="one"),
        FaultBegan(name="two"),
    ]


def test_no_facts_are_no_entries(path: Path) -> None:
    """An empty file is a record."""
    Recorder(path).close()
    assert read(path) == []


def test_half_a_last_line_is_skipped(path: Path) -> None:
    """At whichever byte its writer died; with its newline it is a fact."""
    with Recorder(path) as recorder:
        recorder.note("fault", FaultBegan(name="first"))
        whole = path.read_bytes()
        recorder.note("job", Ran(job="j", attempt=1, pid=7, step="end"))
    both = path.read_bytes()
    for size in range(len(whole), len(both)):
        path.write_bytes(both[:size])
        assert [entry.fact for entry in read(path)] == [FaultBegan(name="first")]
    path.write_bytes(both)
    assert len(read(path)) == 2


def test_half_a_line_inside_costs_only_itself(path: Path) -> None:
    """Another process appended to what a killed one had begun."""
    with Recorder(path) as recorder:
        recorder.note("job", Ran(job="j", attempt=1, pid=7, step="end"))
        half = path.read_bytes()[:-10]
        path.write_bytes(half)
        recorder.note("fault", FaultEnded(name="kill"))
    assert path.read_bytes().startswith(half)
    assert [entry.fact for entry in read(path)] == [FaultEnded(name="kill")]


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[]",
        '{"t": 1.0, "who": "job"}',
        '{"t": 1.0, "who": "job", "fact": "Unheard"}',
        '{"t": 1.0, "who": "job", "fact": "Ran", "job": "j"}',
        '{"t": 1.0, "who": "job", "fact": "FaultBegan", "name": "n", "more": 1}',
    ],
)
def test_a_line_that_is_no_fact_is_named(path: Path, line: str) -> None:
    """A record that cannot be judged whole is not judged."""
    with Recorder(path) as recorder:
        recorder.note("fault", FaultBegan(name="first"))
    with path.open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(ValueError, match=r"facts\.jsonl:2 is no fact"):
        read(path)


def test_threads_share_a_recorder(path: Path) -> None:
    """All lines are whole, and their times never go back."""
    with Recorder(path) as recorder:

        def note(pid: int) -> None:
            for n in range(200):
                recorder.note("job", Ran(job="j", attempt=n, pid=pid, step="begin"))

        threads = [threading.Thread(target=note, args=(pid,)) for pid in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    entries = read(path)
    assert len(entries) == 800
    assert [entry.t for entry in entries] == sorted(entry.t for entry in entries)


def test_processes_share_a_file(path: Path) -> None:
    """Each line is one write at the file's end: none is mixed with another, none overtakes."""
    tests = str(Path(__file__).parents[1])
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, path, str(pid)], cwd=tests)
        for pid in range(2)
    ]
    assert [writer.wait(10) for writer in writers] == [0, 0]
    facts = [entry.fact for entry in read(path)]
    assert Counter(fact.pid for fact in facts if isinstance(fact, Ran)) == {0: 200, 1: 200}
    for pid in range(2):
        mine = [fact.attempt for fact in facts if isinstance(fact, Ran) and fact.pid == pid]
        assert mine == list(range(200))
