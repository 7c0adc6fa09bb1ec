"""The documentation, built without a network and without a warning, and looked at in a browser.

Notebooks show their stored outputs here: tests/notebooks runs them, and `make docs` does.
"""

from __future__ import annotations

import http.server
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]
BUILD_S = 300

LOOKED_AT = [
    "index.html",  # leads to the next
    "docs/index.html",
    "docs/state-machine.html",
    "docs/panels.html",
    "docs/reference/client.html",
    "docs/reference/settings.html",
    "docs/explanation/comparison.html",
    "notebooks/05-cancel-retry-limits.html",
    "notebooks/09-live-curves.html",
    "search.html?q=lease",
]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(BUILD_S + 120)]


def without_network() -> list[str]:
    """Return what runs a command where there is no network at all, not even a name to look up."""
    alone = ["unshare", "--user", "--map-root-user", "--net"]
    if shutil.which("unshare") is None:
        return []
    tried = subprocess.run([*alone, "true"], capture_output=True, check=False)
    return alone if tried.returncode == 0 else []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, as tools/docs.py builds them, of which every warning is an error."""
    target = tmp_path_factory.mktemp("docs") / "site"
    told = ["tools/docs.py", "--stored", "--target", str(target)]
    done = subprocess.run(
        [*without_network(), sys.executable, *told],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=BUILD_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return target


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing of each request."""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where a browser finds the pages."""
    handler = partial(_Silent, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}/"
        served.shutdown()
        thread.join()


def test_every_page_of_the_docs_is_built(site: Path) -> None:
    """Sphinx has warned of none that no list names; and each of them is there."""
    there = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "notebooks").glob("*.ipynb")]
    assert len(there) > 60
    built = [site / path.relative_to(ROOT).with_suffix(".html") for path in there]
    assert [path for path in built if not path.is_file()] == []


def test_a_link_that_leads_nowhere_ends_the_build(tmp_path: Path) -> None:
    """And so does a page that nobody leads to: the check above can fail."""
    shutil.copytree(ROOT / "docs" / "_ext", tmp_path / "docs" / "_ext")
    shutil.copytree(ROOT / "docs" / "_static", tmp_path / "docs" / "_static")
    shutil.copytree(ROOT / "docs" / "_root", tmp_path / "docs" / "_root")
    icon = tmp_path / "taskkit" / "launcher" / "icon.svg"
    icon.parent.mkdir(parents=True)
    shutil.copy(ROOT / "taskkit" / "launcher" / "icon.svg", icon)
    shutil.copy(ROOT / "docs" / "conf.py", tmp_path / "docs")
    (tmp_path / "docs" / "index.md").write_text("# Index\n\n[on](nowhere.md#there)\n")
    (tmp_path / "docs" / "lost.md").write_text("# Lost\n")
    sphinx = [sys.executable, "-m", "sphinx", "-Wnqb", "dummy", "--keep-going", "-c", "docs"]
    done = subprocess.run(
        [*sphinx, ".", "built"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "nowhere.md" in done.stderr
    assert "document isn't included in any toctree" in done.stderr


def test_pages_load_nothing_from_elsewhere_and_fit(chromium: Browser, address: str) -> None:
    """No font, script or style of another host; no error; nothing wider than screen or phone."""
    page = chromium.new_page()
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("response", lambda got: faults.append(got.url) if got.status >= 400 else None)
    for name in LOOKED_AT:
        page.goto(address + name)
        page.locator("h1").first.wait_for()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.locator(f"html[data-theme={scheme}]").wait_for()
            for width in (1280, 390):
                page.set_viewport_size({"width": width, "height": 900})
                reach = page.evaluate("document.documentElement.scrollWidth")
                assert reach <= width, f"{name} is {reach} px wide"
    page.close()
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    assert faults == []


def test_a_notebook_s_panels_are_seen_without_a_kernel(chromium: Browser, address: str) -> None:
    """As the pictures that they leave; of the widgets beside them there is no trace."""
    page = chromium.new_page()
    page.goto(f"{address}notebooks/01-quickstart.html")
    panel = page.locator(".taskkit").first
    panel.wait_for()
    assert "succeeded" in panel.inner_text()
    assert page.get_by_text("widget-view").count() == 0
    page.close()


def test_search_finds_a_word_of_the_docs(chromium: Browser, address: str) -> None:
    """By the index that was built, in the browser alone."""
    page = chromium.new_page()
    page.goto(f"{address}search.html?q=lease")
    page.locator("ul.search li a", has_text="Glossary").first.wait_for()
    page.close()
