"""Which modules a worker cannot import, so that what they define travels by value."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from taskkit.protocol.errors import CannotTravel
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


def test_a_module_under_two_names_is_one(write: Callable[[str, str], None]) -> None:
    """Some modules give themselves another name, too."""
    write("beside_i", "import sys\nsys.modules['beside_j'] = sys.modules[__name__]\n")
    importlib.import_module("beside_i")
    assert "beside_i" in local_names(LocalModules())
    assert not cloudpickle.list_registry_pickle_by_value()


HOLDS_A_LOCK = """
import threading

LOCK = threading.Lock()

def answer():
    with LOCK:
        return 42
"""


def test_what_cannot_travel_by_value_is_refused(write: Callable[[str, str], None]) -> None:
    """No worker finds its module; the message says what is in the way."""
    write("beside_f", HOLDS_A_LOCK)
    beside = importlib.import_module("beside_f")
    with pytest.raises(CannotTravel, match=r"the global 'LOCK' cannot .*lock"):
        pickle_function(beside.answer)
    with pytest.raises(CannotTravel, match=r"the global 'beside' → \.LOCK cannot .*lock"):
        pickle_function(user_of(beside))


def user_of(beside: Any) -> Callable[[], Any]:
    """Return a function as of a notebook that has imported the module."""
    code = compile("def use():\n    return beside.answer()\n", "cell", "exec")
    cell: dict[str, Any] = {"beside": beside, "__name__": "__main__"}
    exec(code, cell)
    function: Callable[[], Any] = cell["use"]
    return function


@pytest.mark.parametrize("name", ["elsewhere_a", "elsewhere_b.part"])
def test_what_others_can_import_travels_by_name_where_it_cannot_by_value(
    name: str,
    write: Callable[[str, str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As of an editable install: another Python of this installation finds it."""
    (tmp_path / "elsewhere_b").mkdir()
    write("elsewhere_b/__init__", "")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    write(name.replace(".", "/"), HOLDS_A_LOCK)
    module = importlib.import_module(name)
    pickled, _ = pickle_function(module.answer)
    assert Classes().load(pickled) is module.answer


def test_a_module_of_the_same_name_elsewhere_is_another(
    write: Callable[[str, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker would run what is not meant."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "beside_g.py").write_text("def answer():\n    return 0\n")
    monkeypatch.setenv("PYTHONPATH", str(other))
    write("beside_g", HOLDS_A_LOCK)
    with pytest.raises(CannotTravel):
        pickle_function(importlib.import_module("beside_g").answer)


def test_where_no_other_python_runs_workers_may_find_what_they_are_told(
    write: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As within a program that has Python built in."""
    write("beside_h", HOLDS_A_LOCK)
    monkeypatch.setattr(sys, "executable", "")
    module = importlib.import_module("beside_h")
    pickled, _ = pickle_function(module.answer)
    assert Classes().load(pickled) is module.answer


def test_where_a_file_really_is_counts(
    write: Callable[[str, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link among what is installed leads to what is edited, and a link beside to what is not."""
    installed, edited = tmp_path / "installed", tmp_path / "edited"
    for folder in (installed, edited / "linked_b"):
        folder.mkdir(parents=True)
    (edited / "linked_a.py").write_text("")
    (edited / "linked_b" / "__init__.py").write_text("")
    (installed / "linked_c.py").write_text("")
    (installed / "linked_a.py").symlink_to(edited / "linked_a.py")
    (installed / "linked_b").symlink_to(edited / "linked_b")
    (tmp_path / "linked_c.py").symlink_to(installed / "linked_c.py")
    monkeypatch.syspath_prepend(str(installed))
    modules = LocalModules()
    modules._installed += (f"{installed.resolve()}/",)
    write("linked_d", "")
    names = ("linked_a", "linked_b", "linked_c", "linked_d")
    for name in names:
        importlib.import_module(name)
    with modules.by_value():
        known = set(cloudpickle.list_registry_pickle_by_value())
    assert [name for name in names if name in known] == ["linked_a", "linked_b", "linked_d"]
