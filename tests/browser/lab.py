"""A JupyterLab, or a Jupyter Notebook, of a test's own, and a notebook open in it."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from orphans import no_orphan

from taskkit.stack.identity import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

START_WITHIN_S = 60
BEGUN = re.compile(r"\[(\*|\d+)\]")
"""The prompt of a cell that runs, or has run."""

KERNEL_WITHIN_MS = 60_000

_SETTINGS: dict[str, dict[str, object]] = {
    # Nothing may pop up over the notebook, and all of its cells are in the page.
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}


@dataclass(frozen=True, slots=True)
class Front:
    """What people see of a Jupyter server."""

    module: str
    #: What Python runs.
    notebook: str
    #: The path of a notebook's page, before its name.


JUPYTERLAB = Front("jupyterlab", "lab/tree")
NOTEBOOK = Front("notebook", "notebooks")
"""Notebook 7: one document a page."""


class Lab:
    """A Jupyter server on a folder of notebooks, for as long as a ``with`` block."""

    def __init__(
        self,
        notebooks: Path,
        private: Path,
        environment: Mapping[str, str],
        *,
        theme: str = "JupyterLab Light",
        front: Front = JUPYTERLAB,
        base_url: str = "/",
    ) -> None:
        self._notebooks, self._front = notebooks, front
        port, self._token = free_port(), secrets.token_hex(16)
        self.url = f"http://127.0.0.1:{port}{base_url}"
        self.log = private / "lab.log"
        themes: dict[str, object] = {"theme": theme}
        settings = {**_SETTINGS, "apputils-extension/themes": themes}
        for name, values in settings.items():
            path = private / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))
        folders = {
            "JUPYTER_CONFIG_DIR": private / "config",
            "JUPYTER_DATA_DIR": private / "data",
            "JUPYTER_RUNTIME_DIR": private / "runtime",
            "JUPYTERLAB_SETTINGS_DIR": private / "settings",
            "JUPYTERLAB_WORKSPACES_DIR": private / "workspaces",
            "IPYTHONDIR": private / "ipython",
        }
        self._environment = {
            **os.environ,
            **environment,
            **{name: str(folder) for name, folder in folders.items()},
        }
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": port,
            "ServerApp.port_retries": 0,
            "ServerApp.base_url": base_url,
            "ServerApp.root_dir": notebooks,
            "ServerApp.terminals_enabled": False,
            "IdentityProvider.token": self._token,
            "LabApp.extension_manager": "readonly",
        }
        self._command = [
            *(sys.executable, "-m", front.module, "--no-browser", "--allow-root"),
            *(f"--{name}={value}" for name, value in options.items()),
        ]

    def __enter__(self) -> Self:
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdout=log,
                stderr=log,
                preexec_fn=no_orphan(signal.SIGTERM),
            )
        try:
            self._wait_until_up()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._process.poll() is None:
                self.end_kernels()
        finally:
            self.stop()

    def _wait_until_up(self) -> None:
        deadline, pause = time.monotonic() + START_WITHIN_S, threading.Event()
        while not self._is_up():
            is_hopeless = self._process.poll() is not None or time.monotonic() > deadline
            assert not is_hopeless, self.log.read_text()[-3000:]
            pause.wait(0.2)

    def stop(self) -> None:
        """End the server as Ctrl-C or a service manager does."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """End the server without giving it time for anything."""
        self._process.kill()
        self._process.wait()

    def _is_up(self) -> bool:
        try:
            self._call("GET", "status")
        except OSError:
            return False
        return True

    def _call(self, method: str, path: str) -> Any:
        request = urllib.request.Request(
            f"{self.url}api/{path}",
            method=method,
            headers={"Authorization": f"token {self._token}"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def end_kernels(self) -> None:
        """End every notebook's kernel, as if the machine had been switched off over night."""
        for session in self._call("GET", "sessions"):
            self._call("DELETE", f"sessions/{session['id']}")

    def stored(self, name: str) -> str:
        """Return a notebook as its file holds it now."""
        return (self._notebooks / name).read_text()

    def open(self, browser: Browser, name: str, *, scale: int = 1) -> LabNotebook:
        """Open a notebook in a page of its own and wait for its kernel.

        `scale` is how many pixels of a picture make one of the page, each way.
        """
        page = browser.new_page(viewport={"width": 1200, "height": 900}, device_scale_factor=scale)
        page.goto(self.address(f"{self._front.notebook}/{name}?reset"))
        return LabNotebook(page)

    def address(self, path: str) -> str:
        """Return the address of a page, with what lets a browser in that has not been here."""
        return f"{self.url}{path}{'&' if '?' in path else '?'}token={self._token}"


def blank(path: Path) -> str:
    """Return a notebook as its file would hold it had it never run."""
    content = json.loads(path.read_text())
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    return json.dumps(content)


class LabNotebook:
    """A notebook in a page of JupyterLab, with a running kernel."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=KERNEL_WITHIN_MS)
        self.wait_until_idle()

    def wait_until_idle(self) -> None:
        """Wait until the kernel has nothing to do; answer Lab's question for a kernel."""
        question = self.page.locator(".jp-Dialog .jp-mod-accept")
        idle = self.page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")
        idle.or_(question).first.wait_for(timeout=KERNEL_WITHIN_MS)
        if question.is_visible():
            question.click()
        idle.wait_for(timeout=KERNEL_WITHIN_MS)

    def cell(self, source: str) -> Locator:
        """Return the code cell whose source contains a text."""
        editor = self.page.locator(".jp-InputArea-editor", has_text=source)
        return self.page.locator(".jp-CodeCell", has=editor).first

    def run(self, which: str) -> None:
        """Choose a command of Lab's Run menu, e.g. ``Run All Cells``.

        Lab shows a kernel as idle a moment before it can be asked for anything: what is run in that
        moment is passed over, and asked for again here.
        """
        begun = self.page.locator(".jp-InputPrompt", has_text=BEGUN)
        for _ in range(10):
            self.page.get_by_role("menuitem", name="Run", exact=True).click()
            self.page.get_by_role("menuitem", name=which, exact=True).click()
            for _ in range(30):
                if begun.count():
                    return
                self.page.wait_for_timeout(100)
        raise AssertionError(f"{which!r} has no effect")

    def save(self) -> None:
        """Save the notebook and wait until that is done."""
        with self.page.expect_response(
            lambda answer: answer.request.method == "PUT" and "/api/contents/" in answer.url
        ):
            self.page.keyboard.press("Control+s")
