"""axe-core finds nothing serious in any state of a panel, in either theme."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import ModuleType

    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser]

ROOT = Path(__file__).parents[2]
AXE = ROOT / "build" / "axe" / "node_modules" / "axe-core" / "axe.min.js"

SERIOUS = ("serious", "critical")


def _pictures() -> ModuleType:
    """Return the tool that draws each state for the documentation."""
    path = ROOT / "tools" / "panel_pictures.py"
    spec = importlib.util.spec_from_file_location("panel_pictures", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def axe() -> str:
    """The path of axe-core."""
    if not AXE.exists():
        if os.environ.get("CI") == "true":
            pytest.fail("axe-core is missing; CI must run the tests that need it")
        pytest.skip("axe-core is not here: `make browser` installs it from npm")
    return str(AXE)


def faults(browser: Browser, html: str, axe: str) -> list[str]:
    """Return what axe-core finds serious in a page, with an element that has it."""
    page = browser.new_page(viewport={"width": 740, "height": 900})
    page.set_content(html)
    page.add_script_tag(path=axe)
    # Of a page's parts there is nothing to be said: a panel is a part of a notebook.
    options = {"rules": {"region": {"enabled": False}}}
    found: dict[str, Any] = page.evaluate("options => axe.run(document.body, options)", options)
    page.close()
    return [
        f"{fault['id']}: {fault['help']}, e.g. {node['html'][:200]}"
        for fault in found["violations"]
        if fault["impact"] in SERIOUS
        for node in fault["nodes"][:1]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_panels_have_no_serious_fault(chromium: Browser, axe: str, theme: str) -> None:
    """Roles, names, contrast: of every state that the documentation shows."""
    assert faults(chromium, _pictures()._page(theme), axe) == []


def test_a_fault_is_found(chromium: Browser, axe: str) -> None:
    """The tests above can fail."""
    faint = '<p style="color:#aaa;background:#fff">faint</p><div role="progressbar"></div>'
    found = [fault.partition(":")[0] for fault in faults(chromium, faint, axe)]
    assert sorted(found) == ["aria-progressbar-name", "color-contrast"]
