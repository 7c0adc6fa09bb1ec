"""The page with ten thousand jobs, of which two hundred run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from fake_feed import START, FakeFeed, progressed, started, submitted, succeeded
from reader import Reader, until

import taskkit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.stack]

JOBS = 10_000
RUNNING = 200
UPDATES = 50
"""Of each running job, ten a second."""

MOST_ELEMENTS = 120
"""Rows that there are elements for, on any screen of a desk."""

FRAMES = """() => {
    const frames = window.frames_ = [];
    const seen = window.seen_ = new Set();
    const grid = document.querySelector("#jobs");
    let last = performance.now();
    let down = 1;
    const step = (now) => {
        frames.push(now - last);
        last = now;
        const bars = document.querySelectorAll("#job-rows progress[value]");
        for (const bar of bars) seen.add(bar.value);
        if (window.isScrolling_) {
            grid.scrollTop += 37 * down;
            if (grid.scrollTop + grid.clientHeight >= grid.scrollHeight - 1) down = -1;
            if (grid.scrollTop === 0) down = 1;
        }
        window.frame_ = requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
}"""
"""Measures the time from frame to frame, and scrolls, where that is wanted."""

IN_THE_MIDDLE = """() => {
    const {left, top, width, height} = document.querySelector("#jobs").getBoundingClientRect();
    const middle = document.elementFromPoint(left + width / 2, top + height / 2);
    return middle.closest("[data-id]").dataset.id;
}"""
"""The id of the job in the middle of what is seen."""

MIDDLE_MS = 34.0
LONG_MS = 250.0
"""Of the middle frame, and of one in twenty: a machine that is busy leaves out some for long."""


def id_of(number: int) -> str:
    """Return a job's id."""
    return f"{number:032x}"


@pytest.fixture
def reader(chromium: Browser, stack: taskkit.LocalStack) -> Iterator[Reader]:
    """A reader of the page, who must end without a complaint of the browser's."""
    with chromium.new_context(viewport={"width": 1280, "height": 860}) as context:
        reader = Reader(context.new_page(), stack.url)
        yield reader
    assert reader.complaints() == []


def many(feed: FakeFeed) -> None:
    """Have ten thousand jobs, the last two hundred of which run."""
    for n in range(JOBS):
        id = id_of(n)
        life = [submitted(id, f"job {n}"), started(id)]
        if n < JOBS - RUNNING:
            life.append(succeeded(id))
        feed.happens(*life, at=START + n * 10)


@pytest.mark.alone
def test_ten_thousand_jobs_stay_smooth_while_two_hundred_report(
    reader: Reader, record_property: Any
) -> None:
    """Ten times a second each, shown and scrolled through; only what is in sight has elements."""
    feed = FakeFeed(reader.page)
    many(feed)
    begun = time.monotonic()
    page = reader.opens().page
    until(page, lambda: page.locator("#states .many").first.inner_text().startswith("10,000"))
    loaded_s = time.monotonic() - begun
    told = {}
    for name, is_scrolling in (("still", False), ("scrolling", True)):
        page.evaluate("isScrolling => { window.isScrolling_ = isScrolling }", is_scrolling)
        page.evaluate(FRAMES)
        for step in range(UPDATES):
            ends = time.monotonic() + 0.1
            running = range(JOBS - RUNNING, JOBS)
            feed.happens(*(progressed(id_of(n), step, UPDATES) for n in running))
            page.wait_for_timeout(max(1.0, (ends - time.monotonic()) * 1000))
        page.evaluate("cancelAnimationFrame(window.frame_)")
        frames = sorted(page.evaluate("window.frames_")[1:])
        told[name] = {
            "frames": len(frames),
            "p50_ms": round(frames[len(frames) // 2], 1),
            "p95_ms": round(frames[len(frames) * 95 // 100], 1),
            "max_ms": round(frames[-1], 1),
        }
        assert len(page.evaluate("[...window.seen_]")) > UPDATES / 2
        assert page.locator("#job-rows .row").count() < MOST_ELEMENTS
    print(f"loaded in {loaded_s:.1f} s; {told}")
    record_property("frames", told)
    assert max(one["p50_ms"] for one in told.values()) < MIDDLE_MS
    assert max(one["p95_ms"] for one in told.values()) < LONG_MS


def test_a_row_in_the_middle_keeps_its_place_and_focus_while_jobs_come(reader: Reader) -> None:
    """Who looks at an older job, or is at it with the keyboard, is not moved away from it."""
    feed = FakeFeed(reader.page)
    many(feed)
    page = reader.opens().page
    grid = page.locator("#jobs")
    grid.evaluate("grid => { grid.scrollTop = 100_000 }")
    page.wait_for_timeout(200)
    id = page.evaluate(IN_THE_MIDDLE)
    number = int(id, 16)
    looked_at = page.locator(f'#job-rows [data-id="{id}"]')
    looked_at.focus()
    before = looked_at.bounding_box()
    for n in range(5):
        new = id_of(JOBS + n)
        feed.happens(submitted(new, f"new {n}"), at=START + (JOBS + n) * 10)
        page.wait_for_timeout(100)
    until(page, lambda: page.locator("#states .many").first.inner_text().startswith("10,005"))
    assert looked_at.bounding_box() == before
    grid.evaluate("grid => { grid.scrollTop = 300_000 }")
    page.wait_for_timeout(200)
    assert page.evaluate("document.activeElement.dataset.id") == id
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.id") == id_of(number - 1)
    assert page.evaluate("document.activeElement.ariaRowIndex") == str(JOBS + 5 - number + 2)
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.dataset.id") == id_of(0)
    page.keyboard.press("Home")
    assert page.locator(f'[data-id="{id_of(JOBS + 4)}"]:focus').is_visible()


def record(n: int) -> dict[str, Any]:
    """Return a job of before the log, as the server lists it."""
    at = datetime.fromtimestamp(START / 1000 - 60 * n, UTC).isoformat()
    facts = {"id": id_of(n), "task": "fit", "state": "succeeded", "seq": 1, "attempt": 1}
    times = {"created_at": at, "started_at": at, "finished_at": at}
    return {**facts, **times, "options": {"name": f"old {n}"}, "past_attempts": []}


def test_older_jobs_come_page_by_page_as_somebody_looks_for_them(reader: Reader) -> None:
    """Not before; by scrolling, and by searching, which stops to ask whether to go on."""
    feed = FakeFeed(reader.page)
    feed.records = [record(n) for n in range(3_000)]
    page = reader.opens().page
    grid = page.locator("#jobs")
    rows = page.locator("#jobs")
    until(page, lambda: rows.get_attribute("aria-rowcount") == "251")
    page.wait_for_timeout(300)
    assert feed.pages == 1
    # The server has counted those, too, that are not loaded.
    until(page, lambda: page.locator("#states .many").first.inner_text() == "3,000")
    assert page.locator("#states .many").nth(4).inner_text() == "3,000"
    grid.evaluate("grid => { grid.scrollTop = grid.scrollHeight }")
    until(page, lambda: rows.get_attribute("aria-rowcount") == "501")

    page.get_by_label("Search jobs").fill("old 1")
    until(page, lambda: page.locator("#states .many").first.inner_text().endswith("+"))
    page.get_by_label("Search jobs").fill("old 2999")
    page.get_by_text("No job since").wait_for()
    assert feed.pages == 10
    further = page.get_by_role("button", name="Look further back")
    further.click()
    reader.sees(f'#job-rows [data-id="{id_of(2_999)}"]')
    assert feed.pages == 12
    assert not further.is_visible()
    assert page.locator("#states .many").first.inner_text() == "1"
