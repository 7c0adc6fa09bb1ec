"""A kernel is killed in the midst of a batch; the same cells in a new kernel find it again."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kernels import Kernel, Message, running_kernel
from waiting import wait_until

import taskkit
from taskkit.panels.widget import VIEW

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

ITEMS, FREE = 20, 8
RESULTS = [f"{n} kelvin" for n in range(ITEMS)]

DEFINE = """
import os, pathlib, taskkit

class Diverged(Exception):
    '''Of the notebook's own: it is pickled by value.'''

UNITS = {"metre", "second", "kelvin"}  # a set has another order in each kernel

def simulate(n, folder, free):
    '''Leave a line for each time that this is run.'''
    import time
    with (pathlib.Path(folder) / "marks").open("a") as marks:
        marks.write(f"{n}\\n")
    while n >= free and not (pathlib.Path(folder) / "gate").exists():
        time.sleep(0.02)
    if n < 0 or "kelvin" not in UNITS:
        raise Diverged(n)
    return f"{n} kelvin"
"""

MAP = """
client = taskkit.Client()OPTIONS
folder = os.environ["FOLDER"]
batch = client.map(simulate, range(ITEMS), [folder] * ITEMS, [FREE] * ITEMS)
print(*[job.id for job in batch.jobs])
"""

RESULT = "import json; print(json.dumps(list(batch)))"

PANEL = "client.reattach()"

REATTACH = """
import json, taskkit
found = taskkit.Client().reattach()
print(json.dumps([[job.id for job in found.jobs], list(found)]))
"""


def final_panel(kernel: Kernel, cell: str, before_the_end: Callable[[], None]) -> str:
    """Run a cell that shows a panel; return the HTML that stands in its place at last."""
    kernel.begin(cell)
    kernel.until(lambda said: said["msg_type"] == "display_data" and VIEW in data(said))
    before_the_end()
    return str(data(kernel.until(is_final))["text/html"])


def is_final(said: Message) -> bool:
    """Return whether this message puts plain HTML in a panel's place."""
    html = data(said).get("text/html", "") if said["msg_type"] == "update_display_data" else ""
    return 'class="tk-still"' in html and 'class="tk-dated"' not in html


def data(said: Message) -> dict[str, Any]:
    """Return what a message displays."""
    displayed: dict[str, Any] = said["content"]["data"]
    return displayed


@dataclass(frozen=True)
class Story:
    """What was seen of one notebook in its two kernels."""

    ids: list[list[str]]
    #: The batch's jobs, in each kernel.
    results: list[str]
    ran: list[int]
    #: Which items were run, one entry each time.
    panel: str
    #: What the second kernel's panel of the session came to.
    session_ids: list[str]
    session_results: list[str]


class Notebook:
    """A folder for the side effects, and cells that are run, killed and run again."""

    def __init__(self, folder: Path, stack: taskkit.LocalStack, options: str) -> None:
        self._folder, self._stack = folder, stack
        self._path = f"/home/ada/{uuid.uuid4().hex}.ipynb"
        self._map = MAP.replace("OPTIONS", options)
        for name, number in (("ITEMS", ITEMS), ("FREE", FREE)):
            self._map = self._map.replace(name, str(number))

    def kernel(self) -> AbstractContextManager[Kernel]:
        """Run a kernel for it, as a server starts it for a notebook."""
        return running_kernel(
            TASKKIT_URL=self._stack.url,
            TASKKIT_TOKEN=self._stack.token,
            FOLDER=str(self._folder),
            JPY_SESSION_NAME=self._path,
        )

    def ran(self) -> list[int]:
        """Return which items were run so far."""
        marks = self._folder / "marks"
        return [int(line) for line in marks.read_text().split()] if marks.exists() else []

    def open_gate(self) -> None:
        """Let all jobs go on."""
        (self._folder / "gate").touch()

    def play(self) -> Story:
        """Run the cells, kill the kernel when half of the jobs have not begun, and run them again.

        The second kernel's cells differ in a comment, as they do in a notebook that is worked on.
        """
        with self.kernel() as first:
            first.run(DEFINE)
            ids = [first.run(self._map).stdout.split()]
            first.begin(RESULT)
            wait_until(lambda: len(self.ran()) > FREE)
            first.kill()
        assert len(self.ran()) < ITEMS
        with self.kernel() as second:
            second.run("# tidied up since\n" + DEFINE)
            ids.append(second.run(self._map).stdout.split())
            panel = final_panel(second, PANEL, self.open_gate)
            results = json.loads(second.run(RESULT).stdout)
        with self.kernel() as third:
            session_ids, session_results = json.loads(third.run(REATTACH).stdout)
        return Story(ids, results, self.ran(), panel, session_ids, session_results)


@pytest.fixture
def notebook(
    request: pytest.FixtureRequest, tmp_path: Path, stack: taskkit.LocalStack
) -> Iterator[Notebook]:
    """A notebook with the options that the test names; no job of it waits at the end."""
    options = request.param.replace("KEY", uuid.uuid4().hex)
    made = Notebook(tmp_path, stack, options)
    yield made
    made.open_gate()


@pytest.mark.parametrize("notebook", [".options(key='KEY', name='sweep')"], indirect=True)
def test_the_same_cells_in_a_new_kernel_find_the_same_jobs(notebook: Notebook) -> None:
    """Each item is run once, its result is what it should be, and a third kernel needs no id."""
    story = notebook.play()
    assert len(set(story.ids[0])) == ITEMS
    assert story.ids[1] == story.ids[0]
    assert story.results == RESULTS
    assert sorted(story.ran) == list(range(ITEMS))
    assert f"{ITEMS}\N{NO-BREAK SPACE}succeeded" in story.panel
    assert story.session_ids == story.ids[0]
    assert story.session_results == RESULTS


@pytest.mark.parametrize("notebook", [""], ids=["no options"], indirect=True)
def test_without_a_key_the_cells_run_it_all_again(notebook: Notebook) -> None:
    """What the test above counts would be seen: other jobs, and each item run twice."""
    story = notebook.play()
    assert set(story.ids[1]).isdisjoint(story.ids[0])
    assert story.results == RESULTS
    assert set(story.session_ids) == {*story.ids[0], *story.ids[1]}
    assert story.session_results == RESULTS * 2
    assert sorted(story.ran) == sorted([*range(ITEMS), *range(ITEMS)])
