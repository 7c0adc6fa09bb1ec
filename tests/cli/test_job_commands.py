"""What a researcher asks of a real stack, from a terminal and from a script."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from held_jobs import Held, environment, steps
from terminals import TASKKIT, Terminal, piped
from waiting import wait_until

import taskkit
from taskkit.client import Client
from taskkit.protocol.wire import record_from_wire

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

LIMIT_S = 60

Env = dict[str, str]


def fails(path: str) -> str:
    """Read a file that is not there."""
    print("reading", path, flush=True)
    return Path(path).read_text()


def failed(client: Client, name: str) -> str:
    """Return the id of a job that failed."""
    job = client.options(name=name).submit(fails, "/no/such/file.csv")
    assert isinstance(job.exception(LIMIT_S), FileNotFoundError)
    return job.id


def test_jobs_are_listed_newest_first_and_fit_80_columns(client: Client, env: Env) -> None:
    """With sign, duration and, below the row of one that failed, why."""
    bad = failed(client, "listed")
    good = client.options(name="listed").submit(pow, 2, 10)
    good.result(LIMIT_S)
    terminal = Terminal("jobs", "--name", "listed", "--limit", "2", env=env)
    assert terminal.end() == 0
    _, head, rule, first, second, below, _ = terminal.lines()
    assert head.split()[:5] == ["id", "name", "state", "took", "submitted"]
    assert set(rule.strip()) == {"─"}
    assert first.split()[:4] == [good.id[:8], "listed", "✓", "succeeded"]
    assert second.split()[:4] == [bad[:8], "listed", "✗", "failed"]
    assert "╰ FileNotFoundError: [Errno 2] No such file" in below
    assert "\x1b[31m" in terminal.written


def test_a_pipe_gets_plain_lines_with_all_that_is_known(client: Client, env: Env) -> None:
    """No colour, nothing cut, a column for the worker."""
    failed(client, "piped")
    ran = piped("jobs", "--name", "piped", "--limit", "1", env=env)
    head, line = ran.stdout.splitlines()
    assert head.split()[-2:] == ["worker", "note"]
    assert line.endswith(
        "FileNotFoundError: [Errno 2] No such file or directory: '/no/such/file.csv'"
    )
    assert "\x1b" not in ran.stdout
    assert (ran.returncode, ran.stderr) == (0, "")


def test_json_is_a_record_a_line(client: Client, env: Env) -> None:
    """As the wire has them."""
    ids = [client.options(name="lines", session="s1").submit(pow, 2, n) for n in range(3)]
    wait_until(lambda: all(job.done() for job in ids))
    words = ("--json", "--state", "succeeded", "--session", "s1", "--since", "1h")
    ran = piped("jobs", *words, "--limit", "3", env=env)
    found = [record_from_wire(json.loads(line)) for line in ran.stdout.splitlines()]
    assert [record.id for record in found] == [job.id for job in ids[::-1]]
    assert piped("jobs", "--json", "--name", "nobody's", env=env).stdout == ""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("jobs", "--state", "lost"), "queued, running, succeeded"),
        (("jobs", "--since", "yesterday"), "is neither a time span"),
        (("wait", "abcd", "--timeout", "soon"), "is no time span"),
    ],
)
def test_what_cannot_be_asked_is_a_wrong_command_line(
    words: tuple[str, ...], told: str, env: Env
) -> None:
    """Exit code 2, and what there is instead."""
    ran = piped(*words, env=env)
    assert ran.returncode == 2
    assert told in " ".join(ran.stderr.replace("│", " ").split())


def test_one_job_is_told_whole(held: Held, client: Client, env: Env) -> None:
    """By the first digits of its id; how far it is, what it printed; as JSON, too."""
    terminal = Terminal("job", held.job.id[:10], env=env)
    assert terminal.end() == 0
    shown = "\n".join(terminal.lines())
    assert "◐ held  running for" in shown
    assert "50 %" in shown
    assert held.job.id in shown
    assert "│ step 5" in shown
    told = json.loads(piped("job", held.job.id, "--json", env=env).stdout)
    assert record_from_wire(told).id == held.job.id


def test_output_says_what_was_printed(held: Held, env: Env) -> None:
    """As far as it has come."""
    ran = piped("output", held.job.id[:8], env=env)
    assert ran.stdout == "".join(f"step {n}\n" for n in range(6))
    assert (ran.returncode, ran.stderr) == (0, "")


def long() -> None:
    """Print more than is kept."""
    for n in range(8000):
        print(f"line {n:04}")


def test_output_says_how_much_is_no_longer_kept(client: Client, env: Env) -> None:
    """On stderr, so that stdout is output alone; its first line is whole."""
    job = client.submit(long)
    job.result(LIMIT_S)
    ran = piped("output", job.id, env=env)
    lines = ran.stdout.splitlines()
    first = int(lines[0].removeprefix("line "))
    assert lines == [f"line {n:04}" for n in range(first, 8000)]
    assert ran.stderr == f"· {first * 10:,} characters before this are not kept any more\n"


def test_following_ends_with_the_job(held: Held, env: Env) -> None:
    """And its exit code is the job's."""
    terminal = Terminal("output", "--follow", held.job.id, env=env)
    terminal.until("step 5")
    held.release()
    assert terminal.end() == 0
    assert [line for line in terminal.lines() if line.startswith("step")] == [
        f"step {n}" for n in range(10)
    ]
    assert "· succeeded in" in terminal.text


def test_ctrl_c_ends_following_not_the_job(held: Held, env: Env) -> None:
    """Said so; the exit code is a shell's."""
    terminal = Terminal("output", "--follow", held.job.id, env=env)
    terminal.until("step 5")
    terminal.interrupt()
    assert terminal.end() == 130
    assert "· the job goes on" in terminal.text
    held.release()
    assert held.job.result(LIMIT_S) == "through"


def test_following_survives_a_killed_server(tmp_path: Path) -> None:
    """What the job prints while no server is there comes later, all of it once."""
    gate = tmp_path / "gate"
    with taskkit.LocalStack(workers=1) as own, own.client() as client:
        job = client.submit(steps, str(gate))
        wait_until(lambda: "step 5" in job.output)
        env = environment(own.url, own.token, tmp_path)
        words = [TASKKIT, "output", "-f", job.id[:8]]
        with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True) as following:
            assert following.stdout is not None
            first = [following.stdout.readline() for _ in range(6)]
            before = own.pids()["server"]
            os.kill(before, signal.SIGKILL)
            gate.touch()
            wait_until(lambda: own.pids().get("server", before) != before)
            rest = following.stdout.read()
            assert following.wait(LIMIT_S) == 0
    assert "".join(first) + rest == "".join(f"step {n}\n" for n in range(10))


def test_wait_says_how_jobs_ended(held: Held, client: Client, env: Env) -> None:
    """A line each; the exit code is the gravest outcome."""
    bad = failed(client, "waited for")
    late = piped("wait", held.job.id, "--timeout", "0.5", env=env)
    assert (late.returncode, late.stdout) == (4, "")
    terminal = Terminal("wait", held.job.id, bad, env=env)
    terminal.until("50 %")
    held.release()
    assert terminal.end() == 1
    told = [line for line in terminal.lines() if "succeeded" in line or "failed" in line]
    assert {line.split()[0] for line in told} == {held.job.id[:8], bad[:8]}
    assert "━" not in terminal.lines()[-1]
    assert piped("wait", held.job.id, env=env).returncode == 0


def test_ctrl_c_ends_waiting_not_the_job(held: Held, env: Env) -> None:
    """As with any wait of taskkit's."""
    terminal = Terminal("wait", held.job.id, env=env)
    terminal.until("50 %")
    terminal.interrupt()
    assert terminal.end() == 130
    assert "the job goes on" in terminal.text
    assert not held.job.done()


def test_cancel_and_retry_say_what_became_of_jobs(held: Held, client: Client, env: Env) -> None:
    """One that had ended stays as it was, which is no success of cancelling."""
    ran = piped("cancel", held.job.id[:8], env=env)
    assert (ran.returncode, ran.stdout.split()[:4]) == (
        0,
        [held.job.id[:8], "held", "⊘", "cancelled"],
    )
    held.release()
    again = json.loads(piped("retry", held.job.id, "--json", env=env).stdout)
    assert client.job(again["id"]).result(LIMIT_S) == "through"
    refused = piped("retry", again["id"], env=env)
    assert refused.returncode == 1
    assert refused.stderr == (
        f"taskkit: Job {again['id'][:8]} is succeeded: only one that failed or was cancelled is "
        "tried again.\n"
    )
    assert piped("cancel", again["id"], env=env).returncode == 1


def test_cancel_takes_dependents_with_it(held: Held, client: Client, env: Env) -> None:
    """Which would fail otherwise."""
    waiting = client.submit(str, held.job)
    waiting.wait_decided(LIMIT_S)
    assert piped("cancel", held.job.id, "--dependents", env=env).returncode == 0
    assert piped("wait", waiting.id, env=env).returncode == 3


def test_a_result_that_is_json_is_printed(client: Client, env: Env) -> None:
    """As it is into a pipe, laid out in a terminal."""
    job = client.submit(dict, a=[1, 2], b="ü")
    job.result(LIMIT_S)
    assert piped("result", job.id[:8], env=env).stdout == '{"a":[1,2],"b":"ü"}\n'
    terminal = Terminal("result", job.id, env=env)
    assert terminal.end() == 0
    assert json.loads(terminal.text) == {"a": [1, 2], "b": "ü"}
    assert '  "b": "ü"' in terminal.lines()


class Trap:
    """Notes in a file which process loads it."""

    def __init__(self, marks: str) -> None:
        self.marks = marks

    def __reduce__(self) -> tuple[object, ...]:
        note = f"open({self.marks!r}, 'a') as file: file.write(f'{{os.getpid()}}\\n')"
        return exec, (f"import os\nwith {note}",)

    def __repr__(self) -> str:
        return "<a trap>"


def test_a_result_that_is_a_pickle_is_described_and_never_loaded(
    client: Client, env: Env, tmp_path: Path
) -> None:
    """Its bytes can be had."""
    made = client.submit(complex, 1, 2)
    assert made.result(LIMIT_S) == 1 + 2j
    ran = piped("result", made.id, env=env)
    assert (ran.returncode, ran.stdout) == (5, "")
    assert "is a pickle of " in ran.stderr
    assert "((1+2j))" in ran.stderr
    file = tmp_path / "result.pickle"
    assert piped("result", made.id, "--output", str(file), env=env).returncode == 0
    assert pickle.loads(file.read_bytes()) == 1 + 2j
    marks = tmp_path / "marks"
    trap = client.submit(Trap, str(marks))
    trap.wait_final(LIMIT_S)
    assert marks.read_text() == f"{os.getpid()}\n"  # this client, which knows no better
    assert piped("wait", trap.id, env=env).returncode == 0
    assert piped("output", "-f", trap.id, env=env).returncode == 0
    assert "(<a trap>)" in piped("result", trap.id, env=env).stderr
    assert piped("result", trap.id, "-o", str(file), env=env).returncode == 0
    assert marks.read_text() == f"{os.getpid()}\n"


def test_a_result_that_is_not_there_is_told_by_the_exit_code(
    held: Held, client: Client, env: Env
) -> None:
    """1 failed, 4 not final, 5 no such job."""
    bad = failed(client, "without a result")
    for job, code, told in (
        (bad, 1, "failed: FileNotFoundError"),
        (held.job.id, 4, "is running; `taskkit wait"),
        ("ab" * 16, 5, "there is no job"),
    ):
        ran = piped("result", job, env=env)
        assert (ran.returncode, ran.stdout) == (code, "")
        assert told in ran.stderr
        assert ran.stderr.count("\n") == 1


def test_workers_are_listed(held: Held, env: Env) -> None:
    """With what they run."""
    terminal = Terminal("workers", env=env)
    assert terminal.end() == 0
    [line] = [line for line in terminal.lines() if held.job.id[:8] in line]
    assert "1 of 2" in line
    [told] = piped("workers", "--json", env=env).stdout.splitlines()
    assert held.job.id in json.loads(told)["jobs"]


def test_top_shows_what_runs_and_follows_it(held: Held, client: Client, env: Env) -> None:
    """On a screen of its own, of whatever size, which is left when it ends."""
    terminal = Terminal("top", env=env)
    terminal.until("50 %")
    frame = terminal.written.rsplit("\x1b[H", 1)[1]
    assert held.job.id[:8] in frame
    terminal.resize(60, 12)
    later = client.options(name="seen later").submit(steps, str(held.gate))
    later.wait_decided(LIMIT_S)
    terminal.until(later.id[:8])
    held.release()
    later.result(LIMIT_S)
    terminal.interrupt()
    assert terminal.end() == 0
    terminal.lines()
    assert terminal.written.startswith("\x1b[?1049h")
    assert "\x1b[?1049l" in terminal.written
    assert "\x1b[?25h" in terminal.written


def test_top_into_a_pipe_says_once_how_things_stand(held: Held, env: Env) -> None:
    """Without a code."""
    ran = piped("top", env=env)
    assert ran.returncode == 0
    assert "\x1b" not in ran.stdout
    assert held.job.id[:8] in ran.stdout
    assert "  running" in ran.stdout.splitlines()


COMMANDS = [
    ("jobs",),
    ("job", "abcd"),
    ("output", "abcd"),
    ("output", "-f", "abcd"),
    ("wait", "abcd"),
    ("result", "abcd"),
    ("cancel", "abcd"),
    ("retry", "abcd"),
    ("workers",),
    ("top",),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_without_a_stack_each_says_so_in_a_sentence(words: tuple[str, ...], tmp_path: Path) -> None:
    """And those whose exit code is a job's outcome tell it apart from that."""
    env = environment("", "", tmp_path)
    ran = piped(*words, env=env)
    assert ran.returncode == (5 if words[0] in ("output", "wait", "result") else 1)
    assert ran.stderr.startswith("taskkit: No running stack was found")
    assert (ran.stdout, ran.stderr.count("\n")) == ("", 1)


HIDDEN = ("flask", "celery", "redis", "supervisor", "psutil", "IPython", "ipywidgets", "numpy")


@pytest.mark.parametrize("words", [("jobs",), ("top",), ("output", "-f", "ID"), ("wait", "ID")])
def test_the_light_client_is_enough(words: tuple[str, ...], client: Client, env: Env) -> None:
    """No server, no worker and no notebook need be installed."""
    job = client.submit(pow, 2, 10)
    job.result(LIMIT_S)
    given = [job.id if word == "ID" else word for word in words]
    code = (
        f"import sys\nfor name in {HIDDEN!r}: sys.modules[name] = None\n"
        f"sys.argv = ['taskkit', *{given!r}]\nfrom taskkit.cli import main\nmain()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60
    )
    assert (ran.returncode, ran.stderr.count("Error")) == (0, 0), ran.stderr
