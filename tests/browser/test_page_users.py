"""Who signs in at the page, with which token, and what he sees of others: nothing."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from reader import WITHIN_MS, Reader, request, until

import taskkit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page, Response, WebSocket

pytestmark = [pytest.mark.browser, pytest.mark.stack]

LIMIT_S = 60.0
SECRET = "kingfisher"
"""In all that the first user's jobs say."""

REFUSED = "401"


@pytest.fixture(scope="module")
def closed_stack() -> Iterator[taskkit.LocalStack]:
    """A stack that wants a token from everybody."""
    with taskkit.LocalStack(workers=2) as stack:
        yield stack


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """Return a browser session of its own."""
    with chromium.new_context() as context:
        yield context


def token_of(stack: taskkit.LocalStack, user: str, **facts: Any) -> dict[str, Any]:
    """Make a token; return it with its id."""
    asked = {"user": user, "scopes": ["submit", "read", "cancel", "code"], **facts}
    made: dict[str, Any] = request(stack, "/tokens", asked)
    return made


def revoke(stack: taskkit.LocalStack, id: str) -> None:
    """Revoke a token."""
    headers = {"Authorization": f"Bearer {stack.token}"}
    asked = urllib.request.Request(f"{stack.url}/tokens/{id}", method="DELETE", headers=headers)
    urllib.request.urlopen(asked, timeout=10).close()


def signs_in(page: Page, token: str) -> None:
    """Give the page a token by keyboard."""
    field = page.get_by_label("Token")
    field.wait_for(timeout=WITHIN_MS)
    field.fill(token)
    field.press("Enter")


def arrives(context: BrowserContext, stack: taskkit.LocalStack, token: str, at: str = "") -> Reader:
    """Return somebody who has signed in."""
    reader = Reader(context.new_page(), stack.url)
    reader.page.goto(f"{reader.url}/{at}")
    signs_in(reader.page, token)
    reader.sees("#connection[data-state=open]")
    return reader


def problem(page: Page, words: str) -> Locator:
    """Wait until the form says this."""
    told = page.locator("#sign-in-problem", has_text=words)
    told.wait_for(timeout=WITHIN_MS)
    return told


def say_much(secret: str, gate: str) -> str:
    """Report, display and print a word until there is a file, and return it."""
    import pandas as pd

    taskkit.display(pd.DataFrame({secret: range(3)}), name=f"figure {secret}")
    for step in taskkit.track(range(600), message=f"at {secret}"):
        taskkit.report(**{f"curve_{secret}": step})
        print(f"{secret} {step}")
        if Path(gate).exists():
            return f"the {secret}"
        time.sleep(0.05)
    return ""


class Heard:
    """All that a page gets from the server."""

    def __init__(self, page: Page) -> None:
        self._texts: list[str] = []
        self._responses: list[Response] = []
        page.on("response", self._take)
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: self._texts.append(str(frame)))

    def _take(self, response: Response) -> None:
        self._texts.append(response.url)
        self._responses.append(response)

    def everything(self) -> str:
        """Return it as one text."""
        bodies = []
        for response in self._responses:
            try:
                bodies.append(response.text())
            except Exception:  # noqa: BLE001 - a picture, or gone with its document
                continue
        return "\n".join([*self._texts, *bodies])


def test_another_user_sees_nothing_of_the_firsts_jobs(
    chromium: Browser, closed_stack: taskkit.LocalStack, tmp_path: Path
) -> None:
    """No row, line, count, job of a worker, output or figure comes to him, shown or not."""
    gate = tmp_path / "gate"
    tokens = {user: token_of(closed_stack, user)["token"] for user in ("ana", "ben")}
    with (
        taskkit.Client(closed_stack.url, token=tokens["ana"]) as client,
        chromium.new_context() as hers,
        chromium.new_context() as his,
    ):
        job = client.options(name=f"job {SECRET}").submit(say_much, SECRET, str(gate))
        ana = Reader(hers.new_page(), closed_stack.url)
        ben = Reader(his.new_page(), closed_stack.url)
        heard = {one: Heard(one.page) for one in (ana, ben)}
        for reader, user in ((ana, "ana"), (ben, "ben")):
            reader.page.goto(reader.url)
            signs_in(reader.page, tokens[user])
            reader.sees_live()

        ana.sees(f'#job-rows [data-id="{job.id}"][data-state=running]')
        ben.page.get_by_role("heading", name="No jobs yet").wait_for(timeout=WITHIN_MS)
        assert {chip.inner_text() for chip in ben.page.locator("#states .many").all()} == {"0"}
        assert ben.page.locator(".line[data-kind=worker_joined]").count() >= 1
        looks_at_workers(ana, f"job {SECRET}")
        looks_at_workers(ben, "1 of others")
        queue = ben.sees("#queues tbody tr").first
        assert queue.inner_text().split("\t") == ["default", "0 of 0", "0 of 1", "1"]
        for reader in (ana, ben):
            reader.page.goto(f"{reader.url}/#/jobs/{job.id}")
        ana.sees("#job-panel .job[data-state=running]")
        ana.sees("#job-figures .tk-figure")
        ben.page.get_by_text("There is no job").wait_for(timeout=WITHIN_MS)
        assert not ben.page.locator("#job-story").is_visible()
        gate.touch()
        job.result(LIMIT_S)
        ana.sees("#job-panel .job[data-state=succeeded]")

        mine = client.submit("demo", "hers")
        for reader in (ana, ben):
            reader.page.goto(f"{reader.url}/#/")
        ana.sees(f'#job-rows [data-id="{mine.id}"]')
        mine.result(LIMIT_S)
        assert SECRET in heard[ana].everything()
        told = heard[ben].everything()
        assert "worker_joined" in told
        assert [word for word in (SECRET, mine.id, '"hers"') if word in told] == []
        # He asked for its id himself: that it is not there is all that he is told.
        about = [line for line in told.splitlines() if job.id in line]
        assert all("/panel" in line or "there is no job" in line for line in about), about


def looks_at_workers(reader: Reader, words: str) -> None:
    """Go to the page of workers, and wait until it says this."""
    reader.page.get_by_role("link", name="Workers").click()
    reader.page.locator("#fleet :is(.runs, .rest)", has_text=words).wait_for(timeout=WITHIN_MS)


def test_who_signs_out_leaves_nothing_behind(
    context: BrowserContext, closed_stack: taskkit.LocalStack
) -> None:
    """Neither the token nor what was shown, also by Back; the next user sees only his own."""
    ana, ben = (token_of(closed_stack, user)["token"] for user in ("ana", "ben"))
    with taskkit.Client(closed_stack.url, token=ana) as client:
        client.submit("demo", "hers").result(LIMIT_S)
    reader = arrives(context, closed_stack, ana, "#/?q=demo")
    page = reader.page
    row = reader.sees("#job-rows .row .name")
    assert row.first.inner_text() == "demo"
    assert page.locator("#owner").inner_text() == "ana"
    row.first.click()
    reader.sees("#job-panel .job")
    assert ana not in page.url
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Token").wait_for(timeout=WITHIN_MS)
    assert page.url == f"{closed_stack.url}/"
    assert page.evaluate("sessionStorage.length + localStorage.length") == 0
    assert page.locator("#job-rows .row, .line").count() == 0
    page.go_back()
    page.get_by_label("Token").wait_for(timeout=WITHIN_MS)
    assert page.locator("#job-rows .row, .line").count() == 0
    page.goto(closed_stack.url)
    signs_in(page, ben)
    reader.sees_live()
    assert page.locator("#owner").inner_text() == "ben"
    page.get_by_role("heading", name="No jobs yet").wait_for(timeout=WITHIN_MS)
    assert all(REFUSED in fault for fault in reader.faults), reader.faults


def test_a_token_that_is_revoked_ends_the_session_in_words(
    context: BrowserContext, closed_stack: taskkit.LocalStack
) -> None:
    """What was shown goes; the address stays, so that the next token leads back to it."""
    made = token_of(closed_stack, "ana")
    reader = arrives(context, closed_stack, made["token"], "#/?state=failed")
    page = reader.page
    revoke(closed_stack, made["id"])
    problem(page, "You were signed out")
    assert page.locator(".line").count() == 0
    assert page.evaluate("sessionStorage.length") == 0
    signs_in(page, token_of(closed_stack, "ana")["token"])
    reader.sees_live()
    assert page.url.endswith("#/?state=failed")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"scopes": ["submit"]}, "allows to submit only; this page needs one with the scope read"),
        ({"expires_s": 1}, "That token has expired"),
    ],
    ids=["scope", "expired"],
)
def test_a_token_that_is_of_no_use_here_is_refused_in_words(
    context: BrowserContext, closed_stack: taskkit.LocalStack, facts: dict[str, Any], words: str
) -> None:
    """It says what is missing, and the form takes another one."""
    made = token_of(closed_stack, "ana", **facts)
    page = context.new_page()
    page.goto(closed_stack.url)

    def is_told() -> bool:
        signs_in(page, made["token"])
        page.wait_for_timeout(500)
        told = page.locator("#sign-in-problem")
        if not told.is_visible():  # it is not expired yet
            page.evaluate("sessionStorage.clear()")
            page.reload()
            return False
        return words in told.inner_text()

    until(page, is_told)
    assert page.evaluate("sessionStorage.length") == 0
    assert page.evaluate("document.activeElement.id") == "token"


def test_who_may_only_read_has_no_buttons_that_would_be_refused(
    context: BrowserContext, closed_stack: taskkit.LocalStack
) -> None:
    """Neither for a selection, nor on a job's page, nor the form that makes one."""
    ana = token_of(closed_stack, "ana")["token"]
    with taskkit.Client(closed_stack.url, token=ana) as client:
        job = client.submit("demo", "hers")
        job.cancel()
    reader = arrives(context, closed_stack, token_of(closed_stack, "ana", scopes=["read"])["token"])
    page = reader.page
    reader.sees(f'#job-rows [data-id="{job.id}"] input').click()
    page.get_by_text("1 selected").wait_for(timeout=WITHIN_MS)
    assert not page.get_by_role("button", name="Retry").is_visible()
    assert not page.locator("#try").is_visible()
    page.goto(f"{reader.url}/#/jobs/{job.id}")
    reader.sees("#job-panel .job")
    assert not page.locator("#job-act").is_visible()
