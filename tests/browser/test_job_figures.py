"""What a job displays, on its page in a real browser, on a real stack."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from reader import WITHIN_MS, Reader, until

import taskkit
from taskkit.panels.displayed import figure_html

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request, Route

pytestmark = [pytest.mark.browser, pytest.mark.stack]

LIMIT_S = 60.0
QUIET_MS = 1_000

GALLERY = "#job-figures"
PICTURE = f"{GALLERY} figure:has(figcaption:text-is('fit')) img"


class Rich:
    """Has a form of its own, whatever that is."""

    def __init__(self, media_type: str, form: Any) -> None:
        self.bundle = {media_type: form}

    def __repr__(self) -> str:
        return "a <rich> thing"

    def _repr_mimebundle_(self) -> dict[str, Any]:
        return self.bundle


def drawing(gate: str, fails: bool = False) -> None:
    """Draw under one name again and again until there is a file; show a table and a text beside."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt
    import pandas as pd

    taskkit.display(pd.DataFrame({"energy": [1.5, -2.25]}, index=["a", "b"]), name="table")
    taskkit.display("just a <b>text</b>")
    for step in range(400):
        figure, axes = plt.subplots(figsize=(3, 2))
        axes.plot(range(step + 2), [0.3 * n * n for n in range(step + 2)])
        taskkit.display(figure, name="fit")
        plt.close(figure)
        print(f"step {step}")
        if Path(gate).exists():
            break
        time.sleep(0.3)
    if fails:
        raise ValueError("no")


def showing(media_type: str, *forms: Any) -> None:
    """Show something in each of these forms, by the names 1, 2, …"""
    for form in forms:
        taskkit.display(Rich(media_type, form))


def showing_wide() -> None:
    """Show a table that is wider than any screen, with a picture in it that is, too."""
    import pandas as pd

    taskkit.display(pd.DataFrame({f"a column {n}": range(3) for n in range(90)}), name="wide")
    image = "<svg xmlns='http://www.w3.org/2000/svg' width='3000' height='10'></svg>"
    taskkit.display(Rich("image/svg+xml", image), name="long " * 60)
    taskkit.display("no_space_at_all" * 90)


class Blobs:
    """Which blobs a page asks for, and how many at once."""

    def __init__(self, page: Page) -> None:
        self.urls: list[str] = []
        self.most_at_once = 0
        self._open = 0
        page.on("request", self._begin)
        page.on("requestfinished", self._end)
        page.on("requestfailed", self._end)

    def _begin(self, request: Request) -> None:
        if "/blobs/" in request.url:
            self.urls.append(request.url)
            self._open += 1
            self.most_at_once = max(self.most_at_once, self._open)

    def _end(self, request: Request) -> None:
        self._open -= "/blobs/" in request.url


class Held:
    """Requests for blobs that are answered when the test wants it."""

    def __init__(self, page: Page) -> None:
        self.routes: list[Route] = []
        self.is_holding = True
        page.route("**/blobs/*", self._meet)

    def _meet(self, route: Route) -> None:
        if self.is_holding:
            self.routes.append(route)
        else:
            route.continue_()

    def let_go(self) -> None:
        """Let the first one pass."""
        self.routes.pop(0).continue_()


@pytest.fixture
def reader(chromium: Browser, stack: taskkit.LocalStack) -> Iterator[Reader]:
    """A reader of the open stack, who must end without a complaint of the browser's."""
    context = chromium.new_context()
    reader = Reader(context.new_page(), stack.url)
    yield reader
    context.close()
    assert reader.complaints() == []


def goes_to(reader: Reader, job: taskkit.Job[Any]) -> Page:
    """Open a job's page by its address."""
    reader.page.goto(f"{reader.url}/#/jobs/{job.id}")
    reader.sees("#job-panel .job")
    return reader.page


def ended(job: taskkit.Job[Any]) -> taskkit.Job[Any]:
    """Wait for a job's end."""
    job.exception(LIMIT_S)
    return job


def noise(seed: int) -> bytes:
    """Return an image of some KB: too large to come along."""
    bits = "".join(f"<circle cx='{n}' cy='{n * seed % 90}' r='2'/>" for n in range(100))
    return f"<svg xmlns='http://www.w3.org/2000/svg' width='99' height='90'>{bits}</svg>".encode()


def test_figures_change_live_and_each_picture_is_fetched_once(
    reader: Reader, client: taskkit.Client, gate: Path
) -> None:
    """The same element goes on showing what it is given; the rest is left alone."""
    blobs = Blobs(reader.page)
    page = goes_to(reader, client.submit(drawing, str(gate)))
    picture = reader.sees(PICTURE)
    page.evaluate("picture => { window.first = document.querySelector(picture) }", "figure img")
    page.evaluate("window.table = document.querySelector('#job-figures table')")
    seen: list[str | None] = []

    def is_changed() -> bool:
        source = picture.get_attribute("src")
        if source not in seen:
            seen.append(source)
        return len(seen) > 3

    until(page, is_changed)
    assert all(source and source.startswith("data:image/png;base64,iVBOR") for source in seen)
    assert page.evaluate("[...document.querySelectorAll('figure img')].indexOf(first)") == 0
    assert page.evaluate("table.isConnected")
    assert picture.evaluate("picture => picture.naturalWidth") > 100
    assert picture.get_attribute("alt") == "<Figure size 300x200 with 1 Axes>"
    assert page.locator(f"{GALLERY} pre").inner_text() == "'just a <b>text</b>'"
    cells = page.locator(f"{GALLERY} table.dataframe td").all_inner_texts()
    assert cells == ["1.50", "-2.25"]
    gate.touch()
    reader.sees("#job-panel .job[data-state=succeeded]")
    page.wait_for_timeout(QUIET_MS)
    assert len(blobs.urls) >= len(seen)
    assert len(blobs.urls) == len(set(blobs.urls))
    assert blobs.most_at_once == 1
    assert page.locator("#job-panel img").count() == 0


def test_who_comes_late_sees_the_figures_of_a_failed_job_and_no_others(
    reader: Reader, client: taskkit.Client, gate: Path
) -> None:
    """And none on the page of a job that has none, nor on the stack's."""
    gate.touch()
    job = ended(client.submit(drawing, str(gate), fails=True))
    plain = ended(client.submit(showing, "text/plain"))
    blobs = Blobs(reader.page)
    page = goes_to(reader, job)
    reader.sees("#job-panel .job[data-state=failed]")
    reader.sees(PICTURE)
    names = page.locator(f"{GALLERY} figure").all_inner_texts()
    assert [name.partition("\n")[0] for name in names] == ["table", "'just a <b>text</b>'", "fit"]
    goes_to(reader, plain)
    page.get_by_text(plain.id[:8]).first.wait_for()
    until(page, lambda: page.locator(f"{GALLERY} *").count() == 0)
    assert not page.locator(GALLERY).is_visible()
    page.go_back()
    reader.sees(PICTURE)
    assert len(blobs.urls) == 2


def test_the_old_picture_stays_until_the_new_one_is_there(
    reader: Reader, client: taskkit.Client, gate: Path
) -> None:
    """Before the first there are words; what came in between is left out."""
    held = Held(reader.page)
    job = client.submit(drawing, str(gate))
    page = goes_to(reader, job)
    until(page, lambda: len(held.routes) == 1)
    assert "with 1 Axes> is on its way …" in reader.sees(GALLERY).inner_text()
    held.let_go()
    first = reader.sees(PICTURE).get_attribute("src")
    until(page, lambda: len(held.routes) == 1)
    gate.touch()
    ended(job)
    reader.sees("#job-panel .job[data-state=succeeded]")
    assert reader.sees(PICTURE).get_attribute("src") == first
    held.let_go()
    until(page, lambda: reader.sees(PICTURE).get_attribute("src") != first)
    second = reader.sees(PICTURE).get_attribute("src")
    until(page, lambda: len(held.routes) == 1)
    held.let_go()
    until(page, lambda: reader.sees(PICTURE).get_attribute("src") not in {first, second})
    assert held.routes == []


def test_a_blob_that_does_not_come_is_asked_for_again(
    reader: Reader, client: taskkit.Client
) -> None:
    """Not at once, and with it the others wait."""
    job = ended(client.submit(showing, "image/svg+xml", noise(1).decode(), noise(2).decode()))
    held, blobs = Held(reader.page), Blobs(reader.page)
    page = goes_to(reader, job)
    until(page, lambda: len(held.routes) == 1)
    held.is_holding = False
    held.routes.pop().abort()
    page.wait_for_timeout(QUIET_MS)
    assert len(blobs.urls) == 1
    assert "is on its way …" in page.locator(GALLERY).inner_text()
    until(page, lambda: page.locator(f"{GALLERY} img").count() == 2)
    assert len(blobs.urls) == 3
    assert blobs.most_at_once == 1
    assert all("ERR_FAILED" in fault for fault in reader.faults)
    reader.faults.clear()


def test_a_hidden_tab_fetches_nothing_more(reader: Reader, client: taskkit.Client) -> None:
    """And what is missing when it is seen again."""
    job = ended(client.submit(showing, "image/svg+xml", noise(1).decode(), noise(2).decode()))
    held = Held(reader.page)
    page = goes_to(reader, job)
    until(page, lambda: len(held.routes) == 1)
    turn = """isHidden => {
        Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(turn, True)
    held.let_go()
    reader.sees(f"{GALLERY} img")
    page.wait_for_timeout(QUIET_MS)
    assert held.routes == []
    page.evaluate(turn, False)
    until(page, lambda: len(held.routes) == 1)
    held.let_go()
    until(page, lambda: page.locator(f"{GALLERY} img").count() == 2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stack of one's own keeps all it has."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def own_stack(data: Path) -> Iterator[taskkit.LocalStack]:
    """A stack that wants a token and keeps its blobs where the test can reach them."""
    with taskkit.LocalStack(workers=1, data_dir=data) as stack:
        yield stack


def signs_in(reader: Reader, job: taskkit.Job[Any], token: str) -> None:
    """Open a job's page and give the token."""
    reader.page.goto(f"{reader.url}/#/jobs/{job.id}")
    field = reader.page.get_by_label("Token")
    field.fill(token)
    field.press("Enter")


def test_what_is_not_kept_any_more_is_told_in_the_notebooks_words(
    chromium: Browser, own_stack: taskkit.LocalStack, data: Path
) -> None:
    """Once: it is not asked for again."""
    with own_stack.client() as client, chromium.new_context() as context:
        job = ended(client.submit(showing, "image/svg+xml", noise(1).decode()))
        [figure] = job.record.figures
        [file] = data.rglob(str(figure.digest))
        file.unlink()
        reader = Reader(context.new_page(), own_stack.url)
        blobs = Blobs(reader.page)
        signs_in(reader, job, own_stack.token)
        words = reader.sees(f"{GALLERY} .tk-quiet")
        words.get_by_text("is not here any more").wait_for(timeout=WITHIN_MS)
        assert f">{words.inner_html()}<" in figure_html(figure, b"")
        reader.page.wait_for_timeout(QUIET_MS * 3)
        assert len(blobs.urls) == 1
        [fault] = [fault for fault in reader.faults if "401" not in fault]
        assert "status of 404" in fault


def test_blobs_are_fetched_with_the_token_and_one_that_is_taken_no_more_leads_to_the_form(
    chromium: Browser, own_stack: taskkit.LocalStack
) -> None:
    """As for all else."""
    with own_stack.client() as client, chromium.new_context() as context:
        job = ended(client.submit(showing, "image/svg+xml", noise(1).decode(), noise(2).decode()))
        reader = Reader(context.new_page(), own_stack.url)
        held = Held(reader.page)
        signs_in(reader, job, own_stack.token)
        until(reader.page, lambda: len(held.routes) == 1)
        reader.page.evaluate("sessionStorage.setItem('taskkit.token /', 'old')")
        held.let_go()
        reader.sees(f"{GALLERY} img")
        until(reader.page, lambda: len(held.routes) == 1)
        held.let_go()
        reader.page.get_by_label("Token").wait_for(timeout=WITHIN_MS)
        assert not reader.page.locator("#job").is_visible()
        assert all("401" in fault for fault in reader.faults), reader.faults


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_narrow_screen_wide_figures_are_scrolled_by_keyboard(
    chromium: Browser, client: taskkit.Client, stack: taskkit.LocalStack, theme: Any
) -> None:
    """Each by itself; the page is not, and pictures are made to fit."""
    job = ended(client.submit(showing_wide))
    with chromium.new_context(
        color_scheme=theme, viewport={"width": 400, "height": 700}
    ) as context:
        reader = Reader(context.new_page(), stack.url)
        page = goes_to(reader, job)
        until(page, lambda: page.locator(f"{GALLERY} figure").count() == 3)
        reader.sees(f"{GALLERY} img")
        until(page, lambda: page.locator(f"{GALLERY} [tabindex]").count() == 1)
        assert page.evaluate("document.documentElement.scrollWidth") == 400
        assert page.locator(f"{GALLERY} img").evaluate("image => image.width") < 400
        wide = page.get_by_role("figure", name="wide")
        wide.focus()
        page.keyboard.press("ArrowRight")
        until(page, lambda: bool(wide.evaluate("figure => figure.scrollLeft > 0")))
        assert page.locator(f"{GALLERY} td").first.evaluate("cell => cell.clientHeight") < 30
        assert reader.complaints() == []
