"""The page at `/` in a real browser, on a real stack."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from reader import WITHIN_MS, Reader, request, until

import taskkit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.stack]


def create_task(stack: taskkit.LocalStack, name: str) -> str:
    """Run the demo task as the README's curl command does, and return the job's id."""
    answer = request(stack, "/tasks", {"name": name})
    return str(answer["data"]["task"]["id"])


NO_LINES = ("progress_reported", "curves_reported", "usage_reported")
"""What changes a row of the page, or nothing of it."""


def story_of(stack: taskkit.LocalStack, job: str) -> list[str]:
    """Return the kinds of what the log holds of a job, one for each line that it printed."""
    events, after, head = [], 0, 1
    while after < head:
        answer = request(stack, f"/events?log=jobs&after={after}&limit=500")
        events += answer["events"]
        head, after = answer["head"], answer["events"][-1]["seq"]
    kinds = []
    for event in events:
        if event["job"] == job and event["type"] not in NO_LINES:
            times = event["data"]["text"].count("\n") if event["type"] == "output_written" else 1
            kinds += [event["type"]] * times
    return kinds


@pytest.fixture
def reader(chromium: Browser, stack: taskkit.LocalStack) -> Iterator[Reader]:
    """A reader of the open stack, who must end without a complaint of the browser's."""
    context = chromium.new_context()
    reader = Reader(context.new_page(), stack.url)
    yield reader
    context.close()
    assert reader.complaints() == []


def test_a_jobs_life_is_shown_live_and_stays_after_a_reload(
    reader: Reader, stack: taskkit.LocalStack
) -> None:
    """The form of the page makes a job whose lines come by themselves, and are there again."""
    reader.opens()
    reader.page.locator("#name").fill("Zoé <b>")
    reader.page.get_by_role("button", name="Create task").click()
    row = reader.sees("#job-rows [data-state=running]")
    job = row.locator(".task").get_attribute("title") or ""
    bars = {reader.sees("#job-rows [data-state=running] progress[value]").get_attribute("value")}
    until(reader.page, lambda: _is_moved(reader.page, bars))
    reader.sees_end_of(job)
    lines = reader.lines_of(job)
    assert [kind for kind, _ in lines] == story_of(stack, job)
    assert any(text.endswith("started  Task Zoé <b>") for _, text in lines)
    reader.sees(f'#job-rows [data-id="{job}"][data-state=succeeded]')

    reader.page.reload()
    reader.sees_live()
    assert reader.lines_of(job) == lines


def _is_moved(page: Page, bars: set[str | None]) -> bool:
    bar = page.locator("#job-rows [data-state=running] progress[value]")
    bars |= {value.get_attribute("value") for value in bar.all()}
    return len(bars) >= 3


def test_a_latecomer_sees_the_past(
    reader: Reader, chromium: Browser, stack: taskkit.LocalStack
) -> None:
    """What happened before anybody looked is shown: the job, and the worker's arrival."""
    job = create_task(stack, "early")
    until(reader.opens().page, lambda: request(stack, f"/jobs/{job}")["state"] == "succeeded")
    with chromium.new_context() as context:
        late = Reader(context.new_page(), stack.url).opens()
        assert [kind for kind, _ in late.lines_of(job)] == story_of(stack, job)
        assert late.page.locator(".line[data-kind=worker_joined]").count() >= 1
        late.sees(f'#job-rows [data-id="{job}"][data-state=succeeded]')


def test_nothing_is_missing_or_doubled_after_the_server_was_killed(
    reader: Reader, stack: taskkit.LocalStack
) -> None:
    """The page resumes where it was when the server that fed it died in the middle of a job."""
    reader.opens()
    job = create_task(stack, "survivor")
    reader.sees(f'.line[data-kind=attempt_started]:has([title="{job}"])')
    os.killpg(stack.pids()["server"], signal.SIGKILL)
    reader.sees("#connection[data-state=waiting]:has-text('Reconnecting')")
    reader.sees_live()
    reader.sees_end_of(job)
    assert [kind for kind, _ in reader.lines_of(job)] == story_of(stack, job)


def test_a_job_that_ran_while_the_page_was_cut_off_is_shown_whole_once(
    reader: Reader, stack: taskkit.LocalStack
) -> None:
    """What happened between the cut and the next connection comes from the log."""
    reader.opens()
    before = create_task(stack, "before the cut")
    reader.sees(f'.line[data-kind=attempt_started]:has([title="{before}"])')
    reader.page.context.set_offline(True)
    reader.sees("#connection[data-state=waiting]")
    meanwhile = create_task(stack, "meanwhile")
    until(reader.page, lambda: request(stack, f"/jobs/{meanwhile}")["state"] == "succeeded")
    assert reader.lines_of(meanwhile) == []
    reader.page.context.set_offline(False)
    reader.sees_live()
    reader.sees_end_of(meanwhile)
    for job in (before, meanwhile):
        assert [kind for kind, _ in reader.lines_of(job)] == story_of(stack, job)


def test_scrolling_up_unticks_scroll_and_going_down_ticks_it(reader: Reader) -> None:
    """Somebody who looks back is not pulled to the newest line."""
    reader.opens()
    reader.page.set_viewport_size({"width": 600, "height": 300})
    box = reader.page.get_by_label("Scroll")
    assert box.is_checked()
    reader.page.locator("#log").hover()
    reader.page.mouse.wheel(0, -80)
    until(reader.page, lambda: not box.is_checked())
    reader.page.mouse.wheel(0, 10_000)
    until(reader.page, box.is_checked)


def test_the_policy_holds_in_the_browser(reader: Reader) -> None:
    """A script that finds its way into the document is not run."""
    from playwright.sync_api import Error

    reader.opens()
    assert reader.faults == []
    with pytest.raises(Error, match="Content Security Policy"):
        reader.page.add_script_tag(content="document.title = 'run'")
    assert reader.page.title() == "taskkit"
    # The browser tells of it when it has time.
    until(reader.page, lambda: any("script-src-elem" in fault for fault in reader.faults))
    reader.faults = [fault for fault in reader.faults if "Content Security Policy" not in fault]


@pytest.fixture(scope="module")
def closed_stack() -> Iterator[taskkit.LocalStack]:
    """A stack that wants a token."""
    with taskkit.LocalStack(workers=1) as stack:
        yield stack


def test_a_wrong_token_is_refused_in_words_and_the_right_one_kept_in_the_tab(
    chromium: Browser, closed_stack: taskkit.LocalStack
) -> None:
    """The form says what is wrong; the token is neither in the address nor in another tab."""
    with chromium.new_context() as context:
        reader = Reader(context.new_page(), closed_stack.url)
        reader.page.goto(reader.url)
        field = reader.page.get_by_label("Token")
        field.fill("wrong")
        field.press("Enter")
        reader.page.get_by_text("That token is not accepted.").wait_for(timeout=WITHIN_MS)
        field.fill(closed_stack.token)
        field.press("Enter")
        reader.sees_live()
        assert closed_stack.token not in reader.page.url
        reader.page.reload()
        reader.sees_live()
        assert all("401" in fault for fault in reader.faults), reader.faults
        other = Reader(context.new_page(), closed_stack.url)
        other.page.goto(other.url)
        other.page.get_by_label("Token").wait_for(timeout=WITHIN_MS)
