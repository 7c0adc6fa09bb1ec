"""The page's routes, headers and files."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from event_samples import quiet
from flask import Flask
from flask.testing import FlaskClient

from taskkit.panels.displayed import IMAGES
from taskkit.panels.style import CSS
from taskkit.protocol.events import EVENTS
from taskkit_server.routes.page import page

STATIC = Path(page.static_folder or "")
HTML = (STATIC / "index.html").read_text(encoding="utf-8")
MODULES = sorted([*STATIC.glob("*.js"), *STATIC.glob("client/*.js")])
VENDOR = STATIC / "vendor"


@pytest.fixture
def browser() -> FlaskClient:
    """An application that has the page and nothing else."""
    app = Flask("page_test", static_folder=None)
    app.register_blueprint(page)
    return app.test_client()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/static/app.js",
        "/static/client/feed.js",
        "/static/panels.css",
        "/static/vendor/purify.es.js",
    ],
)
def test_every_file_comes_under_the_strict_policy(browser: FlaskClient, path: str) -> None:
    """Nothing is served without the headers that confine it."""
    with browser.get(path) as response:
        assert response.status_code == 200
        policy = response.headers["Content-Security-Policy"].split("; ")
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
    assert policy == [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]


@pytest.mark.parametrize(
    "path", ["/static/app.js", "/static/client/feed.js", "/static/vendor/purify.es.js"]
)
def test_modules_come_as_javascript(browser: FlaskClient, path: str) -> None:
    """With nosniff, a browser runs no module of another type."""
    with browser.get(path) as response:
        assert response.mimetype in {"text/javascript", "application/javascript"}


def test_the_style_sheet_of_panels_is_the_notebooks_own(browser: FlaskClient) -> None:
    """With nosniff, a browser takes no style sheet of another type."""
    with browser.get("/static/panels.css") as response:
        assert response.content_type == "text/css; charset=utf-8"
        assert response.get_data(as_text=True) == CSS


@pytest.mark.parametrize("path", ["/static/app.js", "/static/panels.css"])
def test_an_unchanged_file_is_asked_for_but_not_sent_again(browser: FlaskClient, path: str) -> None:
    """A new version is seen at once, an old one costs no more than a 304."""
    with browser.get(path) as first:
        tag = first.headers["ETag"]
        assert first.headers["Cache-Control"] == "no-cache"
    with browser.get(path, headers={"If-None-Match": tag}) as again:
        assert again.status_code == 304


def test_only_files_of_the_page_are_served(browser: FlaskClient) -> None:
    """The route does not lead out of its folder."""
    for path in ("/static/../page.py", "/static/%2e%2e/page.py", "/static/absent.js"):
        assert browser.get(path).status_code == 404


def test_the_document_holds_no_code_and_no_style() -> None:
    """The policy would refuse inline code, so there is none."""
    assert "<style" not in HTML
    assert re.search(r"<script(?![^>]*\bsrc=)", HTML) is None
    assert re.search(r"\s(?:on\w+|style)=", HTML) is None


def test_all_addresses_are_relative_and_lead_to_files() -> None:
    """The page works below any URL prefix, and nothing it names is missing."""
    named = re.findall(r'(?:src|href)="([^"]+)"', HTML)
    files = [address for address in named if not address.startswith("#/")]
    assert files
    for address in files:
        assert (STATIC.parent / address).is_file(), address
    for module in MODULES:
        text = module.read_text(encoding="utf-8")
        for address in re.findall(r'from "([^"]+)"', text):
            assert address.startswith("./"), (module.name, address)
            assert (module.parent / address).is_file(), (module.name, address)
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.DOTALL)
        assert re.search(r"""["'`](?:/|https?:)""", code) is None, module.name


def test_text_is_never_made_html() -> None:
    """What users write reaches the document as text only, but for what is made harmless first.

    One module takes what the renderer made, and one what jobs display.
    """
    for sign, names in [("DOMParser", ["fragment.js"]), ("purify.es.js", ["harmless.js"])]:
        assert [name.name for name in MODULES if sign in name.read_text("utf-8")] == names
    sinks = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(")
    for module in MODULES:
        assert sinks.search(module.read_text(encoding="utf-8")) is None, module.name


def test_every_event_of_the_protocol_has_a_row_or_a_line() -> None:
    """Who adds an event that changes a job is told that the page does not know it yet.

    Of the others the page tells the names and values that they have.
    """
    text = "".join((STATIC / name).read_text(encoding="utf-8") for name in ("rows.js", "events.js"))
    unknown = {kind for kind in EVENTS if kind not in text}
    assert unknown <= quiet()


def test_the_page_shows_the_images_that_notebooks_show() -> None:
    """Who adds a type is told that the page does not know it yet."""
    text = (STATIC / "figures.js").read_text(encoding="utf-8")
    assert set(re.findall(r'"(image/[^"]+)"', text)) == IMAGES


@pytest.mark.parametrize(
    ("name", "released", "dropped", "licence", "words"),
    [
        (
            "socket.io.esm.min.js",
            "dist/socket.io.esm.min.js",
            b"//# sourceMappingURL=socket.io.esm.min.js.map\n",
            "LICENSE",
            "MIT",
        ),
        (
            "purify.es.js",
            "dist/purify.es.mjs",
            b"\n//# sourceMappingURL=purify.es.mjs.map",
            "LICENSE-dompurify",
            "Apache License",
        ),
    ],
)
def test_a_vendored_file_is_the_one_that_its_readme_names(
    name: str, released: str, dropped: bytes, licence: str, words: str
) -> None:
    """What is shipped can be compared with the release."""
    readme = (VENDOR / "README.md").read_text(encoding="utf-8")
    found = dict(re.findall(r"^([0-9a-f]{64})  (.+)$", readme, re.MULTILINE))
    ours = hashlib.sha256((VENDOR / name).read_bytes())
    theirs = ours.copy()
    theirs.update(dropped)
    assert found[ours.hexdigest()] == f"{name}, as here"
    assert found[theirs.hexdigest()] == f"{released}, as released"
    assert words in (VENDOR / licence).read_text(encoding="utf-8")


def test_no_vendored_file_is_without_a_word() -> None:
    """Each is named where its version and its licence are."""
    readme = (VENDOR / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in VENDOR.iterdir()} - {"README.md"}
    assert set(re.findall(r"^\| `([^`]+)`", readme, re.MULTILINE)) == files
