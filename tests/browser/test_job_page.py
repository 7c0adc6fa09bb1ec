"""The page of one job in a real browser, on a real stack."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from reader import WITHIN_MS, Reader, request, until

import taskkit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, Request, Route

pytestmark = [pytest.mark.browser, pytest.mark.stack]

LIMIT_S = 60.0
QUIET_MS = 2_000

BAR = "#job-panel .tk-head + .tk-bar"
FOLD = "#job-panel .tk-more"
ABOVE = "#job-panel .tk-scroll"
ABSENT = "Failed to load resource: the server responded with a status of 404"


def steps(gate: str, many: int = 600) -> str:
    """Count, and say so, until there is a file."""
    for step in taskkit.track(range(many), message="relaxing"):
        print(f"step {step}: \x1b[33mwarm\x1b[0m")
        if Path(gate).exists():
            return f"stopped at {step}"
        time.sleep(0.05)
    return "all done"


def fussy(gate: str) -> str:
    """Fail within a library until there is a file."""
    import json

    return "fine" if Path(gate).exists() else json.loads("{oops")


def wide(name: str) -> Any:
    """Return a data frame of many columns."""
    import pandas as pd

    return pd.DataFrame({f"{name}{column}": range(3) for column in range(9)})


@pytest.fixture
def reader(chromium: Browser, stack: taskkit.LocalStack) -> Iterator[Reader]:
    """A reader of the open stack, who must end without a complaint of the browser's."""
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    reader = Reader(context.new_page(), stack.url)
    yield reader
    context.close()
    assert [fault for fault in reader.complaints() if not fault.startswith(ABSENT)] == []


class Asked:
    """How a page asks for panels."""

    def __init__(self, page: Page) -> None:
        self.times: list[float] = []
        self.most_at_once = 0
        self._open = 0
        page.on("request", self._begin)
        page.on("requestfinished", self._end)
        page.on("requestfailed", self._end)

    def _begin(self, request: Request) -> None:
        if request.url.endswith("/panel"):
            self.times.append(time.monotonic())
            self._open += 1
            self.most_at_once = max(self.most_at_once, self._open)

    def _end(self, request: Request) -> None:
        self._open -= request.url.endswith("/panel")


def goes_to(reader: Reader, job: taskkit.Job[Any]) -> Page:
    """Open a job's page by its address."""
    reader.page.goto(f"{reader.url}/#/jobs/{job.id}")
    reader.sees("#job-panel .taskkit")
    return reader.page


def sees_state(reader: Reader, state: str) -> Locator:
    """Wait until the panel shows a state, and return it."""
    return reader.sees(f"#job-panel .job[data-state={state}]")


def focused(page: Page) -> str:
    """Return what has the focus, in words."""
    told = "document.activeElement.textContent.trim() || document.activeElement.tagName"
    return str(page.evaluate(told))


def test_a_running_job_is_followed_from_its_row_to_its_end(
    reader: Reader, client: taskkit.Client, gate: Path
) -> None:
    """The bar moves, the end comes by itself, and then nothing more is asked for."""
    job = client.options(name="relaxation").submit(steps, str(gate), 100)
    page, asked = reader.opens().page, Asked(reader.page)
    reader.sees(f'#job-rows a[href="#/jobs/{job.id}"]').click()
    bar = reader.sees(BAR)
    assert page.url.endswith(f"/#/jobs/{job.id}")
    assert not page.locator("#stack").is_visible()
    seen: set[str | None] = set()

    def is_moved() -> bool:
        seen.add(bar.get_attribute("aria-valuenow"))
        return len(seen) > 3

    until(page, is_moved)
    assert page.title().endswith("% · relaxation · taskkit")
    page.get_by_role("button", name="Cancel").focus()
    gate.touch()
    panel = sees_state(reader, "succeeded")
    assert "stopped at" in panel.locator(".tk-result").inner_text()
    assert page.title() == "succeeded · relaxation · taskkit"
    assert not page.locator("#job-act").is_visible()
    assert focused(page) == f"Job {job.id[:8]}"
    many = len(asked.times)
    page.wait_for_timeout(QUIET_MS)
    assert len(asked.times) == many
    assert asked.most_at_once == 1
    first, *_, last = asked.times  # by when the test hears of them, which is uneven
    assert (last - first) / (len(asked.times) - 1) > 0.3


def test_what_the_reader_opened_stays_as_it_was_left(
    reader: Reader, client: taskkit.Client, gate: Path
) -> None:
    """Open, scrolled, focused and selected, while the lines in it come and go."""
    page = goes_to(reader, client.submit(steps, str(gate)))
    fold = reader.sees(f"{FOLD} > summary")
    until(page, lambda: "12 lines above" < fold.inner_text() >= "30 lines above")
    fold.focus()
    page.keyboard.press("Enter")
    above = reader.sees(ABOVE)
    until(page, lambda: bool(above.evaluate("box => box.scrollHeight > box.clientHeight + 150")))
    above.evaluate("box => { box.scrollTop = -100 }")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.tk-name'))")
    before, lines = fold.inner_text(), above.inner_text()
    until(page, lambda: fold.inner_text() != before and above.inner_text() != lines)
    assert page.locator(FOLD).evaluate("fold => fold.open")
    assert above.evaluate("box => box.scrollTop") <= -100  # 0 is the end, which it does not follow
    assert focused(page) == fold.inner_text()
    assert page.evaluate("getSelection().toString()") == "steps"
    colours = above.locator("span").first
    assert colours.evaluate("one => getComputedStyle(one).color") != above.evaluate(
        "one => getComputedStyle(one).color"
    )


def test_cancel_by_keyboard_cancels_and_the_focus_stays(
    reader: Reader, client: taskkit.Client, gate: Path, stack: taskkit.LocalStack
) -> None:
    """The same button offers to try it again."""
    job = client.submit(steps, str(gate))
    page = goes_to(reader, job)
    sees_state(reader, "running")
    page.get_by_role("link", name="All jobs").focus()
    page.keyboard.press("Tab")
    assert focused(page) == "Cancel"
    page.keyboard.press("Enter")
    sees_state(reader, "cancelled")
    assert request(stack, f"/jobs/{job.id}")["state"] == "cancelled"
    until(page, lambda: focused(page) == "Retry")


def test_a_double_click_does_not_try_again_what_it_cancelled(
    reader: Reader, client: taskkit.Client, gate: Path
) -> None:
    """The button has changed its meaning between the two."""
    job = client.submit(steps, str(gate))
    page = goes_to(reader, job)
    sees_state(reader, "running")
    button = page.get_by_role("button", name="Cancel").bounding_box()
    assert button is not None
    x, y = button["x"] + 10, button["y"] + 10
    page.mouse.click(x, y)
    page.get_by_role("button", name="Retry").wait_for(timeout=WITHIN_MS)
    page.mouse.down(click_count=2)
    page.mouse.up(click_count=2)
    page.wait_for_timeout(500)
    sees_state(reader, "cancelled")
    assert page.url.endswith(job.id)


def test_a_failure_is_told_folded_and_can_be_tried_again(
    reader: Reader, client: taskkit.Client, gate: Path
) -> None:
    """The traceback opens, in it the library's frames; the new job has a page of its own."""
    job = client.submit(fussy, str(gate))
    page = goes_to(reader, job)
    trouble = sees_state(reader, "failed").locator(".tk-trouble")
    assert "JSONDecodeError" in trouble.inner_text()
    trace = trouble.locator("details").first
    assert not trace.evaluate("fold => fold.open")
    trace.locator("summary").first.click()
    assert 'json.loads("{oops")' in trace.inner_text()
    frames = trace.get_by_text("frames in json")
    assert "raw_decode" not in trace.inner_text()
    frames.click()
    assert "raw_decode" in trace.inner_text()
    gate.touch()
    page.get_by_role("button", name="Retry").click()
    sees_state(reader, "succeeded")
    assert not page.url.endswith(job.id)
    assert page.locator("#job-panel .tk-trouble").count() == 0
    page.go_back()
    sees_state(reader, "failed")


def test_a_job_that_ended_long_ago_is_opened_from_the_log_by_keyboard(
    reader: Reader, client: taskkit.Client, gate: Path
) -> None:
    """One tab stop leads into the log's links, arrows from one to the next; and back again."""
    gate.touch()
    early = client.submit(steps, str(gate))
    early.result(LIMIT_S)
    late = client.submit(steps, str(gate))
    late.result(LIMIT_S)
    page = reader.opens().page
    reader.sees(f'.line[data-kind=job_succeeded]:has([title="{late.id}"])')
    page.locator("#log").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.hash") == f"#/jobs/{late.id}"
    for _ in range(40):
        page.keyboard.press("ArrowUp")
        if page.evaluate("document.activeElement.hash") == f"#/jobs/{early.id}":
            break
    top = page.locator("#log").evaluate("log => log.scrollTop")
    page.keyboard.press("Enter")
    assert "stopped at" in sees_state(reader, "succeeded").inner_text()
    assert page.url.endswith(early.id)
    assert focused(page) == f"Job {early.id[:8]}"
    page.get_by_role("link", name="All jobs").click()
    reader.sees("#log")
    assert page.title() == "taskkit"
    assert page.evaluate("document.activeElement.hash") == f"#/jobs/{early.id}"
    assert page.locator("#log").evaluate("log => log.scrollTop") == top


def test_the_id_is_copied(reader: Reader, client: taskkit.Client, gate: Path) -> None:
    """By the panel's button, whose own code the policy forbids."""
    job = client.submit(steps, str(gate))
    page = goes_to(reader, job)
    page.get_by_role("button", name="copy id").click()
    page.get_by_text("The id is copied.").wait_for(state="attached", timeout=WITHIN_MS)
    assert page.evaluate("navigator.clipboard.readText()") == job.id
    assert page.locator("#job-panel [onclick]").count() == 0


@pytest.mark.parametrize("id", ["0" * 32, "nobody's"])
def test_an_unknown_job_is_told_in_words(reader: Reader, id: str) -> None:
    """Once: it is not asked for again, and there is nothing to press."""
    asked = Asked(reader.page)
    reader.page.goto(f"{reader.url}/#/jobs/{id}")
    reader.page.get_by_text("There is no job").wait_for(timeout=WITHIN_MS)
    reader.sees("#connection[data-state=open]")
    reader.page.wait_for_timeout(QUIET_MS)
    assert len(asked.times) == 1
    assert not reader.page.locator("#job-act").is_visible()
    reader.page.get_by_role("link", name="All jobs").click()
    reader.sees_live()


def test_a_hidden_tab_asks_for_nothing_and_catches_up(
    reader: Reader, client: taskkit.Client, gate: Path
) -> None:
    """When it is seen again it shows at once what has become of the job."""
    job = client.submit(steps, str(gate))
    page = goes_to(reader, job)
    sees_state(reader, "running")
    turn = """isHidden => {
        Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(turn, True)
    page.wait_for_timeout(500)  # what was asked for before may be on its way
    asked = Asked(page)
    gate.touch()
    job.result(LIMIT_S)
    page.wait_for_timeout(QUIET_MS)
    assert asked.times == []
    page.evaluate(turn, False)
    sees_state(reader, "succeeded")


def test_a_server_that_is_away_is_told_and_what_was_shown_stays(
    reader: Reader, client: taskkit.Client, gate: Path, stack: taskkit.LocalStack
) -> None:
    """And the panel goes on by itself."""
    page = goes_to(reader, client.submit(steps, str(gate)))
    sees_state(reader, "running")

    def is_away() -> bool:
        # It may be back before the page asks: then once more.
        server = stack.pids().get("server")
        if server:
            with suppress(ProcessLookupError):
                os.killpg(server, signal.SIGKILL)
        return page.get_by_text("Not up to date").count() > 0

    until(page, is_away)
    sees_state(reader, "running")
    reader.sees("#connection[data-state=open]")
    gate.touch()
    sees_state(reader, "succeeded")
    assert page.locator("#job-stale").inner_text() == ""
    reader.faults = [fault for fault in reader.faults if "ERR_" not in fault]


def test_below_a_prefix_and_without_a_websocket_a_job_is_followed_too(
    reader: Reader, client: taskkit.Client, gate: Path
) -> None:
    """As behind a proxy that knows HTTP only: once a second."""
    job = client.submit(steps, str(gate))
    page, place = reader.page, "http://lab.example/user/zoe/proxy/8080"

    def forward(route: Route) -> None:
        path = route.request.url.removeprefix(place)
        headers = {**route.request.headers, "host": reader.url.partition("//")[2]}
        headers.pop("origin", None)
        route.fulfill(response=route.fetch(url=f"{reader.url}{path}", headers=headers))

    page.route(f"{place}/**", forward)
    page.goto(f"{place}/#/jobs/{job.id}")
    bar = reader.sees(BAR)
    begun = bar.get_attribute("aria-valuenow")
    until(page, lambda: bar.get_attribute("aria-valuenow") != begun)
    assert "Reconnecting" in page.locator("#connection").inner_text()
    gate.touch()
    sees_state(reader, "succeeded")
    style = "getComputedStyle(document.querySelector('#job-panel .tk-bar')).borderRadius"
    assert page.evaluate(style) == "3px"
    reader.faults = [fault for fault in reader.faults if "ERR_" not in fault]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_narrow_screen_needs_no_sideways_scrolling(
    chromium: Browser, client: taskkit.Client, gate: Path, stack: taskkit.LocalStack, theme: Any
) -> None:
    """At 400 pixels, also with long names, long lines and a wide table."""
    long = "a_name_without_any_space_" * 6
    job = client.options(name=long).submit(fussy, str(gate))
    table = client.options(name=long).submit(wide, long)
    with chromium.new_context(
        color_scheme=theme, viewport={"width": 400, "height": 700}
    ) as context:
        reader = Reader(context.new_page(), stack.url)
        page = goes_to(reader, job)
        sees_state(reader, "failed").locator(".tk-trouble summary").first.click()
        assert page.evaluate("document.documentElement.scrollWidth") == 400
        goes_to(reader, table)
        sees_state(reader, "succeeded").locator("table").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") == 400
        page.get_by_role("link", name="All jobs").click()
        reader.sees_live()
        assert page.evaluate("document.documentElement.scrollWidth") == 400


@pytest.fixture(scope="module")
def closed_stack() -> Iterator[taskkit.LocalStack]:
    """A stack that wants a token."""
    with taskkit.LocalStack(workers=1) as stack:
        yield stack


def test_who_is_not_signed_in_is_led_to_the_job_by_way_of_the_form(
    chromium: Browser, closed_stack: taskkit.LocalStack, gate: Path
) -> None:
    """And one whose token is taken no more, to the form."""
    gate.touch()
    with closed_stack.client() as client, chromium.new_context() as context:
        job = client.submit(steps, str(gate))
        reader = Reader(context.new_page(), closed_stack.url)
        reader.page.goto(f"{reader.url}/#/jobs/{job.id}")
        field = reader.page.get_by_label("Token")
        field.fill(closed_stack.token)
        field.press("Enter")
        sees_state(reader, "succeeded")
        reader.page.evaluate("sessionStorage.setItem('taskkit.token /', 'old')")
        other = client.submit(steps, str(gate))
        reader.page.goto(f"{reader.url}/#/jobs/{other.id}")
        field.wait_for(timeout=WITHIN_MS)
        assert not reader.page.locator("#job").is_visible()
        assert all("401" in fault for fault in reader.faults), reader.faults
