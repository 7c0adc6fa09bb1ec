"""Take the README's pictures of a live panel: ``python tests/browser/shoot.py``.

They show the name of the machine that the worker runs on.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from conftest import FLAGS
from lab import Lab, LabNotebook, blank
from playwright.sync_api import Browser, sync_playwright

import taskkit

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / "notebooks" / "01-quickstart.ipynb"
IMAGES = ROOT / "docs" / "images"
PICTURES = {"JupyterLab Light": "panel.png", "JupyterLab Dark": "panel-dark.png"}

FIRST, LAST = "job = client.submit(", "figure, axes = plt.subplots("
TAKEN_AT = 60
"""How full the bar is, in percent."""

IS_FULL = """([cell, percent]) => {
    const bar = cell.querySelector('.tk-live [role=progressbar]');
    return bar && Number(bar.getAttribute('aria-valuenow')) >= percent;
}"""
PAGE = {"width": 980, "height": 2600}
"""In pixels, of which a picture has twice as many each way, for sharp screens."""

MARGIN = 4
WITHIN_MS = 90_000


def shoot(browser: Browser, lab: Lab, path: Path) -> None:
    """Run the quick-start's job and picture it, with the cell that runs meanwhile."""
    notebook = lab.open(browser, QUICKSTART.name, scale=2)
    page = notebook.page
    page.keyboard.press("Control+b")  # the file browser goes
    page.set_viewport_size(PAGE)
    last = notebook.cell(LAST)
    last.click()
    notebook.run("Run All Above Selected Cell")
    notebook.cell(FIRST).locator(".tk-lines").wait_for(timeout=WITHIN_MS)
    page.keyboard.press("Shift+Enter")
    last.locator(".jp-OutputArea img").wait_for()
    page.wait_for_function(
        IS_FULL, arg=[notebook.cell(FIRST).element_handle(), TAKEN_AT], timeout=WITHIN_MS
    )
    page.screenshot(path=path, clip=between(notebook))
    page.close()


def between(notebook: LabNotebook) -> dict[str, float]:
    """Return the part of the page from the job's cell to the one that runs meanwhile."""
    first, last = notebook.cell(FIRST).bounding_box(), notebook.cell(LAST).bounding_box()
    assert first is not None
    assert last is not None
    top, bottom = first["y"] - MARGIN, last["y"] + last["height"] + MARGIN
    width = first["width"] + 2 * MARGIN
    return {"x": first["x"] - MARGIN, "y": top, "width": width, "height": bottom - top}


def main() -> None:
    """Take one picture a theme."""
    folder = Path(tempfile.mkdtemp())
    try:
        notebooks = folder / "notebooks"
        notebooks.mkdir()
        (notebooks / QUICKSTART.name).write_text(blank(QUICKSTART))
        with taskkit.LocalStack(workers=2) as stack, sync_playwright() as playwright:
            told = {"TASKKIT_URL": stack.url, "TASKKIT_TOKEN": stack.token}
            chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            for theme, name in PICTURES.items():
                with Lab(notebooks, folder / name, told, theme=theme) as lab:
                    shoot(browser, lab, IMAGES / name)
            browser.close()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
