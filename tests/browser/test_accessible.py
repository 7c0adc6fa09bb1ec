"""axe-core finds nothing serious in any state of a panel nor in the page, in either theme."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from panel_states import pictures
from reader import Reader, until

import taskkit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser]

ROOT = Path(__file__).parents[2]
AXE = ROOT / "build" / "axe" / "node_modules" / "axe-core" / "axe.min.js"

SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def axe() -> str:
    """The path of axe-core."""
    if not AXE.exists():
        if os.environ.get("CI") == "true":
            pytest.fail("axe-core is missing; CI must run the tests that need it")
        pytest.skip("axe-core is not here: `make chromium` installs it from npm")
    return str(AXE)


def faults(browser: Browser, html: str, axe: str) -> list[str]:
    """Return what axe-core finds serious in a page, with an element that has it."""
    page = browser.new_page(viewport={"width": 740, "height": 900})
    page.set_content(html)
    # Of a page's parts there is nothing to be said: a panel is a part of a notebook.
    found = faults_in(page, axe, {"rules": {"region": {"enabled": False}}})
    page.close()
    return found


def faults_in(page: Page, axe: str, options: dict[str, Any]) -> list[str]:
    """Return likewise what it finds in a page as it is now."""
    # Not as an element, which the policy of a page may forbid.
    page.evaluate(Path(axe).read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate("options => axe.run(document.body, options)", options)
    return [
        f"{fault['id']}: {fault['help']}, e.g. {node['html'][:200]}: "
        + "; ".join(one["message"] for one in node["any"])
        for fault in found["violations"]
        if fault["impact"] in SERIOUS
        for node in fault["nodes"][:1]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_panels_have_no_serious_fault(chromium: Browser, axe: str, theme: str) -> None:
    """Roles, names, contrast: of every state that the documentation shows."""
    assert faults(chromium, pictures()._page(theme), axe) == []


def test_a_fault_is_found(chromium: Browser, axe: str) -> None:
    """The tests above can fail."""
    faint = '<p style="color:#aaa;background:#fff">faint</p><div role="progressbar"></div>'
    found = [fault.partition(":")[0] for fault in faults(chromium, faint, axe)]
    assert sorted(found) == ["aria-progressbar-name", "color-contrast"]


def fail(gate: str) -> None:
    """Print in colours, report, display, and when there is a file, fail in a library."""
    import json

    import pandas as pd

    image = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'></svg>"
    rich = type("Rich", (), {"_repr_svg_": lambda _: image})
    for thing in (rich(), pd.DataFrame({f"column {n}": range(3) for n in range(40)}), "a text"):
        taskkit.display(thing)

    for step in taskkit.track(range(40), message="relaxing"):
        print(f"step {step}: \x1b[31mhot\x1b[0m \x1b[32mcold\x1b[0m")
        taskkit.report(energy=-step)
    for _ in range(600):
        if Path(gate).exists():
            break
        time.sleep(0.1)
    json.loads("{oops")


@pytest.mark.stack
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_has_no_serious_fault(
    chromium: Browser, axe: str, stack: taskkit.LocalStack, theme: Any, tmp_path: Path
) -> None:
    """With its log and a running job, and of a failed one with all that opens opened."""
    gate = tmp_path / "gate"
    with stack.client() as client, chromium.new_context(color_scheme=theme) as context:
        job = client.submit(fail, str(gate))
        reader = Reader(context.new_page(), stack.url).opens()
        reader.sees("#job-rows [data-state=running]")
        assert faults_in(reader.page, axe, {}) == []
        reader.page.goto(f"{stack.url}/#/jobs/{job.id}")
        reader.sees("#job-panel .job[data-state=running]")
        assert faults_in(reader.page, axe, {}) == []
        gate.touch()
        reader.sees("#job-panel .job[data-state=failed]")
        until(reader.page, lambda: reader.page.locator("#job-figures figure > *").count() == 3)
        for fold in reader.sees("#job-panel summary").all():
            if fold.is_visible():
                fold.click()
        until(reader.page, lambda: reader.page.locator("details[open]").count() >= 2)
        assert faults_in(reader.page, axe, {}) == []
        reader.page.goto(f"{stack.url}/#/jobs/unknown")
        reader.page.get_by_text("There is no job").wait_for()
        assert faults_in(reader.page, axe, {}) == []
