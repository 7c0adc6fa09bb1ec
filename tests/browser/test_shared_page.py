"""What a link shows in a browser: its jobs, live, and nothing to change them by."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from reader import WITHIN_MS, Reader, request, until
from test_accessible import axe, faults_in

import taskkit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

__all__ = ["axe"]

pytestmark = [pytest.mark.browser, pytest.mark.stack]

REFUSED = "401"


@pytest.fixture(scope="module")
def closed() -> Iterator[taskkit.LocalStack]:
    """A stack that wants a token from everybody, with a user ana."""
    with taskkit.LocalStack(workers=2) as stack:
        yield stack


@pytest.fixture(scope="module")
def token(closed: taskkit.LocalStack) -> str:
    """Her token."""
    asked = {"user": "ana", "scopes": ["submit", "read", "cancel", "code"]}
    made: dict[str, Any] = request(closed, "/tokens", asked)
    return str(made["token"])


@pytest.fixture
def ana(closed: taskkit.LocalStack, token: str) -> Iterator[taskkit.Client]:
    """Who shares; her jobs end with the test."""
    with taskkit.Client(closed.url, token=token) as client:
        yield client
        for job in client.jobs(state=["queued", "running"]):
            job.cancel()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A colleague's browser, which has no account."""
    with chromium.new_context() as context:
        yield context


def steps(gate: str, many: int = 10) -> str:
    """Go half-way, show something, and go on when there is a file."""
    import time
    from pathlib import Path

    image = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'></svg>"
    large = f"<!-- {'x' * 300_000} -->"
    rich = type("Rich", (), {"_repr_svg_": lambda _: image + large})
    taskkit.display(rich(), name="large")
    for step in range(many):
        print(f"step {step}")
        taskkit.report(energy=-step)
        taskkit.progress(step + 1, many, f"at {step}")
        while step == many // 2 and not Path(gate).exists():
            time.sleep(0.05)
    return "the end of it"


def opened(context: BrowserContext, link: str | None) -> Reader:
    """Open a link as who was sent it does."""
    assert link is not None
    reader = Reader(context.new_page(), link)
    reader.page.goto(link)
    return reader


def test_a_job_is_seen_live_until_its_end(
    context: BrowserContext, ana: taskkit.Client, gate: Path
) -> None:
    """Panel, output, figure, attempts, preview; who shares it and until when; and no button."""
    job = ana.options(name="ising").submit(steps, str(gate))
    other = ana.options(name="kingfisher").submit(steps, str(gate))
    share = job.share(note="for Bo")
    sockets: list[str] = []
    asked: list[str] = []
    reader = opened(context, share.url)
    page = reader.page
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.on("request", lambda one: asked.append(one.url))
    reader.sees("#job-panel .job[data-state=running]")
    reader.sees("#job-panel :text('step 5')")
    reader.sees("#job-figures img")
    reader.sees("#job-attempts tr[data-end=running]")
    assert f"{share.expires_at.day}" in page.locator("#shared-by").inner_text()
    assert page.locator("#shared-by").inner_text().startswith("Shared by ana until ")
    assert page.locator("#shared-by").inner_text().endswith("read only.")
    until(page, lambda: page.locator("#connection").inner_text() == "Live")
    gate.touch()
    finished_at = time.monotonic()
    job.result(60)
    reader.sees("#job-panel .job[data-state=succeeded]")
    print(f"shown {time.monotonic() - finished_at:.2f} s after the job could go on")
    reader.sees("#job-panel :text('the end of it')")
    reader.sees("#job-attempts tr[data-end=succeeded]")
    buttons = [one.inner_text() for one in page.get_by_role("button").all()]
    assert set(buttons) <= {"copy id"}, buttons
    assert [one.inner_text() for one in page.get_by_role("link").all()] == []
    text = page.locator("body").inner_text()
    assert "kingfisher" not in text
    assert other.id[:8] not in page.content()
    assert "for Bo" not in text
    assert sockets == []
    assert not any("tk_" in url for url in asked)
    assert reader.complaints() == []


def test_the_token_leaves_the_address_and_a_reload_goes_on(
    context: BrowserContext, ana: taskkit.Client, gate: Path
) -> None:
    """It is the tab's, as a user's token is; another tab needs the link."""
    job = ana.submit(steps, str(gate))
    share = job.share()
    assert share.url is not None
    reader = opened(context, share.url)
    reader.sees("#job-panel .job[data-state=running]")
    page = reader.page
    assert page.url.endswith("/#/shared")
    page.reload()
    reader.sees("#job-panel .job[data-state=running]")
    another = context.new_page()
    another.goto(page.url)
    another.get_by_text("open the link that you were sent once more").wait_for(timeout=WITHIN_MS)
    another.goto(share.url)  # within the page that is open: no load by itself
    another.locator("#job-panel .job").wait_for(timeout=WITHIN_MS)
    assert another.url.endswith("/#/shared")
    assert reader.complaints() == []


def test_several_jobs_are_a_list_that_leads_to_each(
    context: BrowserContext, ana: taskkit.Client, gate: Path
) -> None:
    """By the keyboard, too: Enter opens one, and Back returns to its line."""
    batch = ana.options(name="sweep").map(steps, [str(gate)] * 2)
    reader = opened(context, batch.share().url)
    page = reader.page
    rows = reader.sees("#shared-jobs > li[data-state=running]")
    until(page, lambda: rows.count() == 2)
    until(page, lambda: "6 / 10 · at 5" in page.locator("#shared-jobs").inner_text())
    assert page.locator("#shared-title").inner_text() == "2 jobs"
    second = page.locator("#shared-jobs a").nth(1)
    second.focus()
    page.keyboard.press("Enter")
    reader.sees("#job-panel .job[data-state=running]")
    assert page.evaluate("document.activeElement.id") == "job-title"
    assert batch.jobs[1].id in page.url
    page.go_back()
    reader.sees("#shared-jobs > li")
    assert second.evaluate("one => one === document.activeElement")
    gate.touch()
    until(page, lambda: page.locator("#shared-jobs > li[data-state=succeeded]").count() == 2)
    second.click()
    page.get_by_role("link", name="All jobs of this link").click()
    reader.sees("#shared-jobs > li")
    assert reader.complaints() == []


def test_a_revoked_link_ends_in_words(
    context: BrowserContext, ana: taskkit.Client, gate: Path
) -> None:
    """While it is looked at, and when it is opened; what was shown goes."""
    job = ana.options(name="kingfisher").submit(steps, str(gate))
    share = job.share()
    reader = opened(context, share.url)
    reader.sees("#job-panel .job[data-state=running]")
    share.revoke()
    page = reader.page
    page.get_by_text("It was revoked, or it is not whole").wait_for(timeout=WITHIN_MS)
    assert "kingfisher" not in page.content()
    page.reload()
    page.get_by_text("It was revoked, or it is not whole").wait_for(timeout=WITHIN_MS)
    assert [fault for fault in reader.complaints() if REFUSED not in fault] == []


def test_an_expired_link_says_that_it_has(
    context: BrowserContext, ana: taskkit.Client, gate: Path
) -> None:
    """Unlike one that was revoked."""
    share = ana.submit(steps, str(gate)).share(expires=2)
    reader = opened(context, share.url)
    reader.page.get_by_text("This link has expired.").wait_for(timeout=WITHIN_MS)


def test_who_is_signed_in_sees_by_a_link_what_it_shows(
    context: BrowserContext, closed: taskkit.LocalStack, ana: taskkit.Client, token: str, gate: Path
) -> None:
    """Whoever he is; and is signed in still when he goes back to his own jobs."""
    mine = str(request(closed, "/tokens", {"user": "bo"})["token"])
    share = ana.options(name="hers").submit(steps, str(gate)).share()
    assert share.url is not None
    page = context.new_page()
    page.goto(closed.url)
    page.get_by_label("Token").fill(mine)
    page.keyboard.press("Enter")
    page.locator("#connection[data-state=open]").wait_for(timeout=WITHIN_MS)
    page.goto(share.url)
    page.locator("#job-panel .job[data-state=running]").wait_for(timeout=WITHIN_MS)
    assert page.locator("#sign-out").is_hidden()
    page.goto(f"{closed.url}/#/")
    page.locator("#connection[data-state=open]").wait_for(timeout=WITHIN_MS)
    until(page, lambda: page.locator("#owner").inner_text() == "bo")


def signed_in(page: Page, url: str, token: str) -> None:
    """Open an address and sign in."""
    page.goto(url)
    page.get_by_label("Token").fill(token)
    page.keyboard.press("Enter")


def test_a_link_is_made_and_revoked_on_the_page_of_a_job(
    context: BrowserContext, closed: taskkit.LocalStack, ana: taskkit.Client, token: str, gate: Path
) -> None:
    """By the keyboard; it works, is listed, and shows nothing when it is revoked."""
    job = ana.submit(steps, str(gate))
    reader = Reader(context.new_page(), closed.url)
    page = reader.page
    signed_in(page, f"{closed.url}/#/jobs/{job.id}", token)
    page.get_by_role("button", name="Share …").press("Enter")
    page.get_by_label("It ends after").select_option("1 week")
    page.get_by_label("What for? Only you see that.").fill("for the group")
    page.get_by_role("button", name="Make a link").press("Enter")
    field = page.get_by_label("Link", exact=True)
    field.wait_for(timeout=WITHIN_MS)
    link = field.input_value()
    assert link.startswith(f"{closed.url}/#/shared/tk_share_")
    [listed] = [one for one in ana.shares() if one.jobs == (job.id,)]
    assert listed.note == "for the group"
    assert 6.9 < (listed.expires_at.timestamp() - time.time()) / 86_400 < 7.1
    reader.sees("#share-list :text('for the group')")
    with context.browser.new_context() as elsewhere:  # type: ignore[union-attr]
        colleague = opened(elsewhere, link)
        colleague.sees("#job-panel .job[data-state=running]")
        page.keyboard.press("Escape")
        assert page.locator("#share-link").input_value() == ""
        page.get_by_role("link", name="Links").click()
        page.get_by_role("button", name="for the group").click()
        page.get_by_text("The link is revoked").wait_for(timeout=WITHIN_MS)
        colleague.page.get_by_text("It was revoked").wait_for(timeout=WITHIN_MS)
    until(page, lambda: page.get_by_role("button", name="for the group").count() == 0)
    assert [fault for fault in reader.complaints() if REFUSED not in fault] == []


def test_who_may_not_share_has_no_button(
    context: BrowserContext, closed: taskkit.LocalStack, ana: taskkit.Client, gate: Path
) -> None:
    """A token that only reads shares nothing."""
    job = ana.submit(steps, str(gate))
    reads = str(request(closed, "/tokens", {"user": "ana", "scopes": ["read"]})["token"])
    page = context.new_page()
    signed_in(page, f"{closed.url}/#/jobs/{job.id}", reads)
    page.locator("#job-panel .job").wait_for(timeout=WITHIN_MS)
    assert page.locator("#job-share").is_hidden()
    assert page.locator("#to-shares").is_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_a_link_shows_has_no_serious_fault(
    chromium: Browser,
    axe: str,  # the fixture of that name
    closed: taskkit.LocalStack,
    ana: taskkit.Client,
    token: str,
    gate: Path,
    theme: Any,
) -> None:
    """List, job, end and the dialog; and on a phone nothing is wider than it."""
    batch = ana.options(name="sweep" * 20).map(steps, [str(gate)] * 2)
    share = batch.share()
    phone = {"width": 360, "height": 740}
    with chromium.new_context(color_scheme=theme, viewport=phone) as context:  # type: ignore[arg-type]
        reader = opened(context, share.url)
        page = reader.page
        reader.sees("#shared-jobs > li[data-state=running]")
        assert faults_in(page, axe, {}) == []
        assert fits(page)
        page.locator("#shared-jobs a").first.click()
        reader.sees("#job-panel .job[data-state=running]")
        assert faults_in(page, axe, {}) == []
        assert fits(page)
        own = context.new_page()
        signed_in(own, f"{closed.url}/#/jobs/{batch.jobs[0].id}", token)
        own.get_by_role("button", name="Share …").click()
        own.get_by_role("button", name="Make a link").click()
        own.locator("#share-list li").first.wait_for(timeout=WITHIN_MS)
        assert faults_in(own, axe, {}) == []
        assert fits(own)
        own.keyboard.press("Escape")
        own.get_by_role("link", name="Links").click()
        own.locator("#shares-list li").first.wait_for(timeout=WITHIN_MS)
        assert faults_in(own, axe, {}) == []
        assert fits(own)
        share.revoke()
        page.get_by_text("It was revoked").wait_for(timeout=WITHIN_MS)
        assert faults_in(page, axe, {}) == []


def fits(page: Page) -> bool:
    """Return whether nothing makes the page wider than its window."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
