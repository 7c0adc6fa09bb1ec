"""The quick-start in JupyterLab and Notebook 7: live while the kernel is idle, right later."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lab import Front, Lab, LabNotebook, blank

import taskkit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(300)]

QUICKSTART = Path(__file__).parents[2] / "notebooks" / "01-quickstart.ipynb"
JOB_CELL = "job = client.submit("
BATCH_CELL = "batch = client.map("
LAST_CELL = "published = 0.97"
FINAL = "succeeded in"
WIDGET = "application/vnd.jupyter.widget-view+json"
JOB_WITHIN_MS = 90_000
REST_WITHIN_MS = 150_000

WATCH = """cell => {
    window.seen = [];
    const look = () => {
        const bars = [...cell.querySelectorAll('.jp-OutputArea [role=progressbar]')];
        const bar = bars.find(one => one.checkVisibility());
        const indicator = document.querySelector('.jp-Notebook-ExecutionIndicator');
        const kernel = indicator.dataset.status;
        const isFinal = cell.textContent.includes('succeeded in');
        const value = bar ? bar.getAttribute('aria-valuenow') : null;
        const last = window.seen.at(-1);
        if (value === null || last && last.value === value && last.isFinal === isFinal
            && last.kernel === kernel) return;
        window.seen.push({value, kernel, isFinal});
    };
    new MutationObserver(look).observe(document.body, {
        subtree: true, childList: true, characterData: true, attributes: true,
    });
}"""
"""Notes each change of a cell's bar, with what the kernel does at that moment."""


@pytest.fixture
def lab(stack: taskkit.LocalStack, tmp_path: Path, front: Front) -> Iterator[Lab]:
    """Return a Jupyter server beside a stack, on the quick-start without its stored outputs."""
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    (notebooks / QUICKSTART.name).write_text(blank(QUICKSTART))
    told = {"TASKKIT_URL": stack.url, "TASKKIT_TOKEN": stack.token}
    with Lab(notebooks, tmp_path / "private", told, front=front) as lab:
        yield lab


def moved(seen: list[dict[str, Any]]) -> list[int]:
    """Return the bar's values that were there before the end while the kernel was idle."""
    live = [now for now in seen if now["kernel"] == "idle" and not now["isFinal"]]
    values = [int(now["value"]) for now in live]
    return [value for n, value in enumerate(values) if n == 0 or value != values[n - 1]]


def panels(notebook: LabNotebook) -> list[str]:
    """Return what the panels of the job and of the batch say; both are final and plain HTML."""
    said = []
    for cell in (JOB_CELL, BATCH_CELL):
        panel = notebook.cell(cell).locator(".jp-OutputArea")
        panel.get_by_text(FINAL).wait_for()
        assert panel.get_by_role("progressbar").get_attribute("aria-valuenow") == "100"
        assert panel.locator(".jupyter-widgets").count() == 0
        said.append(panel.inner_text())
    return said


def test_the_bar_moves_while_the_kernel_is_idle_and_a_reload_keeps_the_final_panels(
    chromium: Browser, lab: Lab
) -> None:
    """At least three values are seen on the way, each larger than the one before."""
    notebook = lab.open(chromium, QUICKSTART.name)
    job_cell = notebook.cell(JOB_CELL)
    notebook.page.evaluate(WATCH, job_cell.element_handle())
    job_cell.locator("xpath=following-sibling::*[contains(@class, 'jp-CodeCell')][1]").click()
    notebook.run("Run All Above Selected Cell")
    job_cell.get_by_text(FINAL).wait_for(timeout=JOB_WITHIN_MS)
    seen = notebook.page.evaluate("window.seen")
    values = moved(seen)
    assert len(values) >= 3, seen
    assert all(before < after for before, after in pairwise(values)), seen

    notebook.run("Run Selected Cell and All Below")
    result = notebook.cell(LAST_CELL).locator(".jp-OutputArea-output")
    result.wait_for(timeout=REST_WITHIN_MS)
    assert "on unseen digits: 0.97" in result.inner_text()
    notebook.cell(BATCH_CELL).get_by_text(FINAL).wait_for()
    job_text, batch_text = panels(notebook)
    assert "300 of 300" in job_text
    assert "12 jobs" in batch_text
    notebook.save()
    notebook.page.close()
    lab.end_kernels()

    reopened = lab.open(chromium, QUICKSTART.name)
    assert panels(reopened) == [job_text, batch_text]
    assert "model not found" not in reopened.page.locator(".jp-Notebook").inner_text()
    assert lab.stored(QUICKSTART.name).count(WIDGET) == 0
    reopened.page.close()
