"""The client in JavaScript, by Node's own runner: pure, and against a real stack that is broken."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from event_samples import quiet
from grounds import grounds

from taskkit.protocol.lifecycle import TRANSITIONS

CLIENT = Path(__file__).parents[2] / "clients" / "js"
LIVE = sorted((CLIENT / "live").glob("*.test.js"))
LIMIT_S = 150


def missing(what: str) -> None:
    """Skip what needs it; where CI is, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}; CI must run these tests: sh tools/js_client.sh")
    pytest.skip(what)


@pytest.fixture(scope="module")
def node() -> str:
    """Node's program, where the client has what it stands on."""
    found = shutil.which("node")
    if found is None:
        missing("node is not on PATH (Debian: apt-get install nodejs npm)")
    if not (CLIENT / "node_modules" / "socket.io-client").is_dir():
        missing("clients/js has no node_modules: make jsclient")
    return str(found)


def run(command: list[str], cwd: Path, environment: Mapping[str, str]) -> str:
    """Run to its end; return what it printed."""
    ran = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def passes(node: str, *tests: Path, environment: Mapping[str, str] | None = None) -> None:
    """Run tests of Node's; they pass, and are some."""
    told = run([node, "--test", *map(str, tests)], CLIENT, environment or {})
    assert re.search(r"\bpass [1-9]", told), told


def test_its_pure_parts_keep_their_promises(node: str) -> None:
    """Cursor, record, back-off, requests and feed pass their tests."""
    passes(node, *sorted((CLIENT / "test").glob("*.test.js")))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A stack that the tests may break, as variables."""
    with grounds(tmp_path_factory.mktemp("grounds")) as variables:
        yield variables


@pytest.mark.stack
@pytest.mark.timeout(LIMIT_S + 60)
@pytest.mark.parametrize("tests", LIVE, ids=lambda path: path.name.partition(".")[0])
def test_it_works_with_a_real_stack(tests: Path, node: str, environment: dict[str, str]) -> None:
    """Jobs, events, faults, and an end that leaves nothing behind."""
    passes(node, tests, environment=environment)


def test_its_types_hold(node: str) -> None:
    """The compiler finds nothing, also in who uses the declarations."""
    run(["npm", "run", "--silent", "check"], CLIENT, {})


def test_its_package_holds_what_is_wanted_and_no_more(node: str, tmp_path: Path) -> None:
    """Sources, types and the README; the licence is the repository's."""
    whole = tmp_path / "js"
    shutil.copytree(CLIENT, whole, ignore=shutil.ignore_patterns("node_modules", "types"))
    (whole / "node_modules").symlink_to(CLIENT / "node_modules")
    told: list[dict[str, Any]] = json.loads(
        run(["npm", "pack", "--dry-run", "--json"], whole, {"npm_config_loglevel": "error"})
    )
    names = {file["path"] for file in told[0]["files"]}
    sources = {path.stem for path in (CLIENT / "src").iterdir()}
    wanted = {f"src/{name}.js" for name in sources} | {f"types/{name}.d.ts" for name in sources}
    assert names == wanted | {"package.json", "README.md", "LICENSE"}


def test_its_lock_names_no_registry() -> None:
    """Whoever installs it has their own."""
    lock = json.loads((CLIENT / "package-lock.json").read_text(encoding="utf-8"))
    assert not [name for name, one in lock["packages"].items() if "resolved" in one]
    assert "://" not in (CLIENT / "package-lock.json").read_text(encoding="utf-8")


def test_it_folds_events_as_the_ledger_does() -> None:
    """Who adds an event that changes a job is told that this client does not know it yet."""
    text = (CLIENT / "src" / "fold.js").read_text(encoding="utf-8")
    table = text.partition("const TRANSITIONS = {")[2].partition("};")[0]
    found = {
        kind: dict(re.findall(r"(\w+): \"(\w+)\"", row))
        for kind, row in re.findall(r"(\w+): \{([^}]*)\}", table)
    }
    known = {
        kind: {str(before): str(after) for before, after in row.items()}
        for kind, row in TRANSITIONS.items()
    }
    assert found == {kind: known.get(kind) for kind in found}
    assert set(known) - set(found) <= quiet()
