"""In a real JupyterLab: two hundred panels at once, all of them live, and a kernel that answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lab import Lab
from reader import until
from test_saved import notebook_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PANELS = 200

SHOWN = """
import sys
sys.path[:0] = [{folder!r}]
from notebook_fake import Fake
jobs = [Fake() for _ in range({panels})]"""

TEN = "for job in jobs[{first}:{first} + 10]: display(job)"
"""JupyterLab shows no more than fifty outputs of a cell at first."""

MOVING = """
import threading, time
def move():
    # As often as a client hears of a job that reports a thousand times a second.
    for tenth in range(60):
        for job in jobs:
            job.set(100 * tenth)
        time.sleep(0.1)
    for job in jobs:
        job.end()
threading.Thread(target=move).start()"""

ANSWER = "print('the answer is', 6 * 7)"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A JupyterLab on a notebook with jobs that need no stack."""
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    folder = str(Path(__file__).parents[1] / "panels")
    tens = [TEN.format(first=first) for first in range(0, PANELS, 10)]
    sources = [SHOWN.format(folder=folder, panels=PANELS), *tens, MOVING, ANSWER]
    whole = json.loads(notebook_of(sources))
    whole["cells"] = whole["cells"][1:]  # there is no server to be a client of
    (notebooks / "many.ipynb").write_text(json.dumps(whole))
    with Lab(notebooks, tmp_path / "private", {}) as lab:
        yield lab


def test_two_hundred_live_panels_leave_the_kernel_free(chromium: Browser, lab: Lab) -> None:
    """Cells are answered meanwhile, Jupyter drops no output, and each panel is right in the end."""
    notebook = lab.open(chromium, "many.ipynb")
    notebook.cell("pass").click()
    notebook.run("Run All Above Selected Cell")
    live = notebook.page.locator(".tk-live:visible")
    notebook.cell("the answer is").get_by_text("the answer is 42").wait_for()
    assert live.count() > 0  # while they move
    live.first.wait_for(state="detached", timeout=60_000)

    def ends() -> int:
        notebook.save()
        saved = json.loads(lab.stored("many.ipynb"))
        outputs = [output for cell in saved["cells"] for output in cell["outputs"]]
        return sum("✓ fit succeeded in" in str(output) for output in outputs)

    # Off screen nothing is drawn, so all are counted in the file; the last ones end a little later.
    until(notebook.page, lambda: ends() == PANELS)
    assert "IOPub" not in lab.stored("many.ipynb")
    assert "IOPub" not in lab.log.read_text()
    notebook.page.close()
