"""The dashboard from JupyterLab's launcher, under an address as JupyterHub gives one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest
import websocket
from lab import NOTEBOOK, Lab
from waiting import wait_until

import taskkit
from taskkit.stack.identity import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(300)]

PREFIX = "/user/ana/"
TITLE = "taskkit dashboard"
WITHIN_MS = 45_000
FOREIGN = "http://evil.example"


class Home:
    """A user's folders, with a stack in them or not."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.environment = {
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "XDG_DATA_HOME": str(folder / "data"),
            "TMPDIR": str(folder),
        }

    @contextmanager
    def stack(self) -> Iterator[str]:
        """Run `taskkit up` on a port of its own for as long as the block; give its token."""
        self._taskkit("up", "--detach", "--workers", "1", "--port", str(free_port()))
        try:
            known = json.loads((self._folder / "run" / "taskkit" / "connection.json").read_text())
            yield known["token"]
        finally:
            self._taskkit("down")

    def _taskkit(self, *words: str) -> None:
        environment = {**os.environ, **self.environment}
        command = [sys.executable, "-m", "taskkit", *words]
        ran = subprocess.run(
            command, env=environment, timeout=90, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def sockets(self) -> list[Path]:
        """Return the sockets at which dashboards are served."""
        return list(self._folder.glob("jupyter-server-proxy-*/socket"))

    def processes(self) -> list[str]:
        """Return the processes that were started with this home's folders."""
        mark = f"TMPDIR={self._folder}".encode()
        return [
            folder.name for folder in Path("/proc").glob("[0-9]*") if mark in environment_of(folder)
        ]


def environment_of(process: Path) -> list[bytes]:
    """Return the variables that a process was started with; none where it has ended."""
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return the home of a user who has no stack."""
    folder = tmp_path_factory.mktemp("h")  # a short path: sockets are in it
    (folder / "run").mkdir(mode=0o700)
    return Home(folder)


@pytest.fixture
def lab(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Return a JupyterLab that was started before any stack."""
    for name in ("TASKKIT_URL", "TASKKIT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "notebooks").mkdir()
    private = tmp_path / "private"
    with Lab(tmp_path / "notebooks", private, home.environment, base_url=PREFIX) as lab:
        yield lab


def opens_from_the_launcher(chromium: Browser, lab: Lab) -> Page:
    """Click on the launcher's card; return the page that opens."""
    page = chromium.new_context().new_page()
    page.goto(lab.address("lab?reset"))
    card = page.locator(".jp-LauncherCard", has_text=TITLE)
    card.wait_for(timeout=WITHIN_MS)
    icon = card.locator("img")
    assert icon.evaluate("icon => icon.decode().then(() => icon.naturalWidth > 0)")
    with page.expect_popup() as opened:
        card.click()
    return opened.value


def sees_live(page: Page) -> None:
    """Wait until the dashboard is connected."""
    live = page.locator("#connection[data-state=open]", has_text="WebSocket is connected.")
    live.wait_for(timeout=WITHIN_MS)


def sees_a_job_run(page: Page) -> None:
    """Make one on the page, and wait for its bar and its end."""
    ends = page.locator(".line[data-kind=job_succeeded]")
    before = ends.count()
    page.get_by_role("button", name="Create task").click()
    page.locator("#job-rows [data-state=running] progress[value]").wait_for(timeout=WITHIN_MS)
    ends.nth(before).wait_for(timeout=WITHIN_MS)


def test_the_launcher_opens_what_becomes_the_dashboard_and_follows_the_stack(
    chromium: Browser, lab: Lab, home: Home
) -> None:
    """Before there is a stack, while it runs, and when it is back at another port."""
    page = opens_from_the_launcher(chromium, lab)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    assert page.url == f"{lab.url}taskkit/"
    page.get_by_text("No stack is running").wait_for(timeout=WITHIN_MS)
    assert page.evaluate("getComputedStyle(document.querySelector('main')).borderRadius") == "10px"
    with home.stack() as token:
        sees_live(page)
        sees_a_job_run(page)
        kept = page.evaluate(
            "[location.href, document.cookie, document.documentElement.outerHTML,"
            " JSON.stringify(sessionStorage), JSON.stringify(localStorage)]"
        )
        assert not any(token in place for place in kept)
        assert page.evaluate("sessionStorage.length") == 0
    page.locator("#connection[data-state=waiting]").wait_for(timeout=WITHIN_MS)
    with home.stack():
        sees_live(page)
        sees_a_job_run(page)
    log = lab.log.read_text()
    assert token not in log
    assert "Traceback" not in log
    assert faults == []


def test_notebook_7_has_it_in_its_menu(
    chromium: Browser, stack: taskkit.LocalStack, tmp_path: Path
) -> None:
    """Under New, beside the list of files."""
    told = {"TASKKIT_URL": stack.url, "TASKKIT_TOKEN": stack.token}
    with Lab(tmp_path, tmp_path / "private", told, front=NOTEBOOK) as notebook:
        page = chromium.new_context().new_page()
        page.goto(notebook.address("tree"))
        page.get_by_text("New", exact=True).click(timeout=WITHIN_MS)
        with page.expect_popup() as opened:
            page.get_by_role("menuitem", name=TITLE).click()
        sees_live(opened.value)


class Visitor:
    """A browser that JupyterLab knows by its cookies."""

    def __init__(self, lab: Lab) -> None:
        self._dashboard = f"{lab.url}taskkit/"
        self._cookies = CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self._cookies)
        )
        self._opener.open(lab.address("lab")).close()

    def creates_task(self, origin: str) -> tuple[int, Any]:
        """Ask for a task as a page of `origin` does; return status and JSON of the answer."""
        asked = urllib.request.Request(
            f"{self._dashboard}tasks",
            data=json.dumps({"name": origin}).encode(),
            headers={"Content-Type": "application/json", "Origin": origin},
        )
        try:
            with self._opener.open(asked, timeout=30) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)

    def connects(self, origin: str) -> int:
        """Open a WebSocket as a page of `origin` does; return the handshake's status."""
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._cookies)
        address = self._dashboard.replace("http://", "ws://")
        try:
            opened = websocket.create_connection(
                f"{address}socket.io/?EIO=4&transport=websocket",
                origin=origin,
                cookie=cookies,
                timeout=30,
            )
        except websocket.WebSocketBadStatusException as error:
            return int(error.status_code)
        try:
            assert opened.recv().startswith("0")  # Engine.IO's first packet, from the stack
        finally:
            opened.close()
        return 101


def test_pages_of_other_origins_are_refused(lab: Lab, home: Home) -> None:
    """With cookies and all; those of JupyterLab's own origin are served."""
    with home.stack():
        visitor = Visitor(lab)
        own = "{0.scheme}://{0.netloc}".format(urlsplit(lab.url))
        assert visitor.creates_task(own)[0] == 201
        status, said = visitor.creates_task(FOREIGN)
        assert (status, said["code"]) == (403, "forbidden")
        assert visitor.connects(own) == 101
        assert visitor.connects(FOREIGN) == 403


def test_a_jupyterlab_that_ends_leaves_nothing_of_it(lab: Lab, home: Home) -> None:
    """Neither socket nor folder."""
    assert Visitor(lab).creates_task(lab.url.removesuffix(PREFIX))[0] == 503
    (path,) = home.sockets()
    lab.stop()
    assert not path.parent.exists()


def test_nothing_of_it_outlives_a_jupyterlab_that_is_killed(lab: Lab, home: Home) -> None:
    """No process, and nobody at its socket."""
    visitor = Visitor(lab)
    assert visitor.creates_task(lab.url.removesuffix(PREFIX))[0] == 503
    (path,) = home.sockets()
    assert is_served(path)
    assert home.processes()
    lab.kill()
    wait_until(lambda: home.processes() == [])
    assert not is_served(path)


def is_served(path: Path) -> bool:
    """Return whether somebody listens at a Unix socket."""
    with socket.socket(socket.AF_UNIX) as asking:
        try:
            asking.connect(str(path))
        except ConnectionRefusedError:
            return False
    return True
