"""The client in JavaScript that the page is served."""

from __future__ import annotations

import json
import re
from pathlib import Path

from taskkit_server.routes.page import page

CLIENT = Path(__file__).parents[2] / "clients" / "js"
STATIC = Path(page.static_folder or "")
SERVED = STATIC / "client"
IMPORTED = re.compile(r'from "\./client/(.+?)"')


def test_the_page_is_served_the_same_client() -> None:
    """Byte for byte what it needs: `make jsclient` copies it, and an install builds nothing."""
    needed: set[str] = set()
    waiting = {name for page in STATIC.glob("*.js") for name in IMPORTED.findall(page.read_text())}
    while waiting:
        name = waiting.pop()
        needed.add(name)
        text = (CLIENT / "src" / name).read_text(encoding="utf-8")
        waiting |= set(re.findall(r'from "\./(.+?)"', text)) - needed
    assert {"feed.js", "http.js", "cursor.js"} <= needed
    assert {path.name for path in SERVED.iterdir()} == needed
    for name in needed:
        assert (SERVED / name).read_bytes() == (CLIENT / "src" / name).read_bytes(), name


def test_the_page_is_served_the_socket_that_the_client_is_tested_with() -> None:
    """Who raises one raises the other."""
    lock = json.loads((CLIENT / "package-lock.json").read_text(encoding="utf-8"))
    version = lock["packages"]["node_modules/socket.io-client"]["version"]
    vendored = (STATIC / "vendor" / "README.md").read_text(encoding="utf-8")
    assert f"npm package `socket.io-client` {version}," in vendored
