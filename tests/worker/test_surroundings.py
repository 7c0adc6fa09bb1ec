"""What a worker tells of where a job ran, and what of it many jobs share."""

from __future__ import annotations

import gc
import importlib.util
import json
import platform
import sys
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from taskkit.ledger import Sheet
from taskkit_worker.surroundings import MOST_BYTES, Surroundings
from taskkit_worker.tasks.ising import ising


def facts(sheet: Sheet) -> dict[str, Any]:
    """Return what a sheet says."""
    found: dict[str, Any] = json.loads(sheet.text)
    return found


def test_a_process_tells_its_python_and_what_it_has_imported() -> None:
    """By distributions and their versions; not what is installed and was never imported."""
    told = facts(Surroundings().environment())
    assert (told["kind"], told["python"]) == ("environment", platform.python_version())
    assert told["packages"]["numpy"] == np.__version__
    assert told["packages"]["taskkit-notebook"] == version("taskkit-notebook")
    bare = Surroundings(modules={"json": json}).environment()
    assert facts(bare)["packages"].keys() == {"taskkit-notebook", "cloudpickle"}


def test_what_is_imported_meanwhile_does_no_harm() -> None:
    """As by the end of something that the garbage collector finds just then."""
    modules: dict[str, ModuleType] = {f"json.{number}": json for number in range(10_000)}

    class Importing:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            modules[f"json.late{len(modules)}"] = json
            if is_on:
                Importing()  # so that each round of the collector finds one

    place, threshold = Surroundings(modules=modules), gc.get_threshold()
    place.environment()
    modules["json"] = json
    is_on = True
    Importing()
    gc.set_threshold(50)
    try:
        place.environment()
    finally:
        is_on = False
        gc.set_threshold(*threshold)
    gc.collect()
    assert any(name.startswith("json.late") for name in modules)


def test_what_comes_later_is_seen_and_else_nothing_is_looked_up() -> None:
    """The same sheet for one job after another, until a job imports something."""
    modules: dict[str, ModuleType] = {"json": json}
    place = Surroundings(modules=modules)
    first = place.environment()
    assert place.environment() is first
    modules["numpy"] = np
    later = place.environment()
    assert facts(later)["packages"]["numpy"] == np.__version__
    assert later.digest != first.digest
    assert Surroundings(modules=modules).environment().digest == later.digest


def test_a_module_of_no_package_is_told_by_its_text(tmp_path: Path) -> None:
    """Of which nobody else can say a version."""
    file = tmp_path / "mylab.py"
    file.write_text("x = 1\n")
    spec = importlib.util.spec_from_file_location("mylab", file)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mylab"] = module
    try:
        module.__file__ = str(file)
        told = facts(Surroundings(modules={"mylab": module}).environment())
    finally:
        del sys.modules["mylab"]
    assert told["files"] == {"mylab": sha256(b"x = 1\n").hexdigest()}


def test_a_module_that_is_loaded_when_it_is_used_is_left_alone() -> None:
    """To look at it would import it, or raise."""

    class Lazy(ModuleType):
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(f"{name} was asked for")

    told = facts(Surroundings(modules={"lazy": Lazy("lazy")}).environment())
    assert "lazy" not in told["files"]


def test_variables_are_those_of_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """As they were when it began: what a job sets for itself is the job's."""
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    place = Surroundings()
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert facts(place.environment())["variables"]["OMP_NUM_THREADS"] == "3"
    assert "hush" not in place.environment().text


def test_a_named_task_is_told_by_its_module_and_version() -> None:
    """With its source, whose digest says whether it is the same elsewhere."""
    told = facts(Surroundings().code("ising", ising))
    assert (told["module"], told["qualname"]) == ("taskkit_worker.tasks.ising", "ising")
    assert (told["distribution"], told["version"]) == (
        "taskkit-notebook",
        version("taskkit-notebook"),
    )
    assert told["source_sha256"] == sha256(told["source"].encode()).hexdigest()
    assert told["defaults"]["seed"] == 0


def test_a_sheet_is_never_large() -> None:
    """Of a process with thousands of packages the rest is told, and that something is not."""

    class Many:
        def origin(self, module: str) -> Any:
            from taskkit.travel.distributions import Origin

            return Origin(package=f"package-of-{module}" * 3, version="1.0")

    modules = {f"m{n}": np for n in range(3000)}
    sheet = Surroundings(Many(), modules).environment()  # type: ignore[arg-type]
    assert len(sheet.text) <= MOST_BYTES
    assert facts(sheet)["is_cut"] is True
    assert facts(sheet)["python"] == platform.python_version()
