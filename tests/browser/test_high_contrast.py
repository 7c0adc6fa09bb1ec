"""Where the system forces its own colours on pages, bars and marks can still be told apart."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from panel_states import pictures
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

pytestmark = [pytest.mark.browser]


def colours(shown: Locator) -> set[tuple[int, int, int]]:
    """Return the colours of a thing on the page that take more than a few dots of it."""
    image = Image.open(io.BytesIO(shown.screenshot())).convert("RGB")
    counted: Any = image.getcolors(image.width * image.height)
    return {colour for count, colour in counted if count > 40}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_forced_colours_leave_bars_and_marks(chromium: Browser, scheme: Any) -> None:
    """Windows' high contrast themes take the background of everything else away."""
    page = chromium.new_page(color_scheme=scheme, forced_colors="active")
    page.set_content(pictures()._page(scheme))
    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    failed, running, queued = (
        colours(page.locator(f"#{name} .tk-bar").first) for name in ("failed", "running", "queued")
    )
    assert failed - queued
    assert running - queued
    assert failed - queued != running - queued
    marks = colours(page.locator("#batch-failed .tk-strip"))
    background = colours(page.locator("#queued .tk-facts"))
    assert len(marks - background) >= 2
    page.close()
