"""What a job writes is caught, in its order, whoever writes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from taskkit_worker import output as output_module
from taskkit_worker.output import OutputFile

SCRIPT = """
import ctypes, json, logging, os, subprocess, sys
from taskkit_worker.output import OutputFile, prepare_process
prepare_process()
out = OutputFile()
def take():
    taken = []
    while text := out.take(is_last=True):
        taken.append(text)
    return "".join(taken)
jobs = []
with out.capturing():
    print("printed")
    sys.stdout.write("no line end, ")
    sys.stdout.flush()
    os.write(1, b"written, ")
    subprocess.run(["sh", "-c", "printf 'a child, '; printf 'and its errors\\\\n' >&2"], check=True)
    ctypes.CDLL(None).puts(b"by C")
    ctypes.CDLL(None).fflush(None)
    print("to stderr", file=sys.stderr)
    logging.getLogger("lab.fit").info("logged %d", 7)
    logging.getLogger("celery").info("not the job's business")
    print("caf\\udce9 grüße")
jobs.append(take())
with out.capturing():
    sys.stdout = open(os.devnull, "w")
    sys.stderr = None
jobs.append(take())
with out.capturing():
    print("as if nothing had been")
    print("and here", file=sys.stderr)
    sys.stdout.close()
jobs.append(take())
with out.capturing():
    print("nor now")
jobs.append(take())
print("outside")
with open(sys.argv[1], "w") as file:
    json.dump(jobs, file)
"""


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What four jobs wrote, one after another in one process that was prepared for them."""
    path = tmp_path_factory.mktemp("output") / "jobs.json"
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path)], capture_output=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr.decode()
    assert ran.stdout == b"outside\n"
    found: list[str] = json.loads(path.read_text())
    return found


def test_everybodys_output_is_one_stream(jobs: list[str]) -> None:
    """Python's, that of C code, of child processes and of loggers, in the order of writing."""
    assert jobs[0].splitlines() == [
        "printed",
        "no line end, written, a child, and its errors",
        "by C",
        "to stderr",
        "INFO lab.fit: logged 7",
        "caf? grüße",
    ]


def test_a_job_that_spoils_its_streams_spoils_no_others(jobs: list[str]) -> None:
    """Whether it puts others in their place, or closes them."""
    assert jobs[1:] == ["", "as if nothing had been\nand here\n", "nor now\n"]


def whole(out: OutputFile) -> list[str]:
    """Return all that is left, as it is taken."""
    taken = []
    while text := out.take(is_last=True):
        taken.append(text)
    return taken


def test_output_is_taken_while_it_is_written() -> None:
    """Each part once; nothing is no part."""
    out = OutputFile()
    with out.capturing():
        assert out.take() == ""
        os.write(1, b"one ")
        assert out.take() == "one "
        os.write(2, b"two")
        assert out.take() == "two"
        assert out.take() == ""
    assert whole(out) == []


def test_letters_are_not_torn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A letter of several bytes that is split between two parts comes whole in the later one."""
    monkeypatch.setattr(output_module, "CHUNK_BYTES", 5)
    out, text = OutputFile(), "aä€🎉ß"
    with out.capturing():
        for n in range(len(text.encode())):
            os.write(1, text.encode()[n : n + 1])
    taken = whole(out)
    assert "".join(taken) == text
    assert len(taken) > 1


def test_bytes_that_are_no_letters_do_not_stop_it() -> None:
    """They are shown as such, also where the output ends in the midst of one."""
    out = OutputFile()
    with out.capturing():
        os.write(1, b"a\xffb\xe2\x82")
    assert "".join(whole(out)) == "a\ufffdb\ufffd"


def test_each_attempt_begins_anew() -> None:
    """What an earlier one left, or its children write later, is not of this one."""
    out = OutputFile()
    with out.capturing():
        stray = os.dup(1)
        os.write(1, b"first \xe2")
    with out.capturing():
        os.write(stray, b"late")
        os.write(1, b"second")
    os.close(stray)
    assert whole(out) == ["second"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> OutputFile:
    """An output whose limit is soon reached."""
    monkeypatch.setattr(output_module, "LIMIT_BYTES", 100)
    monkeypatch.setattr(output_module, "CHUNK_BYTES", 40)
    return OutputFile()


def test_output_beyond_the_limit_is_dropped_with_a_line_that_says_so(small: OutputFile) -> None:
    """Exactly that much is kept, and not more memory than that."""
    with small.capturing():
        os.write(1, b"x" * 500)
        taken = [small.take()]
        child = os.dup(1)
        os.write(1, b"y" * 500)
        taken += [small.take() for _ in range(5)]
    os.close(child)
    text = "".join(taken + whole(small))
    assert text == "x" * 100 + "\n[taskkit: output beyond 0 MiB is dropped]\n"
    assert os.fstat(small._fd).st_size == 100


def test_what_children_write_beyond_the_limit_is_cut_again(small: OutputFile) -> None:
    """They hold the file, not the descriptor that was pointed elsewhere."""
    with small.capturing():
        child = os.dup(1)
        for _ in range(3):
            os.write(child, b"x" * 500)
            small.take()
            assert os.fstat(small._fd).st_size == 100
    os.close(child)


def test_output_up_to_the_limit_is_all_there(small: OutputFile) -> None:
    """Without the line."""
    with small.capturing():
        os.write(1, b"x" * 100)
    assert "".join(whole(small)) == "x" * 100


def test_a_job_over_the_limit_leaves_the_process_its_streams(small: OutputFile) -> None:
    """Also where it is found out after the job has ended; the next job is caught again."""
    before = os.fstat(1).st_ino, os.fstat(2).st_ino
    for _ in range(2):
        with small.capturing():
            os.write(1, b"x" * 500)
        assert "is dropped" in "".join(whole(small))
        assert (os.fstat(1).st_ino, os.fstat(2).st_ino) == before


def test_no_descriptor_is_left_open() -> None:
    """However many jobs a process runs."""
    out = OutputFile()

    def count() -> int:
        with out.capturing():
            os.write(1, b"x")
        return len(list(Path("/proc/self/fd").iterdir()))

    first = count()
    assert [count() for _ in range(5)] == [first] * 5
