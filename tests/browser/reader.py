"""Somebody who looks at the page of a stack, and what tests of it have in common."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import taskkit

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Locator, Page

WITHIN_MS = 45_000
CUT = re.compile(r"WebSocket connection to .* failed")
"""What a browser itself writes to its console when a server is away."""


TELL_VIOLATIONS = """document.addEventListener("securitypolicyviolation", (event) => {
    console.error(`Content Security Policy: ${event.violatedDirective} ${event.sample}`);
})"""


class Reader:
    """Somebody who looks at the page of one stack."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.faults: list[str] = []
        page.add_init_script(TELL_VIOLATIONS)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(message.text)

    def complaints(self) -> list[str]:
        """Return what the browser complained of, but for a server that was away."""
        return [fault for fault in self.faults if not CUT.search(fault)]

    def opens(self) -> Reader:
        """Load the page and wait until the past is there."""
        self.page.goto(self.url)
        self.sees_live()
        return self

    def sees_live(self) -> None:
        """Wait until the page is connected and has caught up."""
        self.sees("#connection[data-state=open]")
        self.sees("#log[aria-busy=false]")

    def sees(self, selector: str) -> Locator:
        """Wait until an element is there, and return it."""
        found = self.page.locator(selector)
        found.first.wait_for(timeout=WITHIN_MS)
        return found

    def sees_end_of(self, job: str) -> None:
        """Wait until the log shows the job's end."""
        self.sees(f'.line[data-kind=job_succeeded]:has([title="{job}"])')

    def lines_of(self, job: str) -> list[tuple[str, str]]:
        """Return the kind and the text of each line of a job."""
        lines = self.page.locator(f'.line:has([title="{job}"])')
        return [
            (line.get_attribute("data-kind") or "", line.locator(".text").inner_text())
            for line in lines.all()
        ]


def request(stack: taskkit.LocalStack, path: str, body: object = None) -> Any:
    """Ask the stack's server and return the JSON of its answer."""
    asked = urllib.request.Request(
        f"{stack.url}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {stack.token}"},
    )
    with urllib.request.urlopen(asked, timeout=10) as response:
        return json.load(response)


def until(page: Page, is_so: Callable[[], bool]) -> None:
    """Wait for a condition while the page goes on living."""
    deadline = time.monotonic() + WITHIN_MS / 1000
    while not is_so():
        assert time.monotonic() < deadline, "not in time"
        page.wait_for_timeout(50)
