"""Debian's Chromium, driven by playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from lab import JUPYTERLAB, NOTEBOOK, Front

import taskkit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


def _missing(what: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}; CI must run the browser tests")
    pytest.skip(f"{what}: no browser tests")


# A module's, not the session's: while playwright runs, this thread counts as inside an event loop,
# and tests elsewhere that start their own would fail.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        _missing("chromium is not on PATH (Debian: apt-get install chromium)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=[JUPYTERLAB, NOTEBOOK], ids=lambda front: front.module)
def front(request: pytest.FixtureRequest) -> Front:
    """JupyterLab, and then Notebook 7."""
    return request.param


@pytest.fixture
def client(stack: taskkit.LocalStack) -> Iterator[taskkit.Client]:
    """A client of the shared stack; its jobs end with the test."""
    made = stack.client()
    yield made
    for job in made.jobs(state=["queued", "running"]):
        job.cancel()
    made.close()


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "gate"
