"""The documentation of the API at `/docs`, in a real browser and on a real stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from reader import WITHIN_MS, Reader

import taskkit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.stack]


@pytest.fixture
def page(chromium: Browser, stack: taskkit.LocalStack) -> Iterator[Page]:
    """The page, of which the browser must have no complaint: about its policy least of all."""
    context = chromium.new_context()
    reader = Reader(context.new_page(), stack.url)
    asked: list[str] = []
    reader.page.on("request", lambda request: asked.append(request.url))
    reader.page.goto(f"{stack.url}/docs")
    yield reader.page
    context.close()
    assert reader.complaints() == []
    assert [url for url in asked if not url.startswith((stack.url, "data:"))] == []


def test_every_operation_is_shown_and_can_be_tried(page: Page, stack: taskkit.LocalStack) -> None:
    """Each with its path; what is tried goes to the versioned address and is answered."""
    operations = page.locator(".opblock")
    operations.first.wait_for(timeout=WITHIN_MS)
    document = page.request.get(f"{stack.url}/openapi.json").json()
    expected = sum(len(item) for item in document["paths"].values())
    assert operations.count() == expected
    hello = page.locator("#operations-hello-state_get_hello")
    hello.locator(".opblock-summary").click()
    hello.get_by_role("button", name="Try it out").click()
    with page.expect_response(f"{stack.url}/v1/hello") as answered:
        hello.get_by_role("button", name="Execute").click()
    assert answered.value.status == 200
    hello.locator(".live-responses-table").get_by_text('"owner"').first.wait_for(timeout=WITHIN_MS)
