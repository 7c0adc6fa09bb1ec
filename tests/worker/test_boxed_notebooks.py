"""What a box holds back from a job, it holds back from the kernel of its notebook."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from boxing import Bench, boxed
from notebook_nodes import notebook
from waiting import wait_until

from taskkit.client.notebooks import _OnWorker
from taskkit.notebooks.executed import ExecutedNotebook
from taskkit.protocol.jobs import JobState
from taskkit_worker.box.boxes import Boxes, open_boxes
from taskkit_worker.settings import Settings

sys.path.append(str(Path(__file__).parents[1] / "notebook_jobs"))

pytestmark = [boxed(), pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def boxes() -> Iterator[Boxes]:
    """What a worker has for boxes without a network."""
    told = Settings(redis_url="redis://nowhere", sandbox="box", sandbox_network=False)
    with closing(open_boxes(told, [])) as opened:
        yield opened


@pytest.fixture
def bench(boxes: Boxes, tmp_path: Path) -> Bench:
    """One whose jobs are boxed."""
    return Bench(lambda ledger, blobs: boxes.performer(ledger, blobs), tmp_path)  # type: ignore[arg-type]


def sent(*sources: str, **files: bytes) -> Any:
    """Return what a client ships to have these cells run."""
    node = json.dumps(notebook(*sources)).encode()
    return partial(_OnWorker("study.ipynb"), name="study.ipynb", notebook=node, files=files)


def test_a_kernel_in_a_box_has_what_the_box_has(bench: Bench, tmp_path: Path) -> None:
    """Its own folder with the files that came along, no network, no variables, no other process."""
    secret = tmp_path / "secret"
    secret.write_text("")
    os.environ["LAB_SECRET"] = "x"
    cells = sent(
        "open('data').read()",
        f"import os; os.path.exists({str(secret)!r}), 'LAB_SECRET' in os.environ",
        "import psutil; sorted(psutil.net_if_addrs()), len(psutil.pids()) < 12",
        "import subprocess; subprocess.run(['touch', '/etc/x', '/usr/x'], "
        "stderr=subprocess.DEVNULL).returncode",
        "import taskkit; taskkit.progress(1, 2); print('said')",
        data=b"sent",
    )
    record = bench.run(cells)
    assert record.state is JobState.SUCCEEDED, record.error
    done = bench.value(record)
    assert isinstance(done, ExecutedNotebook)
    shown = [out["data"]["text/plain"] for out in done.outputs if "data" in out]
    assert shown == ["'sent'", "(False, False)", "(['lo'], True)", "1"]
    assert record.output == "said\n"


def test_a_kernel_that_dies_in_a_box_is_told_as_elsewhere(bench: Bench) -> None:
    """By its cell, with what was executed."""
    record = bench.run(sent("print('one')", "import os; os._exit(3)"))
    assert record.error is not None
    assert "the kernel died in cell 2 of 2 of study.ipynb" in record.error.message
    failed = bench.value(record)
    assert failed.notebook.outputs[0]["text"] == "one\n"


def test_a_kernel_has_so_much_cpu_time_as_a_box(tmp_path: Path) -> None:
    """Then the job's time is over, and what was executed is there."""
    told = Settings(redis_url="redis://nowhere", sandbox="box", sandbox_cpu_s=4)
    with closing(open_boxes(told, [])) as boxes:
        bench = Bench(lambda ledger, blobs: boxes.performer(ledger, blobs), tmp_path)  # type: ignore[arg-type]
        record = bench.run(sent("print('one')", "while True: pass"))
    assert record.error is not None
    assert record.error.type == "taskkit.JobTimedOut"
    assert bench.value(record).notebook.outputs[0]["text"] == "one\n"


def test_a_cancelled_box_leaves_no_kernel(bench: Bench) -> None:
    """Nor what that has started in a session of its own."""
    ref = bench.submit(
        sent(
            "import os, subprocess, time\n"
            "subprocess.Popen(['sleep', '613.25'], start_new_session=True)\n"
            "print('begun', flush=True)\ntime.sleep(600)"
        )
    )

    def is_there() -> bool:
        return any(
            "613.25" in (one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])
        )

    def cancel() -> None:
        wait_until(lambda: "begun" in bench.record(ref).output and is_there())
        bench.ledger.cancel(ref)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=cancel, daemon=True).start()
    bench.attempts.run(bench.begin(), lambda: False)
    assert bench.record(ref).state is JobState.CANCELLED
    wait_until(lambda: not is_there())
