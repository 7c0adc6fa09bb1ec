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

import nbformat
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]
BUILD_S = 300

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
METADATA = {"kernelspec": KERNEL, "language_info": {"name": "python"}}

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


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A checkout with a page of documentation, and with what Sphinx is told of the real one."""
    for part in ("docs/_ext", "docs/_static", "docs/_root"):
        shutil.copytree(ROOT / part, tmp_path / part)
    for part in ("docs/conf.py", "taskkit/launcher/icon.svg"):
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / part, tmp_path / part)
    (tmp_path / "notebooks").mkdir()
    return tmp_path


def read_by_sphinx(checkout: Path) -> subprocess.CompletedProcess[str]:
    """Have Sphinx read all pages, and write none."""
    sphinx = [sys.executable, "-m", "sphinx", "-Wnqb", "dummy", "--keep-going", "-c", "docs"]
    return subprocess.run(
        [*sphinx, ".", "built"], cwd=checkout, capture_output=True, text=True, check=False
    )


def test_a_link_that_leads_nowhere_ends_the_build(small: Path) -> None:
    """And so does a page that nobody leads to: the checks above can fail."""
    (small / "docs" / "index.md").write_text("# Index\n\n[on](nowhere.md#there)\n")
    (small / "docs" / "lost.md").write_text("# Lost\n")
    done = read_by_sphinx(small)
    assert done.returncode != 0
    assert "nowhere.md" in done.stderr
    assert "document isn't included in any toctree" in done.stderr


def test_a_notebook_that_fails_ends_the_build(small: Path) -> None:
    """It is executed, and what its cell raised is told."""
    tree = "# Index\n\n```{toctree}\n/notebooks/sums\n```\n"
    (small / "docs" / "index.md").write_text(tree)
    cells = [
        nbformat.v4.new_markdown_cell("# Sums"),
        nbformat.v4.new_code_cell("assert 1 + 1 == 3"),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    nbformat.write(notebook, small / "notebooks" / "sums.ipynb")
    done = read_by_sphinx(small)
    assert done.returncode != 0
    assert "sums.ipynb: WARNING: Executing notebook failed" in done.stderr
    assert "AssertionError" in done.stderr


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
