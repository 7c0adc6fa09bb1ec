"""Pages as they are read on a code host, made fit for Sphinx: pictures, links, places in lists."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

UNLISTED = "<!-- pages that no list names -->"
"""Stands in the last toctree of a page; each page of docs/ that no toctree has comes there."""

_PICTURE = re.compile(
    r'<picture><source media="\(prefers-color-scheme: dark\)" srcset="(?P<dark>[^"]+)">'
    r'<img alt="(?P<alt>[^"]*)" src="(?P<light>[^"]+)" width="(?P<width>\d+)"></picture>'
)
_TOCTREE = re.compile(r"^(?P<fence>`{3,}|:{3,})\{toctree\}\n(?P<body>.*?)^(?P=fence)$", re.M | re.S)
_LINK = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<target>[^)#:]+)\)")


def pictures(text: str) -> str:
    """Return a page whose pictures follow the reader's choice of light and dark."""
    return _PICTURE.sub(_both, text)


def _both(found: re.Match[str]) -> str:
    def image(source: str, shown: str) -> str:
        return (
            f"```{{image}} {source}\n:alt: {found['alt']}\n:width: {found['width']}px\n"
            f":class: {shown}\n```\n"
        )

    return image(found["light"], "only-light") + "\n" + image(found["dark"], "only-dark")


def links(page: Path, text: str, root: Path) -> str:
    """Return a page with names in place of links to folders; the README is the index."""

    def there(found: re.Match[str]) -> str:
        target = (page.parent / found["target"]).resolve()
        if target == root / "README.md":
            return f"[{found['text']}](/docs/index.md)"
        return found["text"] if target.is_dir() else found[0]

    return _LINK.sub(there, text)


def entries(page: str, text: str) -> list[str]:
    """Return what a page's toctrees name, pages and patterns, from the root of the source."""
    named: list[str] = []
    for tree in _TOCTREE.finditer(text):
        for line in tree["body"].splitlines():
            target = line.strip().rpartition("<")[2].rstrip(">")
            if target and "://" not in target and not target.startswith((":", "<!--")):
                named.append(_from_root(page, target))
    return named


def _from_root(page: str, target: str) -> str:
    if target.startswith("/"):
        return target[1:]
    parts: list[str] = page.split("/")[:-1]
    for part in target.removesuffix(".md").split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def unlisted(root: Path) -> list[str]:
    """Return the pages of docs/ that no toctree names, sorted."""
    pages = {
        path.relative_to(root).with_suffix("").as_posix(): path.read_text("utf-8")
        for path in (root / "docs").rglob("*.md")
    }
    named = {entry for page, text in pages.items() for entry in entries(page, text)}
    left = set(pages) - {"docs/index"}
    return sorted(page for page in left if not any(fnmatch(page, entry) for entry in named))


def with_places(text: str, pages: list[str]) -> str:
    """Return a page with these in the place of `UNLISTED`; without that section for none."""
    if not pages:
        return text[: text.rindex("\n## ", 0, text.index(UNLISTED))] + "\n"
    return text.replace(UNLISTED, "\n".join(f"/{page}" for page in pages))


def read(app: Sphinx, name: str, source: list[str]) -> None:
    """Change a page's text before it is parsed."""
    if name.startswith("notebooks/"):
        return
    text = links(Path(app.env.doc2path(name)), pictures(source[0]), Path(app.srcdir))
    source[0] = with_places(text, unlisted(Path(app.srcdir))) if UNLISTED in text else text


def setup(app: Sphinx) -> dict[str, Any]:
    """Read each page first."""
    app.connect("source-read", read)
    return {"parallel_read_safe": True}
