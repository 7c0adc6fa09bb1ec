"""The list of jobs, the workers and what happened to a job, in a real browser on a real stack."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fake_feed import START, WORKER, FakeFeed, progressed, started, submitted, succeeded
from reader import WITHIN_MS, Reader, request, until
from test_accessible import AXE

import taskkit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.stack]

LIMIT_S = 60.0
NOT_TOLD = "Failed to load resource: the server responded with a status of 404"
"""What a browser says of a route that a server does not have: `/queues` of an older one."""


def wait_for(gate: str) -> str:
    """Report and print until there is a file."""
    for step in taskkit.track(range(600), message="waiting"):
        print(f"step {step}")
        if Path(gate).exists():
            return f"stopped at {step}"
        time.sleep(0.05)
    return "all done"


def refuse(why: str) -> None:
    """Fail."""
    raise ValueError(why)


def fail_once(mark: str) -> str:
    """Fail, unless there is a file, and make it."""
    if Path(mark).exists():
        return "fine"
    Path(mark).touch()
    raise ConnectionError("no answer")


@pytest.fixture
def reader(chromium: Browser, stack: taskkit.LocalStack) -> Iterator[Reader]:
    """A reader of the open stack, who must end without a complaint of the browser's."""
    with chromium.new_context(viewport={"width": 1280, "height": 860}) as context:
        reader = Reader(context.new_page(), stack.url)
        yield reader
    assert [fault for fault in reader.complaints() if not fault.startswith(NOT_TOLD)] == []


def row(job: taskkit.Job, state: str = "") -> str:
    """Return the selector of a job's row, in a state."""
    return f'#job-rows [data-id="{job.id}"]' + (f"[data-state={state}]" if state else "")


def names(page: Page) -> list[str]:
    """Return the names of the jobs that are listed, in their order."""
    return page.locator("#job-rows .name").all_inner_texts()


def many_of(page: Page, state: str) -> str:
    """Return what the button of a state says of how many there are."""
    return page.locator(f'.chip[data-state="{state}"] .many').inner_text()


def finds(reader: Reader, words: str) -> Page:
    """Search for words by keyboard."""
    field = reader.page.get_by_label("Search jobs")
    field.fill(words)
    return reader.page


def test_jobs_are_filtered_searched_and_ordered_and_a_reload_keeps_it(
    reader: Reader, client: taskkit.Client, gate: Path
) -> None:
    """All that is in the address, and Back from a job's page comes back to it."""
    runs = client.options(name="walrus runs").submit(wait_for, str(gate))
    good = client.options(name="walrus ends").submit("demo", "x")
    bad = [client.options(name=f"walrus {n}").submit(refuse, f"too big: {n}") for n in (10, 9)]
    good.result(LIMIT_S)
    page = finds(reader.opens(), "WALRUS")
    for job in bad:
        reader.sees(row(job, "failed"))
    until(page, lambda: many_of(page, "failed") == "2")
    assert (many_of(page, "all"), many_of(page, "running")) == ("4", "1")
    assert names(page) == ["walrus 9", "walrus 10", "walrus ends", "walrus runs"]
    page.get_by_label("Sort").select_option("name")
    assert names(page) == ["walrus 9", "walrus 10", "walrus ends", "walrus runs"]
    page.get_by_label("Sort").select_option("longest")
    assert names(page)[0] == "walrus runs"
    page.get_by_role("button", name="Failed").click()
    page.get_by_role("button", name="Running").click()
    until(page, lambda: len(names(page)) == 3)
    assert page.url.endswith("#/?state=running,failed&q=WALRUS&sort=longest")
    assert "too big: 9" in page.locator(row(bad[1])).inner_text()

    page.reload()
    reader.sees_live()
    until(page, lambda: len(names(page)) == 3)
    assert page.get_by_label("Search jobs").input_value() == "WALRUS"
    assert page.get_by_label("Sort").input_value() == "longest"
    assert page.get_by_role("button", name="Failed").get_attribute("aria-pressed") == "true"

    reader.sees(f"{row(runs)} a").click()
    reader.sees("#job-panel .job")
    page.get_by_role("link", name="All jobs").click()
    until(page, lambda: len(names(page)) == 3)
    gate.touch()
    until(page, lambda: many_of(page, "running") == "0" and len(names(page)) == 2)


def test_several_are_cancelled_and_tried_again_after_a_question(
    reader: Reader, client: taskkit.Client, gate: Path
) -> None:
    """By their boxes: who says no cancels nothing; and what became of it is said."""
    jobs = [client.options(name=f"otter {n}").submit(wait_for, str(gate)) for n in range(4)]
    page = finds(reader.opens(), "otter")
    for job in jobs:
        reader.sees(row(job))
    page.locator(f"{row(jobs[0])} input").click()
    page.locator(f"{row(jobs[2])} input").click(modifiers=["Shift"])
    page.get_by_text("3 selected").wait_for(timeout=WITHIN_MS)
    cancel = page.get_by_role("button", name="Cancel 3", exact=True)
    cancel.click()
    page.get_by_role("button", name="Keep them").click()
    page.wait_for_timeout(300)
    assert many_of(page, "cancelled") == "0"
    cancel.click()
    page.get_by_role("button", name="Cancel 3 jobs").click()
    page.get_by_text("3 jobs cancelled.").wait_for(timeout=WITHIN_MS)
    for job in jobs[:3]:
        reader.sees(row(job, "cancelled"))
    until(page, page.locator("#selection").is_hidden)

    gate.touch()
    reader.sees(row(jobs[3], "succeeded"))
    page.get_by_label("Select all that are listed").click()
    page.get_by_text("4 selected").wait_for(timeout=WITHIN_MS)
    assert not page.get_by_role("button", name="Cancel 3").is_visible()
    page.get_by_role("button", name="Retry 3").click()
    page.get_by_text("3 jobs submitted again.").wait_for(timeout=WITHIN_MS)
    until(page, lambda: many_of(page, "succeeded") == "4")
    assert many_of(page, "all") == "7"


def test_what_a_busy_server_puts_off_is_done_later_and_what_it_refuses_is_said(
    reader: Reader,
) -> None:
    """Of three, one is put off for a second, one refused, and none done twice."""
    feed, page = FakeFeed(reader.page), reader.page
    ids = [f"{n}" * 32 for n in range(3)]
    for id in ids:
        feed.happens(submitted(id, "gull"), started(id))
    asked: list[str] = []

    def answer(route: Route) -> None:
        id = route.request.url.split("/")[-2]
        asked.append(id)
        later = {"code": "too_many_requests", "detail": "too often"}
        if id == ids[0] and asked.count(id) == 1:
            route.fulfill(status=429, json=later, headers={"Retry-After": "1"})
        elif id == ids[1]:
            route.fulfill(status=409, json={"code": "odd", "detail": "not this one"})
        else:
            route.fulfill(json={"id": id})

    page.route("**/jobs/*/cancel", answer)
    reader.opens()
    until(page, lambda: len(names(page)) == 3)
    page.get_by_label("Select all that are listed").click()
    page.get_by_role("button", name="Cancel 3", exact=True).click()
    page.get_by_role("button", name="Cancel 3 jobs").click()
    page.get_by_text("2 jobs cancelled. Not cancelled: 1 job (not this one).").wait_for()
    assert sorted(asked) == sorted([ids[0], *ids])
    assert sorted(reader.faults) == sorted(REFUSALS)
    reader.faults.clear()


REFUSALS = [
    "Failed to load resource: the server responded with a status of 409 (Conflict)",
    "Failed to load resource: the server responded with a status of 429 (Too Many Requests)",
]
"""What the browser itself says of these."""


def test_the_list_is_used_by_keyboard_alone(
    reader: Reader, client: taskkit.Client, gate: Path
) -> None:
    """From the search down into the rows, select, act, open, and back to the same row."""
    jobs = [client.options(name=f"heron {n}").submit(wait_for, str(gate)) for n in range(3)]
    page = finds(reader.opens(), "heron")
    reader.sees(row(jobs[2]))
    until(page, lambda: len(names(page)) == 3)
    keys = page.keyboard
    keys.press("ArrowDown")
    assert focused(page) == jobs[2].id
    keys.press("ArrowDown")
    keys.press("Space")
    keys.press("Shift+ArrowDown")
    page.get_by_text("2 selected").wait_for(timeout=WITHIN_MS)
    keys.press("Escape")
    assert page.locator("#selection").is_hidden()
    assert focused(page) == jobs[0].id
    keys.press("Space")
    keys.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Cancel 1"
    keys.press("Enter")
    reader.sees(row(jobs[0], "cancelled"))
    until(page, lambda: focused(page) == jobs[0].id)
    keys.press("Home")
    keys.press("ArrowDown")
    keys.press("Enter")
    reader.sees("#job-panel .job")
    assert page.url.endswith(jobs[1].id)
    page.go_back()
    until(page, lambda: focused(page) == jobs[1].id)
    assert page.locator("#job-rows [tabindex='0']").count() == 1


def focused(page: Page) -> str:
    """Return the id of the job whose row has the focus."""
    return str(page.evaluate("document.activeElement.dataset.id ?? document.activeElement.id"))


def test_who_has_no_jobs_is_told_what_to_paste_and_it_works(
    chromium: Browser, tmp_path: Path
) -> None:
    """Three lines; run as they are, the job appears."""
    with (
        taskkit.LocalStack(workers=1, open=True) as stack,
        chromium.new_context(permissions=["clipboard-read", "clipboard-write"]) as context,
    ):
        reader = Reader(context.new_page(), stack.url).opens()
        page = reader.page
        page.get_by_role("heading", name="No jobs yet").wait_for(timeout=WITHIN_MS)
        page.get_by_role("button", name="Copy").click()
        page.get_by_role("button", name="Copied").wait_for(timeout=WITHIN_MS)
        code = str(page.evaluate("navigator.clipboard.readText()"))
        assert len(code.splitlines()) == 3
        with pytest.MonkeyPatch.context() as told:
            told.setenv("TASKKIT_URL", stack.url)
            told.setenv("TASKKIT_TOKEN", stack.token)
            exec(code, {})
        reader.sees("#job-rows .row")
        until(page, page.locator("#first").is_hidden)
        finds(reader, "nothing of that name")
        page.get_by_text("No job matches.").wait_for(timeout=WITHIN_MS)
        page.get_by_role("button", name="Show all jobs").click()
        reader.sees("#job-rows .row")
        assert page.evaluate("document.activeElement.id") == "search"


# What happened to a job


def test_each_attempt_is_told_with_its_worker_and_why_it_ended(
    reader: Reader, client: taskkit.Client, stack: taskkit.LocalStack, tmp_path: Path
) -> None:
    """And what happened in between, with times; the same after a reload."""
    job = client.options(retries=1).submit(fail_once, str(tmp_path / "mark"))
    assert job.result(LIMIT_S) == "fine"
    page = reader.opens().page
    page.goto(f"{reader.url}/#/jobs/{job.id}")
    attempts = reader.sees("#job-attempts tbody tr")
    until(page, lambda: attempts.count() == 2)
    first, second = (attempts.nth(n).inner_text() for n in range(2))
    assert "failed: ConnectionError: no answer" in first
    assert "succeeded: 'fine'" in second
    assert any(f"{one['host']} {one['pid']}" in first for one in workers_of(stack))
    reader.sees("#job-steps [data-kind=job_succeeded]")
    steps = page.locator("#job-steps > li:not([data-kind=said]) .text").all_inner_texts()
    assert [step.split(" on ")[0].split(":")[0] for step in steps] == [
        "submitted",
        "attempt 1 started",
        "attempt 1 failed",
        "attempt 2 started",
        "succeeded",
    ]
    assert page.locator("#job-steps .since").nth(1).inner_text().startswith("+")
    page.reload()
    until(page, lambda: attempts.count() == 2)


def workers_of(stack: taskkit.LocalStack) -> list[dict[str, Any]]:
    """Return the workers of a stack."""
    workers: list[dict[str, Any]] = request(stack, "/workers")["workers"]
    return workers


def test_what_an_attempt_says_is_folded_and_opens_by_keyboard(
    reader: Reader, client: taskkit.Client, gate: Path
) -> None:
    """It stays open, and counts on, while the job goes on."""
    job = client.submit(wait_for, str(gate))
    page = reader.opens().page
    page.goto(f"{reader.url}/#/jobs/{job.id}")
    fold = reader.sees("#job-steps details")
    summary = fold.locator("summary")
    until(page, lambda: "reports of progress" in summary.inner_text())
    summary.focus()
    page.keyboard.press("Enter")
    said = fold.locator("li", has_text="pieces of output")
    said.wait_for(timeout=WITHIN_MS)
    before = said.inner_text()
    assert "the last: step " in before
    until(page, lambda: said.inner_text() != before)
    assert fold.evaluate("fold => fold.open")
    assert page.locator("#job-steps > li").count() == 3
    gate.touch()
    reader.sees("#job-steps [data-kind=job_succeeded]")
    assert page.locator("#job-steps > li").count() == 4


def test_a_story_whose_beginning_the_log_has_lost_says_so(reader: Reader) -> None:
    """The attempts that the record tells are there."""
    feed = FakeFeed(reader.page)
    id = "ab" * 16
    at = "2026-01-01T00:00:00Z"
    record = {
        "id": id,
        "task": "fit",
        "state": "running",
        "seq": 900,
        "created_at": at,
        "started_at": "2026-01-01T00:01:00Z",
        "attempt": 2,
        "worker": "lab-7-ab",
        "past_attempts": [{"attempt": 1, "end": "lost", "cause": "signal 9", "at": at}],
        "options": {},
    }
    feed.records = [record]
    reader.page.route(f"**/jobs/{id}", lambda route: route.fulfill(json=record))
    panel = (
        f'<div class="job" data-state="running" data-seq="900"><b class="tk-name">{id}</b></div>'
    )
    reader.page.route(
        f"**/jobs/{id}/panel", lambda route: route.fulfill(body=panel, content_type="text/html")
    )
    page = reader.opens().page
    page.goto(f"{reader.url}/#/jobs/{id}")
    attempts = reader.sees("#job-attempts tbody tr")
    assert attempts.count() == 2
    assert "lost: signal 9" in attempts.first.inner_text()
    page.get_by_text("Some of it is no longer in the log.").wait_for(timeout=WITHIN_MS)


# Workers and queues


def test_workers_are_shown_with_their_load_and_ones_own_jobs(
    reader: Reader, client: taskkit.Client, gate: Path
) -> None:
    """The link leads to the job; when that ends the worker is idle."""
    job = client.options(name="badger").submit(wait_for, str(gate))
    page = reader.opens().page
    reader.sees(row(job, "running"))
    page.get_by_role("link", name="Workers").click()
    card = reader.sees("#fleet > li")
    page.locator("#fleet a", has_text="badger").wait_for(timeout=WITHIN_MS)
    until(page, lambda: page.locator("#load").inner_text() == "1 of 2 processes busy")
    assert "here for" in card.first.inner_text()
    assert page.locator("#fleet .squares .own").count() == 1
    assert page.locator("#history li", has_text="joined: ").count() >= 1
    queue, told = reader.sees("#queues tbody tr").first, ["default", "0 of 0", "1 of 1", "1"]
    until(page, lambda: queue.inner_text().split("\t") == told)
    card.first.locator("summary").click()
    card.first.get_by_text("demo", exact=True).wait_for(timeout=WITHIN_MS)
    gate.touch()
    until(page, lambda: page.locator("#load").inner_text() == "0 of 2 processes busy")
    until(page, lambda: page.locator("#fleet a").count() == 0)
    assert page.title() == "workers · taskkit"


def test_a_worker_that_dies_is_gone_from_the_page_and_it_says_why(chromium: Browser) -> None:
    """And when there is none, what to do."""
    with taskkit.LocalStack(workers=1, open=True) as stack, chromium.new_context() as context:
        reader = Reader(context.new_page(), stack.url).opens()
        page = reader.page
        page.goto(f"{reader.url}/#/workers")
        reader.sees("#fleet > li")
        page.route(
            "**/workers",
            lambda route: route.fulfill(json={"workers": []}),
        )
        page.get_by_text("No worker is there").wait_for(timeout=WITHIN_MS)
        until(page, lambda: page.locator("#fleet > li").count() == 0)
        page.unroute("**/workers")
        reader.sees("#fleet > li")
        pid = workers_of(stack)[0]["pid"]
        os.kill(pid, signal.SIGTERM)
        left = page.locator("#history li", has_text="left: ")
        left.first.wait_for(timeout=30_000)


def test_queues_show_ones_own_beside_all_and_which_nobody_serves(reader: Reader) -> None:
    """As the server tells them; a server that does not leaves the page without."""
    feed = FakeFeed(reader.page)
    page = reader.opens().page
    page.goto(f"{reader.url}/#/workers")
    page.get_by_text("No worker is there").wait_for(timeout=WITHIN_MS)
    assert not page.locator("#queues").is_visible()
    feed.answers["queues"] = QUEUES
    page.reload()
    rows = reader.sees("#queues tbody tr")
    assert rows.first.inner_text().split("\t") == ["default", "3 of 40", "2", "1"]
    assert "none: these jobs wait" in rows.nth(1).inner_text()


# For all readers


@pytest.fixture(scope="module")
def axe() -> str:
    """The path of axe-core."""
    if not AXE.exists():
        if os.environ.get("CI") == "true":
            pytest.fail("axe-core is missing; CI must run the tests that need it")
        pytest.skip("axe-core is not here: `make chromium` installs it from npm")
    return str(AXE)


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 360), ("light", 360)])
def test_each_part_has_no_fault_and_fits(
    chromium: Browser, axe: str, stack: taskkit.LocalStack, theme: Any, width: int
) -> None:
    """Of any impact; with a selection, a question, folds that are open; on a phone, too."""
    size = {"width": width, "height": 740}
    with chromium.new_context(color_scheme=theme, viewport=size) as context:
        reader = Reader(context.new_page(), stack.url)
        feed, page = FakeFeed(reader.page), reader.page
        page.goto(reader.url)
        page.get_by_role("heading", name="No jobs yet").wait_for(timeout=WITHIN_MS)
        check(page, axe, width)
        ids = one_of_each(feed)
        page.route(f"**/jobs/{ids[0]}/panel", lambda route: route.fulfill(body=panel_of(ids[0])))
        reader.sees("#job-rows [data-state=running]")
        page.locator("#job-rows input").first.click()
        page.get_by_text("1 selected").wait_for(timeout=WITHIN_MS)
        check(page, axe, width)
        page.locator("#job-rows input").nth(1).click()
        page.get_by_role("button", name="Cancel 2").click()
        page.get_by_role("button", name="Keep them").wait_for(timeout=WITHIN_MS)
        check(page, axe, width)
        page.keyboard.press("Escape")
        finds(reader, "nothing of that name")
        page.get_by_text("No job matches.").wait_for(timeout=WITHIN_MS)
        check(page, axe, width)
        page.goto(f"{reader.url}/#/workers")
        reader.sees("#queues tbody tr")
        reader.sees("#fleet summary").first.click()
        check(page, axe, width)
        page.goto(f"{reader.url}/#/jobs/{ids[0]}")
        reader.sees("#job-steps summary").first.click()
        check(page, axe, width)
        assert reader.complaints() == []


def one_of_each(feed: FakeFeed) -> list[str]:
    """Have jobs in all states, a worker and queues; return the jobs' ids, the newest first."""
    ids = [f"{n:x}" * 32 for n in range(5)]
    error = {"type": "ValueError", "message": "no " * 60, "traceback": ""}
    for n, id in enumerate(ids):
        feed.happens(submitted(id, "a_name_without_any_space_" * 4), at=START + n)
    feed.happens(
        started(ids[4]),
        progressed(ids[4], 3, 9),
        started(ids[2]),
        succeeded(ids[2]),
        started(ids[1]),
        (ids[1], "job_failed", {"error": error}),
        (ids[0], "job_cancelled", {}),
        at=START + 2_000,
    )
    feed.answers["queues"] = QUEUES
    worker = {"name": WORKER, "host": "lab", "pid": 1, "processes": 4, "busy": 3, "jobs": [ids[4]]}
    tasks = [{"name": "demo", "summary": "Greet somebody."}]
    joined = {"python": "3.11.7", "joined_at": "2026-01-01T00:00:00Z", "tasks": tasks}
    feed.answers["workers"] = {"workers": [{**worker, **joined}]}
    return ids[::-1]


def panel_of(id: str) -> str:
    """Return a panel in which there is nothing but a name."""
    return f'<div class="job" data-state="running" data-seq="99"><b class="tk-name">{id}</b></div>'


QUEUES = {
    "queues": [
        {"name": "default", "queued": 3, "running": 2, "workers": 1, "queued_all": 40},
        {"name": "gpu", "queued": 1, "running": 0, "workers": 0},
    ]
}


def check(page: Page, axe: str, width: int) -> None:
    """Fail where axe-core finds anything, or where the page has to be scrolled sideways."""
    page.evaluate(Path(axe).read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate("axe.run()")
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_live_regions_do_not_speak_of_each_event(reader: Reader) -> None:
    """A hundred events of a job change nothing that a screen reader would read out by itself."""
    feed = FakeFeed(reader.page)
    id = "ab" * 16
    feed.happens(submitted(id, "quiet"), started(id), at=START)
    page = reader.opens().page
    reader.sees(f'#job-rows [data-id="{id}"]')
    page.evaluate(
        """() => {
            window.spoken_ = [];
            const regions = document.querySelectorAll("[role=status], [role=alert], [aria-live]");
            const live = [...regions].filter((one) => one.id !== "log");
            const tell = (changes) => window.spoken_.push(...changes.map((one) => one.target));
            for (const one of live) {
                const all = { childList: true, characterData: true, subtree: true };
                new MutationObserver(tell).observe(one, all);
            }
            window.live_ = live.length;
        }"""
    )
    for n in range(100):
        feed.happens((id, "progress_reported", {"done": n, "total": 100, "message": ""}))
    until(page, lambda: page.locator("#job-rows progress").get_attribute("value") == "99")
    assert page.evaluate("window.live_") >= 4
    assert page.evaluate("window.spoken_.length") == 0


@pytest.mark.parametrize("media", [{"forced_colors": "active"}, {"reduced_motion": "reduce"}])
def test_what_is_selected_is_seen_with_forced_colours_and_nothing_moves(
    reader: Reader, client: taskkit.Client, gate: Path, media: dict[str, Any]
) -> None:
    """By an outline, where backgrounds are not the page's; and there are no animations at all."""
    job = client.submit(wait_for, str(gate))
    page = reader.page
    page.emulate_media(**media)
    reader.opens()
    reader.sees(row(job, "running"))
    page.locator(f"{row(job)} input").click()
    page.get_by_text("1 selected").wait_for(timeout=WITHIN_MS)
    if "forced_colors" in media:
        look = "row => getComputedStyle(row).outlineStyle"
        assert page.locator(row(job)).evaluate(look) == "solid"
    assert page.evaluate("document.getAnimations().length") == 0
