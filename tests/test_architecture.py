"""Arrows point one way, what is imported stays light, and modules stay small."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "taskkit": ROOT / "taskkit",
    "taskkit_server": ROOT / "server" / "taskkit_server",
    "taskkit_worker": ROOT / "worker" / "taskkit_worker",
}

MOST_LINES = 300

LARGE = {
    "taskkit.protocol.errors": "one tree, drawn at the top of one file",
    "taskkit.ledger.base": "the contract in one piece, a verb and its promises each",
    "taskkit.ledger.memory": "the specification in one piece, each verb beside the next",
    "taskkit.ledger.redis": "the same verbs in the same order, one call of a script each",
}
"""Modules that may be larger, and why."""

FORBIDDEN = {
    "taskkit.protocol": ("taskkit.",),
    "taskkit.ledger": (
        "taskkit.client",
        "taskkit.inside",
        "taskkit.panels",
        "taskkit.stack",
        "taskkit.travel",
        "taskkit.cli",
        "taskkit_server",
        "taskkit_worker",
    ),
    "taskkit.identity": (
        "taskkit.client",
        "taskkit.ledger",
        "taskkit.panels",
        "taskkit.stack",
        "taskkit_server",
        "taskkit_worker",
    ),
    "taskkit.client": ("taskkit.ledger", "taskkit.stack", "taskkit_server", "taskkit_worker"),
    "taskkit.panels": (
        "taskkit.client",
        "taskkit.ledger",
        "taskkit.stack",
        "taskkit_server",
        "taskkit_worker",
    ),
    "taskkit.integrations": (
        "taskkit.ledger",
        "taskkit.panels",
        "taskkit.stack",
        "taskkit_server",
        "taskkit_worker",
    ),
    "taskkit.launcher": (
        "taskkit.client",
        "taskkit.ledger",
        "taskkit.panels",
        "taskkit.stack",
        "taskkit_server",
        "taskkit_worker",
    ),
    "taskkit.backup": (
        "taskkit.cli",
        "taskkit.client",
        "taskkit.panels",
        "taskkit.stack",
        "taskkit_server",
        "taskkit_worker",
    ),
    "taskkit.capacity": ("taskkit.",),
    "taskkit.config": (
        "taskkit.cli",
        "taskkit.client",
        "taskkit.ledger",
        "taskkit.panels",
        "taskkit.stack",
        "taskkit_server",
        "taskkit_worker",
    ),
    "taskkit.doctor": ("taskkit.cli", "taskkit.panels", "taskkit_server", "taskkit_worker"),
    "taskkit.magics": ("taskkit.ledger", "taskkit.stack", "taskkit_server", "taskkit_worker"),
    "taskkit.studies": (
        "taskkit.cli",
        "taskkit.ledger",
        "taskkit.panels",
        "taskkit.stack",
        "taskkit_server",
        "taskkit_worker",
    ),
    "taskkit.inside": (
        "taskkit.client",
        "taskkit.ledger",
        "taskkit.panels",
        "taskkit.stack",
        "taskkit_server",
        "taskkit_worker",
    ),
    "taskkit.travel": (
        "taskkit.client",
        "taskkit.ledger",
        "taskkit.panels",
        "taskkit.stack",
        "taskkit_server",
        "taskkit_worker",
    ),
    "taskkit.notebooks": (
        "taskkit.client",
        "taskkit.ledger",
        "taskkit.panels",
        "taskkit.stack",
        "taskkit.travel",
        "taskkit_server",
        "taskkit_worker",
    ),
    "taskkit.stack": ("taskkit_server", "taskkit_worker"),
    "taskkit_server": ("taskkit_worker", "taskkit.client", "taskkit.stack"),
    "taskkit_server.access": tuple(
        f"taskkit_server.{room}"
        for room in ("app", "contract", "live", "metrics", "process", "routes", "upkeep")
    ),
    "taskkit_server.contract": tuple(
        f"taskkit_server.{room}"
        for room in ("app", "live", "metrics", "process", "routes", "upkeep")
    ),
    "taskkit_server.live": tuple(
        f"taskkit_server.{room}" for room in ("app", "contract", "process", "routes", "upkeep")
    ),
    "taskkit_server.metrics": tuple(
        f"taskkit_server.{room}"
        for room in ("access", "app", "contract", "live", "process", "routes", "upkeep")
    ),
    "taskkit_server.routes": ("taskkit_server.app", "taskkit_server.process"),
    "taskkit_server.upkeep": tuple(
        f"taskkit_server.{room}"
        for room in ("access", "app", "contract", "live", "process", "routes")
    ),
    "taskkit_worker": ("taskkit_server", "taskkit.client", "taskkit.panels", "taskkit.stack"),
}
"""Package -> what it may not import. Its own modules are always allowed."""

HEAVY = ["flask", "celery", "redis", "socketio", "IPython", "ipywidgets", "cloudpickle", "aiohttp"]


def modules() -> Iterator[tuple[str, Path]]:
    """Yield each module's dotted name and its file."""
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            yield ".".join((package, *(part for part in parts if part != "__init__"))), path


MODULES = dict(modules())


def imports(name: str, *, is_run: bool = False) -> set[str]:
    """Return the dotted names that a module imports, wherever in it, relative ones resolved.

    `is_run` leaves out what only type checkers import.
    """
    path = MODULES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if is_run and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= sources(node, package)
    return found


def sources(node: ast.ImportFrom, package: str) -> set[str]:
    """Return the modules that a ``from … import …`` within a package names."""
    parts = package.split(".")
    base = parts[: len(parts) - node.level + 1] if node.level else []
    source = ".".join([*base, *filter(None, [node.module])])
    members = {f"{source}.{alias.name}" for alias in node.names}
    return {member for member in members if member in MODULES} or {source}


def within(name: str, package: str) -> bool:
    """Return whether a module is a package or in it."""
    return name == package or name.startswith(f"{package.rstrip('.')}.")


@pytest.mark.parametrize("package", FORBIDDEN)
def test_arrows_point_one_way(package: str) -> None:
    """No module imports what comes after it on a job's way."""
    ours = [name for name in MODULES if within(name, package)]
    assert ours
    wrong = [
        f"{name} imports {other}"
        for name in ours
        for other in sorted(imports(name))
        for forbidden in FORBIDDEN[package]
        if within(other, forbidden) and not within(other, package)
    ]
    assert wrong == []


@pytest.mark.parametrize("package", ["taskkit.magics", "taskkit.launcher"])
def test_what_only_jupyter_needs_is_imported_by_nothing_else(package: str) -> None:
    """`taskkit` itself loads the magics when IPython asks; JupyterLab's server, the launcher."""
    wrong = [
        name
        for name in MODULES
        if not within(name, package) and any(within(other, package) for other in imports(name))
    ]
    assert wrong == []


def test_the_server_knows_of_panels_only_how_they_are_drawn() -> None:
    """What shows them in a kernel, with threads and widgets, is not for it."""
    known = {
        other
        for name in MODULES
        if within(name, "taskkit_server")
        for other in imports(name)
        if within(other, "taskkit.panels")
    }
    assert known == {f"taskkit.panels.{name}" for name in ("pace", "render", "style")}


def test_the_protocol_is_pure() -> None:
    """It imports the standard library only, so that everything may import it.

    And `packaging`, which needs nothing else: who reads versions otherwise reads some wrongly.
    """
    foreign = {
        other
        for name in MODULES
        if within(name, "taskkit.protocol")
        for other in imports(name)
        if not within(other, "taskkit.protocol")
        and other.partition(".")[0] not in {*sys.stdlib_module_names, "packaging"}
    }
    assert foreign == set()


def test_only_the_ledger_and_the_broker_know_redis() -> None:
    """Of the ledger, the modules that are named for it; Lua is nobody else's."""
    knowing = {
        name
        for name in MODULES
        if any(other.partition(".")[0] == "redis" for other in imports(name))
    }
    allowed = re.compile(
        r"taskkit\.ledger\.(redis\w*|connection)|taskkit\.stack\.\w+|taskkit_server\.process\.lean"
    )
    assert knowing
    assert [name for name in sorted(knowing) if not allowed.fullmatch(name)] == []


def test_the_ledger_is_asked_through_its_front() -> None:
    """Who uses it names no store but the one way to open one."""
    wrong = [
        f"{name} imports {other}"
        for name in MODULES
        if not within(name, "taskkit.ledger")
        for other in imports(name)
        if within(other, "taskkit.ledger") and other != "taskkit.ledger"
    ]
    assert wrong == []


def loaded_by(code: str) -> set[str]:
    """Return the top-level modules that a fresh Python has loaded after running `code`."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=60, check=True, cwd="/"
    )
    return {name.partition(".")[0] for name in json.loads(ran.stdout)}


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import taskkit", HEAVY),
        ("from taskkit import progress, task, track", HEAVY),
        ("from taskkit import Client, Job, as_completed", ["flask", "celery", "redis", "IPython"]),
        ("from taskkit import load_ipython_extension", ["flask", "celery", "redis"]),
        ("from taskkit import LocalStack", ["flask", "celery", "IPython", "ipywidgets"]),
        ("import taskkit.panels.render, taskkit.panels.still", [*HEAVY, "tornado", "traitlets"]),
    ],
    ids=["taskkit", "inside", "client", "extension", "stack", "renderer"],
)
def test_what_a_kernel_imports_is_light(code: str, heavy: list[str]) -> None:
    """A notebook does not wait for what only servers and workers need."""
    loaded = loaded_by(code)
    assert "taskkit" in loaded
    assert sorted(loaded & set(heavy)) == []


def behind(name: str) -> set[str]:
    """Return the modules of this project that a module needs, itself among them."""
    needed: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one in MODULES and one not in needed:
            needed.add(one)
            parents = [one.rsplit(".", n)[0] for n in range(1, one.count(".") + 1)]
            waiting += [*imports(one, is_run=True), *parents]
    return needed


def test_a_plain_install_can_run_the_client() -> None:
    """What is behind `Client` imports the standard library and the plain dependencies only.

    The panels, which are imported where a cell shows a job, may use what the notebook brings; so
    may what reads old notebooks and draws them, which does without.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    plain = {re.split(r"[\[<>=~! ;]", one, maxsplit=1)[0] for one in project["dependencies"]}
    allowed = {
        module
        for module, owners in packages_distributions().items()
        if {owner.lower() for owner in owners} & plain
    } | {"engineio"}  # what python-socketio itself stands on
    foreign = {
        f"{name} imports {other}"
        for name in behind("taskkit.client")
        if not (within(name, "taskkit.panels") or name == "taskkit.notebooks.formats")
        for other in imports(name, is_run=True)
        if other.partition(".")[0] not in {*sys.stdlib_module_names, *allowed, "taskkit"}
    }
    assert foreign == set()
    assert {"taskkit.client.watcher", "taskkit.travel.values"} <= behind("taskkit.client")


def lines(path: Path) -> int:
    """Return how many lines a file has."""
    return len(path.read_text(encoding="utf-8").splitlines())


def test_modules_are_small() -> None:
    """Each fits in a head; the exceptions are named with their reasons, and are needed."""
    large = {name for name, path in MODULES.items() if lines(path) > MOST_LINES}
    assert large == set(LARGE)


def test_every_module_says_what_it_is_for() -> None:
    """In the first line of its docstring, which ends in a full stop or goes on."""
    silent = [
        name
        for name, path in MODULES.items()
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_nothing_is_called_by_a_name_that_says_nothing() -> None:
    """One noun each."""
    vague = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}
    assert [name for name in MODULES if set(name.split(".")) & vague] == []


def test_each_test_module_has_a_name_of_its_own() -> None:
    """pytest imports those that are in no package by their names alone."""
    modules = (ROOT / "tests").rglob("test_*.py")
    alone = [path.name for path in modules if not (path.parent / "__init__.py").exists()]
    assert sorted(alone) == sorted(set(alone))
