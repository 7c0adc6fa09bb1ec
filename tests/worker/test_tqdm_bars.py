"""Bars of tqdm tell the listener, whichever way they are imported, and print nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]

JOB = """
import json, os, sys
sys.path.insert(0, {tests!r})
from hearing import Hearing
from taskkit.inside.place import listening
from taskkit_worker import tqdm_bars
tqdm_bars.adopt()
assert "tqdm" not in sys.modules
hearing = Hearing()
with listening(hearing):
{body}
print("bars", json.dumps(list(hearing.bars.values())))
"""


def heard(body: str) -> tuple[list[Any], str, str]:
    """Run a job's body in a process like a worker's; return its bars, and what it printed."""
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    code = JOB.format(tests=str(TESTS), body=lines)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    out, _, bars = ran.stdout.rpartition("bars ")
    return json.loads(bars), out, ran.stderr


@pytest.mark.parametrize(
    "import_",
    [
        "from tqdm import tqdm",
        "from tqdm.auto import tqdm",
        "from tqdm.notebook import tqdm",
        "from tqdm.asyncio import tqdm",
        "from taskkit.tqdm import tqdm",
        "import tqdm as t; tqdm = t.tqdm",
    ],
)
def test_a_bar_is_heard_and_not_printed(import_: str) -> None:
    """Its description, how many are done, and of how many."""
    body = f"{import_}\nassert sum(tqdm(range(1000), desc='folds')) == 499500"
    assert heard(body) == ([["folds", 1000, 1000, True]], "", "")


def test_loops_within_loops_are_told_apart() -> None:
    """By tqdm's own rule an inner one is left only where that is wanted."""
    body = """
from tqdm import tqdm, trange
for _ in trange(2, desc="epochs"):
    for _ in trange(3, desc="dropped", leave=False):
        pass
    for _ in trange(4, desc="left"):
        pass
"""
    bars, *printed = heard(body)
    assert bars == [["epochs", 2, 2, True], *[["left", 4, 4, True]] * 2]
    assert printed == ["", ""]


def test_updates_by_hand_and_postfixes_are_heard() -> None:
    """So is a total that nobody knows."""
    body = """
from tqdm import tqdm
bar = tqdm(unit="B")
bar.update(10)
bar.set_postfix(loss=0.5)
bar.update(5)
bar.close()
bar.close()
"""
    assert heard(body) == ([["loss=0.5", 15, None, True]], "", "")


def test_what_is_no_text_beside_a_bar_stops_nothing() -> None:
    """tqdm takes it, too."""
    body = """
from tqdm import tqdm
bar = tqdm(total=2)
bar.postfix = {"loss": 1}
bar.update(2)
bar.close()
"""
    assert heard(body) == ([["{'loss': 1}", 2, 2, True]], "", "")


def test_what_is_written_beside_bars_is_output() -> None:
    """As tqdm advises to print."""
    body = """
from tqdm import tqdm
for n in tqdm(range(2)):
    tqdm.write(f"line {n}")
"""
    assert heard(body) == ([["", 2, 2, True]], "line 0\nline 1\n", "")


def test_a_bar_into_a_file_of_the_jobs_own_is_the_jobs() -> None:
    """It prints there as it always does."""
    body = """
import io
from tqdm import tqdm
file = io.StringIO()
list(tqdm(range(3), file=file))
assert "3/3" in file.getvalue()
"""
    assert heard(body) == ([], "", "")


def test_a_bar_in_a_process_that_the_job_made_prints() -> None:
    """Nobody listens there."""
    body = """
from tqdm import tqdm
pid = os.fork()
if pid == 0:
    list(tqdm(range(3)))
    os._exit(0)
os.waitpid(pid, 0)
"""
    bars, out, err = heard(body)
    assert (bars, out) == ([], "")
    assert "3/3" in err


def test_outside_a_job_bars_are_as_ever() -> None:
    """The process may do other things between jobs; a switched-off bar stays silent within."""
    code = (
        "from taskkit_worker import tqdm_bars; tqdm_bars.adopt()\n"
        "from tqdm import tqdm; list(tqdm(range(3), desc='plain'))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "plain: 100%" in ran.stderr
    assert heard("from tqdm import tqdm\nlist(tqdm(range(3), disable=True))") == ([], "", "")


def test_a_bar_that_outlives_its_job_says_nothing_to_the_next() -> None:
    """It has no place in the panel of another."""
    body = """
from tqdm import tqdm
bar = tqdm(total=3)
"""
    code = JOB.format(
        tests=str(TESTS), body="".join(f"    {line}\n" for line in body.strip().splitlines())
    )
    code += "second = Hearing()\nwith listening(second):\n    bar.update(3); bar.close()\n"
    code += "assert second.bars == {}, second.bars\n"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
