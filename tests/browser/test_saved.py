"""In a real JupyterLab and a real Notebook 7: what is saved in the middle of a job is true.

A click tries a job again, another one ends it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lab import Front, Lab
from reader import until

import taskkit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(300)]

WAITING = """
def wait_for(path):
    import os, time
    from matplotlib.figure import Figure
    for second in range(600):
        taskkit.progress(second, 600)
        if second % 10 == 0:
            figure = Figure(figsize=(2, 0.8))
            figure.subplots().bar(range(9), [second + n for n in range(9)])
            taskkit.display(figure, name="bars")
        time.sleep(0.1)
        if os.path.exists(path):
            return "found"
job = client.submit(wait_for, {path!r})
job"""

FAILING = """
def read(path):
    with open(path) as file:
        return file.read()
second = client.submit(read, {path!r})
second"""


BEATS = 2000
BEATING = f"""
def beat(path):
    import time
    for _ in range({BEATS}):
        with open(path, "a") as file:
            file.write(".")
        time.sleep(0.05)
third = client.submit(beat, {{path!r}})
third"""


def code(name: str, source: str) -> dict[str, object]:
    """Return a cell that has not run."""
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": source.strip(),
    }


def notebook_of(sources: list[str]) -> str:
    """Return a notebook of which all above its last cell is to be run."""
    whole = ["import taskkit\nclient = taskkit.Client()", *sources, "pass"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps(
        {
            "cells": [code(f"cell{number}", source) for number, source in enumerate(whole)],
            "metadata": {"kernelspec": kernel},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


@pytest.fixture
def lab(stack: taskkit.LocalStack, tmp_path: Path, front: Front) -> Iterator[Lab]:
    """Return a Jupyter on two notebooks: two jobs that need a file each, one that goes on."""
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    first, second = (str(tmp_path / name) for name in ("first", "second"))
    jobs = [WAITING.format(path=first), FAILING.format(path=second)]
    for name, sources in {
        "jobs": jobs,
        "beats": [BEATING.format(path=str(tmp_path / "beats"))],
    }.items():
        (notebooks / f"{name}.ipynb").write_text(notebook_of(sources))
    told = {"TASKKIT_URL": stack.url, "TASKKIT_TOKEN": stack.token}
    with Lab(notebooks, tmp_path / "private", told, front=front) as lab:
        yield lab


CARD = ".taskkit:not(.tk-gallery):not(.tk-card):visible"


def shown(picture: Locator) -> str:
    """Wait until a picture can be seen, and return its content."""
    picture.wait_for()
    until(
        picture.page,
        lambda: picture.evaluate("image => image.complete && image.naturalWidth > 100"),
    )
    source = picture.get_attribute("src")
    assert source is not None
    return source


def seen(cell: Locator) -> str:
    """Return what can be read below a cell."""
    return cell.locator(".jp-OutputArea").inner_text()


def test_a_panel_is_right_at_every_moment(chromium: Browser, lab: Lab, tmp_path: Path) -> None:
    """Live; saved and opened again without its kernel; tried again by a click; final."""
    notebook = lab.open(chromium, "jobs.ipynb")
    waiting, failing = notebook.cell("def wait_for"), notebook.cell("def read")
    notebook.cell("pass").click()
    notebook.run("Run All Above Selected Cell")
    waiting.locator(".tk-live [role=progressbar]").wait_for()
    failing.get_by_text("FileNotFoundError").first.wait_for()
    # Each is seen once: the widget while it lives, what is saved afterwards.
    until(notebook.page, lambda: waiting.locator(CARD).count() == 1)
    picture = waiting.locator(".tk-live .tk-gallery img")
    before = shown(picture)
    assert waiting.get_by_role("button", name="Cancel").is_visible()
    assert "to follow it" not in seen(waiting)
    retry = failing.get_by_role("button", name="Retry")
    retry.wait_for()
    until(notebook.page, lambda: failing.locator(CARD).count() == 1)
    until(notebook.page, lambda: failing.locator(".tk-card:visible").count() == 1)
    until(notebook.page, lambda: shown(picture) != before)

    (tmp_path / "second").write_text("here")
    retry.click()
    failing.get_by_text("succeeded in").wait_for()
    assert "'here'" in seen(failing)
    buttons = failing.locator(".jp-OutputArea button:visible")
    until(notebook.page, lambda: buttons.all_inner_texts() == ["copy id"])
    notebook.save()
    notebook.page.close()
    lab.end_kernels()

    reopened = lab.open(chromium, "jobs.ipynb")
    waiting, failing = reopened.cell("def wait_for"), reopened.cell("def read")
    waiting.get_by_text("running for").first.wait_for()
    reopened.page.wait_for_timeout(1000)  # by then Lab knows that there is no model
    assert "to follow it, run taskkit.Client().job('" in seen(waiting)
    assert shown(waiting.locator(".tk-still .tk-gallery img"))
    assert "model not found" not in reopened.page.locator(".jp-Notebook").inner_text()
    assert "'here'" in seen(failing)
    (tmp_path / "first").touch()
    reopened.page.close()


def test_a_click_on_cancel_ends_the_work(chromium: Browser, lab: Lab, tmp_path: Path) -> None:
    """The process stops what it does: soon nothing is written any more."""
    notebook = lab.open(chromium, "beats.ipynb")
    beating = notebook.cell("def beat")
    notebook.cell("pass").click()
    notebook.run("Run All Above Selected Cell")
    beats = tmp_path / "beats"
    beating.locator(".tk-live").get_by_text("running for").wait_for()
    beating.get_by_role("button", name="Cancel").click()
    beating.get_by_text("cancelled after").wait_for()

    def has_stopped() -> bool:
        before = beats.read_text()
        notebook.page.wait_for_timeout(1500)
        return beats.read_text() == before

    until(notebook.page, has_stopped)
    assert len(beats.read_text()) < BEATS
    beating.get_by_role("button", name="Retry").wait_for()
    notebook.page.close()
