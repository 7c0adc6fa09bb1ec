"""How a result came about is told of every kind of job, on a real stack, then and later."""

from __future__ import annotations

import json
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from waiting import wait_until

import taskkit
from taskkit.client import Client
from taskkit.protocol.spec import KEPT_ARGUMENTS_BYTES
from taskkit.provenance.bundle import read
from taskkit.travel.stamps import bare_pickle

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

LIMIT_S = 60


@pytest.fixture
def client(stack: taskkit.LocalStack) -> Iterator[Client]:
    """A client of the shared stack."""
    with stack.client() as made:
        yield made


def fit(x: float, seed: int = 0, api_key: str = "") -> float:
    """Draw a number, and say something."""
    import numpy

    print("fitting")
    return float(numpy.random.default_rng(seed).normal() * x)


def test_a_function_s_card_says_what_ran_where_on_what(client: Client, tmp_path: Path) -> None:
    """By digests that hold of the parts it is kept with; a secret is not shown."""
    job = client.options(name="a fit").submit(fit, 2.0, seed=3, api_key="hush-hush")
    value = job.result(LIMIT_S)
    card = job.card()
    assert card["job"]["title"] == "a fit"
    assert card["code"]["qualname"] == "fit"
    assert 'print("fitting")' in card["code"]["source"]
    items = {one["name"]: one["preview"] for one in card["arguments"]["items"]}
    assert items == {"x": "2.0", "seed": "3", "api_key": "…"}
    assert card["seed"] == {"seed": 3}
    assert card["environment"]["packages"]["numpy"] == np.__version__
    assert card["output"]["tail"] == "fitting\n"
    assert [(one["attempt"], one["end"]) for one in card["attempts"]] == [(1, "succeeded")]
    assert card["attempts"][0]["worker"] == job.record.worker
    assert card.unknown == []
    assert "hush-hush" not in card.to_json() + card._repr_html_()
    parts = read(card.save(tmp_path / "run.zip")).parts
    assert parts.function is not None
    assert parts.arguments is not None
    assert sha256(parts.function).hexdigest() == card["code"]["sha256"]
    assert sha256(bare_pickle(parts.function)).hexdigest() == card["code"]["pickle_sha256"]
    assert sha256(parts.arguments).hexdigest() == card["arguments"]["sha256"]
    assert json.loads(parts.result or b"") == value
    assert sha256(parts.result or b"").hexdigest() == card["result"]["sha256"]


def test_a_default_seed_is_a_seed(client: Client) -> None:
    """A task that draws without one says that nobody seeded it."""
    job = client.submit(fit, 2.0)
    job.result(LIMIT_S)
    assert job.card()["seed"] == {"seed": 0}
    other = client.submit(abs, -1)
    other.result(LIMIT_S)
    assert [one for one in other.card().unknown if one.startswith("seed:")]


def test_a_named_task_s_card_has_its_module_and_version(client: Client) -> None:
    """As the worker has it that ran it."""
    job = client.task.ising(size=8, sweeps=200, seed=5)
    job.result(LIMIT_S)
    card = job.card()
    assert card["code"]["form"] == "named task"
    assert card["code"]["module"] == "taskkit_worker.tasks.ising"
    assert card["code"]["version"] == card["card"]["taskkit"]
    assert card["arguments"]["value"] == {"size": 8, "sweeps": 200, "seed": 5}
    assert card["seed"] == {"seed": 5}
    assert card.unknown == []


def fail() -> None:
    """Fail."""
    raise ValueError("at step 7")


def test_a_job_that_failed_or_was_cancelled_has_a_card(client: Client, tmp_path: Path) -> None:
    """Which says why there is no result, and what is not known."""
    bad = client.submit(fail)
    bad.exception(LIMIT_S)
    card = bad.card()
    assert (card["error"]["type"], card["error"]["message"]) == ("ValueError", "at step 7")
    assert card["environment"]["python"]
    assert card["result"] is None
    parts = read(card.save(tmp_path / "bad.json")).parts
    assert (parts.result, parts.missing) == (None, ())
    job = client.submit(time.sleep, 600)
    wait_until(job.running)
    job.cancel()
    cancelled = job.card()
    assert cancelled["job"]["state"] == "cancelled"
    assert any("environment: the job was cancelled" in one for one in cancelled.unknown)
    assert read(cancelled.save(tmp_path / "cancelled")).parts.arguments is not None


def test_attempts_that_were_lost_are_told(client: Client, tmp_path: Path) -> None:
    """With what ended them; the environment is that of the last."""

    def die_once(marker: Path) -> str:
        import os

        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return "alive"

    job = client.submit(die_once, tmp_path / "marker")
    assert job.result(LIMIT_S) == "alive"
    card = job.card()
    assert [one["end"] for one in card["attempts"]] == ["lost", "succeeded"]
    assert "SIGKILL" in card["attempts"][0]["cause"]
    assert card["environment"]["python"]


def test_an_item_of_a_map_has_a_card_of_its_own(client: Client, tmp_path: Path) -> None:
    """Though many share a job: its own call, result and error."""

    def half(n: int) -> float:
        if n == 60:
            raise ValueError("sixty")
        return n / 2

    batch = client.map(half, range(200), chunksize=50)
    wait_until(batch.done, LIMIT_S)
    card = batch.card(151)
    assert card["item"] == {"index": 151, "of": 200, "place": 1}
    assert [one["preview"] for one in card["arguments"]["items"]] == ["151"]
    assert card["result"]["preview"] == "75.5"
    parts = read(card.save(tmp_path / "item.zip")).parts
    assert pickle.loads(parts.arguments or b"") == ((151,), {})
    assert parts.result == b"75.5"
    bad = batch.card(60)
    assert (bad["error"]["message"], bad["result"]) == ("sixty", None)
    assert batch.card(-1)["item"]["index"] == 199
    assert batch.jobs[0].card()["arguments"]["calls"] == 50
    single = client.map(half, [8, 9], chunksize=1)
    wait_until(single.done, LIMIT_S)
    assert single.card(1)["item"] == {"index": 1, "of": 2, "place": None}
    assert [one["preview"] for one in single.card(1)["arguments"]["items"]] == ["9"]


def test_what_is_large_or_another_job_s_result_is_kept_with_a_card(
    client: Client, tmp_path: Path
) -> None:
    """Blobs under their digests; the results of jobs in their places."""
    array = np.arange(100_000.0)
    total = client.submit(np.sum, array)
    both = client.submit(lambda pair, scale: (pair[0] + 1, scale), (total, 2), 3)
    assert both.result(LIMIT_S) == (float(array.sum()) + 1, 3)
    card = both.card()
    first = card["arguments"]["items"][0]
    assert total.id in first["preview"]
    assert card["job"]["after"] == [total.id]
    parts = read(card.save(tmp_path / "both.zip")).parts
    assert parts.is_resolved
    assert pickle.loads(parts.arguments or b"") == (((array.sum(), 2), 3), {})
    large = total.card()
    [blob] = large["arguments"]["blobs"]
    kept = read(large.save(tmp_path / "total")).parts
    assert bytes(kept.blobs[blob["blake3"]]) == array.tobytes()


def test_arguments_that_are_not_kept_are_had_where_they_were_sent(
    client: Client, stack: taskkit.LocalStack, tmp_path: Path
) -> None:
    """Small ones everywhere; larger ones of a job that succeeded by the kernel that has it."""
    numbers = list(range(KEPT_ARGUMENTS_BYTES))
    job = client.submit(sum, numbers)
    job.result(LIMIT_S)
    card = job.card()
    assert read(card.save(tmp_path / "here.zip")).parts.arguments is not None
    with stack.client() as other:
        later = other.job(job.id).card()
        assert later["arguments"]["is_kept"] is False
        assert later["arguments"]["sha256"] == card["arguments"]["sha256"]
        assert any(one.startswith("arguments: the job has succeeded") for one in later.unknown)
        parts = read(later.save(tmp_path / "later.zip")).parts
        assert parts.arguments is None
        assert "arguments" in parts.missing[0]
        small = client.submit(sum, [1, 2])
        small.result(LIMIT_S)
        found = other.job(small.id).card()
        assert found["arguments"]["items"][0]["preview"] == "[1, 2]"


def test_a_card_outlives_its_kernel(stack: taskkit.LocalStack, client: Client) -> None:
    """Whoever asks for the job finds what the kernel said of its function."""
    code = (
        "import sys, taskkit\n"
        "def cube(x, seed=1):\n    return x ** 3\n"
        f"client = taskkit.Client({stack.url!r}, {stack.token!r})\n"
        "job = client.submit(cube, 3)\njob.result(60)\nprint(job.id)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=LIMIT_S, check=True
    )
    card = client.job(ran.stdout.strip()).card()
    assert card["code"]["qualname"] == "cube"
    assert card["code"]["client"]["python"] == card["environment"]["python"]
    assert card["arguments"]["items"][0]["preview"] == "3"


def test_arguments_that_cannot_be_read_here_are_told_by_their_digest(client: Client) -> None:
    """They may need what only the worker has."""

    class Gone:
        def __reduce__(self) -> tuple[Any, ...]:
            return __import__, ("a_module_of_nobody",)

    job = client.submit(len, [Gone()])
    assert isinstance(job.exception(LIMIT_S), ModuleNotFoundError)
    card = job.card()
    assert any("cannot be read here (ModuleNotFoundError" in one for one in card.unknown)
    assert len(card["arguments"]["sha256"]) == 64


def test_a_card_is_small(client: Client) -> None:
    """Of a job that prints, fails in depth and has a long source."""

    def long(text: str) -> str:
        print(text)
        return text

    job = client.submit(long, "x" * 100_000)
    job.result(LIMIT_S)
    assert len(job.card().to_json()) < 20_000


def test_a_client_that_is_told_of_nothing_says_so(client: Client) -> None:
    """Of a job that nobody keeps there is no card."""
    with pytest.raises(taskkit.RequestError, match="no job"):
        client.job("0" * 32).card()


def test_a_saved_notebook_shows_how_its_job_came_about(stack: taskkit.LocalStack) -> None:
    """Folded below the panel, with no kernel and no server."""
    cells = (
        f"import taskkit\nclient = taskkit.Client({stack.url!r}, {stack.token!r})\n"
        "def fit(x, seed=0):\n    return x * seed",
        "job = client.submit(fit, 2, seed=21)\njob",
        "from taskkit.panels.flush import FLUSHER\nimport time\n"
        "assert job.result(60) == 42\n"
        "until = time.monotonic() + 60\n"
        "while not FLUSHER.is_idle() and time.monotonic() < until: time.sleep(0.05)",
        "job.card()",
    )
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(book, timeout=120, kernel_name="python3").execute()
    shown = [
        "".join(str(one.get("data", {}).get("text/html", "")) for one in cell["outputs"])
        for cell in book.cells
    ]
    for html in (shown[1], shown[3]):
        assert "How fit came about" in html
        assert "seed = 21" in html
        assert "def fit(x, seed=0):" in html
        assert "taskkit-notebook" in html
    assert "succeeded" in shown[1]
    assert stack.token not in "".join(shown)
