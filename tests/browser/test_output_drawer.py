"""The drawer of a live panel in a real JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from lab import Lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FAKES = Path(__file__).parents[1] / "panels"
WITHIN_MS = 30_000

SHOWN = f"""import sys; sys.path.insert(0, {str(FAKES)!r})
from notebook_fake import Fake
job = Fake()
job"""
PRINTING = """import threading, time
is_over = threading.Event()
def work():
    text, number = "", 0
    while not is_over.wait(0.02):
        number += 1
        text += f"line {number}\\n"
        job._change(output=text)
    job.end()
threading.Thread(target=work).start()
while not is_over.wait(0.1): pass"""
"""Blocks, as a cell does that waits for a result."""

LAST = "is_over.set()"

LOG = ".tk-log .widget-html-content"
READ = """log => ({
    isOpen: document.querySelector('.tk-drawer').open,
    fromEnd: log.scrollTop,
    last: Number(log.textContent.trim().split(' ').at(-1)),
})"""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Return a JupyterLab on a notebook that shows a job without any stack."""
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    cells = [nbformat.v4.new_code_cell(source) for source in (SHOWN, PRINTING, LAST)]
    book = nbformat.v4.new_notebook(cells=cells)
    book.metadata.kernelspec = {"name": "python3", "display_name": "Python", "language": "python"}
    (notebooks / "drawer.ipynb").write_text(nbformat.writes(book))
    with Lab(notebooks, tmp_path / "private", {}) as lab:
        yield lab


def test_a_drawer_opens_while_the_kernel_is_busy_and_stays_as_the_reader_left_it(
    chromium: Browser, lab: Lab
) -> None:
    """Open, and scrolled to where it was, while the lines in it are replaced."""
    notebook = lab.open(chromium, "drawer.ipynb")
    page = notebook.page
    notebook.cell(LAST).click()
    notebook.run("Run All Above Selected Cell")
    page.locator(".tk-drawer summary").click(timeout=WITHIN_MS)
    log = page.locator(LOG)
    log.wait_for(timeout=WITHIN_MS)

    def after(last: int) -> dict[str, Any]:
        page.wait_for_function(f"log => ({READ})(log).last > {last}", arg=log.element_handle())
        return log.evaluate(READ)  # type: ignore[no-any-return]

    followed = after(60)
    assert (followed["isOpen"], followed["fromEnd"]) == (True, 0)
    log.evaluate("log => { log.scrollTop = -100 }")
    reading = after(followed["last"] + 100)
    assert (reading["isOpen"], reading["fromEnd"]) == (True, -100)
    page.close()
