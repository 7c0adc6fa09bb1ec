"""A kept card's job is run again, and whether it comes to the same is told."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from terminals import Terminal, piped

import taskkit
from taskkit.client import Client, Job
from taskkit.provenance.bundle import read, write

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

LIMIT_S = 60

Env = dict[str, str]


def measured(path: str) -> list[object]:
    """Return what is in a file, and note that it was read."""
    with Path(f"{path}.read").open("a") as file:
        file.write("x")
    return ["a", float(Path(path).read_text())]


def fails(message: str) -> None:
    """Fail."""
    raise ValueError(message)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """What is measured."""
    path = tmp_path / "file"
    path.write_text("1.0")
    return path


@pytest.fixture
def kept(client: Client, file: Path, tmp_path: Path) -> Path:
    """The card of a measurement."""
    return keep(client.submit(measured, str(file)), tmp_path / "run.zip")


def keep(job: Job[object], path: Path) -> Path:
    """Keep the card of a job when it has ended."""
    job.wait_final(LIMIT_S)
    return job.card().save(path)


def reads(file: Path) -> int:
    """Return how often the file was measured."""
    return len(Path(f"{file}.read").read_text())


def rerun(path: Path, env: Env, *words: str) -> tuple[int, dict[str, object], str]:
    """Run it again on the shared stack; return the exit code, what it tells, and its errors."""
    ran = piped("rerun", str(path), "--url", env["TASKKIT_URL"], "--json", *words, env=env)
    return ran.returncode, json.loads(ran.stdout or "{}"), ran.stderr


def test_the_same_comes_about_on_a_stack_of_its_own(
    client: Client, kept: Path, file: Path, env: Env
) -> None:
    """Byte for byte; what ran is not seen on the stack that runs here."""
    before = {job.id for job in client.jobs()}
    ran = piped("rerun", str(kept), "--trust", env=env)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "the same, byte for byte" in ran.stdout
    assert reads(file) == 2
    assert {job.id for job in client.jobs()} == before


def test_another_result_is_told_with_where_it_differs(kept: Path, file: Path, env: Env) -> None:
    """The exit code says it, too."""
    file.write_text("2.0")
    code, told, _ = rerun(kept, env, "--trust")
    assert code == 1
    assert (told["verdict"], told["is_same"]) == ("other", False)
    assert told["why"] == "result[1]: 1.0 became 2.0"
    assert told["difference"] == 0.5


def test_numbers_may_differ_within_a_tolerance(kept: Path, file: Path, env: Env) -> None:
    """As large as is asked for; none at all is exact."""
    file.write_text("1.00000000001")
    assert rerun(kept, env, "--trust")[:1] == (0,)
    code, told, _ = rerun(kept, env, "--trust", "--rtol", "0")
    assert (code, told["verdict"]) == (1, "other")
    code, told, _ = rerun(kept, env, "--trust", "--rtol", "0", "--atol", "1e-6")
    assert (code, told["verdict"]) == (0, "close")


def test_code_is_not_run_unless_somebody_says_so(kept: Path, file: Path, env: Env) -> None:
    """In a pipe there is nobody to ask; in a terminal the answer counts."""
    code, told, errors = rerun(kept, env)
    assert (code, told) == (5, {})
    assert "a pickle can do whatever a program can" in errors
    assert "--trust" in errors
    terminal = Terminal("rerun", str(kept), "--url", env["TASKKIT_URL"], env=env)
    terminal.until("Run it? [y/N]")
    terminal.type("n\n")
    assert terminal.end() == 5
    assert reads(file) == 1
    again = Terminal("rerun", str(kept), "--url", env["TASKKIT_URL"], env=env)
    again.until("Run it? [y/N]")
    again.type("y\n")
    assert again.end() == 0
    assert "def measured" in again.written
    assert reads(file) == 2


def test_a_card_whose_parts_were_changed_is_not_run(
    client: Client, kept: Path, file: Path, env: Env, tmp_path: Path
) -> None:
    """Neither another function beside it, nor one that the card itself does not speak of."""
    facts, parts = read(kept)
    evil = read(keep(client.submit(fails, str(file)), tmp_path / "evil.zip")).parts
    other = read(keep(client.submit(measured, "/no/such"), tmp_path / "other.zip")).parts
    changed = [
        write(tmp_path / "function.zip", facts, replace(parts, function=evil.function)),
        write(tmp_path / "arguments.zip", facts, replace(parts, arguments=other.arguments)),
        write(tmp_path / "result.zip", facts, replace(parts, result=b"[]")),
        tmp_path / "folder",
    ]
    shutil.unpack_archive(kept, changed[-1])
    (changed[-1] / "arguments.pickle").write_bytes(other.arguments or b"")
    for path in changed:
        code, _, errors = rerun(path, env, "--trust")
        assert code == 5, path
        assert "digest" in errors
    assert reads(file) == 1


def test_a_named_task_is_run_without_being_trusted(
    client: Client, env: Env, tmp_path: Path
) -> None:
    """It brings no code: JSON, and the name of what is installed."""
    job = client.task.ising(size=8, sweeps=200, seed=5)
    path = keep(job, tmp_path / "run.json")
    code, told, errors = rerun(path, env)
    assert code == 0, errors
    assert told["verdict"] == "same"


def test_a_failure_is_repeated_too(client: Client, env: Env, tmp_path: Path) -> None:
    """With the same words it is the same."""
    path = keep(client.submit(fails, "at step 7"), tmp_path / "bad.json")
    code, told, _ = rerun(path, env, "--trust")
    assert (code, told["verdict"]) == (0, "equal")
    assert told["why"] == "it failed as before: ValueError: at step 7"


def sleep(seconds: float) -> float:
    """Take a while."""
    import time

    time.sleep(seconds)
    return seconds


def test_a_rerun_that_takes_too_long_is_cancelled(client: Client, env: Env, tmp_path: Path) -> None:
    """And whether it would have been the same is not known."""
    job = client.submit(sleep, 600.0)
    assert job.id
    job.cancel()
    path = keep(job, tmp_path / "long.json")
    code, _, errors = rerun(path, env, "--trust", "--timeout", "1")
    assert code == 4
    assert "cancelled" in errors
    again = client.jobs("rerun of sleep", limit=1)[0]
    again.wait_final(LIMIT_S)
    assert again.cancelled()


def test_items_of_maps_jobs_results_and_large_arrays_are_repeated(
    client: Client, env: Env, tmp_path: Path
) -> None:
    """Each from what its card brings alone."""
    batch = client.map(abs, range(-100, 0), chunksize=50)
    assert batch[70] == 30
    array = np.arange(100_000.0)
    doubled = client.submit(np.multiply, array, 2)
    total = client.submit(np.sum, doubled)
    total.result(LIMIT_S)
    for name, card in (
        ("item", batch.card(70)),
        ("doubled", doubled.card()),
        ("total", total.card()),
    ):
        code, told, errors = rerun(card.save(tmp_path / f"{name}.zip"), env, "--trust")
        assert (code, told.get("verdict")) == (0, "same"), (name, told.get("why"), errors)


def test_a_card_without_what_the_job_was_made_of_says_how_to_keep_it(
    client: Client, kept: Path, env: Env, tmp_path: Path
) -> None:
    """As one that is printed; and one that is of another Python says which."""
    bare = tmp_path / "bare.json"
    bare.write_text(client.jobs("measured", limit=1)[0].card().to_json())
    code, _, errors = rerun(bare, env, "--trust")
    assert code == 5
    assert "card.save('run.zip')" in errors
    bundle = read(kept)
    code_of = {**bundle.facts["code"], "python": "3.1"}
    old = write(tmp_path / "old.zip", {**bundle.facts, "code": code_of}, bundle.parts)
    for words in ((), ("--url", env["TASKKIT_URL"])):
        ran = piped("rerun", str(old), "--trust", *words, env=env)
        assert ran.returncode == 5
        assert "3.1" in ran.stderr


def test_a_card_is_printed_and_kept(client: Client, env: Env, tmp_path: Path) -> None:
    """By the first digits of the job's id; what is there is not written over."""
    job = client.submit(fails, "no")
    job.wait_final(LIMIT_S)
    printed = piped("card", job.id[:12], env=env)
    assert json.loads(printed.stdout)["job"]["id"] == job.id
    path = tmp_path / "run"
    assert piped("card", job.id, "-o", str(path), env=env).returncode == 0
    assert read(path).parts.function is not None
    again = piped("card", job.id, "-o", str(path), env=env)
    assert again.returncode == 1
    assert "there already" in again.stderr


def test_a_token_is_not_sent_to_another_address(
    stack: taskkit.LocalStack, kept: Path, env: Env
) -> None:
    """What opens the server that is configured is not told to the one that is named."""
    elsewhere = {**env, "TASKKIT_URL": "http://127.0.0.1:9", "TASKKIT_TOKEN": "of-another"}
    ran = piped("rerun", str(kept), "--trust", "--url", stack.url, "--json", env=elsewhere)
    # This stack is open to this machine without a token, and refuses a wrong one.
    assert ran.returncode == 0, ran.stderr
