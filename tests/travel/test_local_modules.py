"""Which modules a worker cannot import, so that what they define travels by value."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cloudpickle
import pytest

from taskkit.travel.classes import Classes
from taskkit.travel.functions import pickle_function
from taskkit.travel.local_modules import LocalModules


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Write a module beside the notebook."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def write_one(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text)
        importlib.invalidate_caches()

    yield write_one
    for name in set(sys.modules) - before:
        del sys.modules[name]


def local_names(modules: LocalModules) -> set[str]:
    """Return the names of what would be sent by value."""
    with modules.by_value():
        return set(cloudpickle.list_registry_pickle_by_value())


def test_a_module_beside_the_notebook_is_local(write: Callable[[str, str], None]) -> None:
    """What is installed, or part of taskkit, is not; nothing stays registered."""
    write("beside_a", "")
    importlib.import_module("beside_a")
    names = local_names(LocalModules())
    assert "beside_a" in names
    assert not names & {"json", "pytest", "taskkit.client.client"}
    assert not cloudpickle.list_registry_pickle_by_value()


def test_a_module_imported_later_is_seen(write: Callable[[str, str], None]) -> None:
    """A notebook imports as it goes on."""
    modules = LocalModules()
    local_names(modules)
    write("beside_b", "")
    importlib.import_module("beside_b")
    assert "beside_b" in local_names(modules)


def test_a_module_imported_again_is_local_still(write: Callable[[str, str], None]) -> None:
    """Deleted and imported anew, as notebooks do to see an edit: the new one travels."""
    write("beside_c", "def answer():\n    return 1\n")
    modules = LocalModules()
    importlib.import_module("beside_c")
    assert "beside_c" in local_names(modules)
    del sys.modules["beside_c"]
    assert "beside_c" not in local_names(modules)
    write("beside_c", "def answer():\n    return 2  # edited\n")
    edited = importlib.import_module("beside_c")
    assert "beside_c" in local_names(modules)
    pickled, _ = pickle_function(edited.answer)
    del sys.modules["beside_c"]
    assert Classes().load(pickled)() == 2


def test_one_module_in_the_place_of_another_is_seen(write: Callable[[str, str], None]) -> None:
    """As many modules as before are not the same modules."""
    modules = LocalModules()
    write("beside_d", "")
    write("beside_e", "")
    importlib.import_module("beside_d")
    assert "beside_d" in local_names(modules)
    del sys.modules["beside_d"]
    importlib.import_module("beside_e")
    names = local_names(modules)
    assert "beside_e" in names
    assert "beside_d" not in names
