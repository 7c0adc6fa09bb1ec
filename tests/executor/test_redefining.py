"""A notebook changes what it has defined; each job sees what there was when it was submitted."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from calls import held
from executors import LIMIT_S
from gates import Gate

import taskkit

Cell = Callable[[str], dict[str, Any]]


@pytest.fixture
def cell() -> Cell:
    """Run the text of a cell in a namespace as a notebook has one; return the namespace."""
    names: dict[str, Any] = {"__name__": "__main__"}

    def run(text: str) -> dict[str, Any]:
        exec(text, names)
        return names

    return run


@pytest.fixture
def call(client: taskkit.Client) -> Callable[..., list[Any]]:
    """Call on both worker processes, in all likelihood; return the different results."""

    def several(function: Callable[..., Any], *args: Any) -> list[Any]:
        found = [job.result(LIMIT_S) for job in [client.submit(function, *args) for _ in range(6)]]
        return sorted(set(found), key=repr)

    return several


Call = Callable[..., list[Any]]


def test_a_function_is_defined_again(cell: Cell, call: Call) -> None:
    """The same name is another function, and the first one again."""
    first, second = "def f(): return 1", "def f(): return 2"
    for text, expected in [(first, 1), (second, 2), (first, 1)]:
        assert call(cell(text)["f"]) == [expected]


def test_what_it_calls_is_defined_again(cell: Cell, call: Call) -> None:
    """The function itself is the same object."""
    f = cell("def g(): return 1\ndef f(): return g()")["f"]
    assert call(f) == [1]
    cell("def g(): return 2")
    assert call(f) == [2]
    cell("def g(): return 1")
    assert call(f) == [1]


def test_a_global_that_it_uses_is_set_again(cell: Cell, call: Call) -> None:
    """The function itself is the same object."""
    f = cell("N = 1\ndef f(): return N")["f"]
    for n in (1, 2, 1, 3):
        cell(f"N = {n}")
        assert call(f) == [n]


CLASS = """
class C:
    n = {n}
    def method(self): return {n}
def f(): return C.n, C().method()
def g(c): return c.n, c.method()
"""


def test_a_class_is_defined_again(cell: Cell, call: Call) -> None:
    """By a function that uses it, and as an argument's."""
    for n in (1, 2, 1):
        names = cell(CLASS.format(n=n))
        assert call(names["f"]) == [(n, n)]
        assert call(names["g"], names["C"]()) == [(n, n)]


def test_a_class_is_changed(cell: Cell, call: Call) -> None:
    """There and back; workers remember neither."""
    names = cell(CLASS.format(n=1))
    made, f, g = names["C"], names["f"], names["g"]
    for n in (1, 2, 1, 3, 1):
        made.n = n
        made.method = lambda self, n=n: n
        assert call(f) == [(n, n)]
        assert call(g, made()) == [(n, n)]


def test_an_object_of_an_older_class_has_its_methods(cell: Cell, call: Call) -> None:
    """The cell that defines the class was run again; the object is from before."""
    names = cell(CLASS.format(n=1))
    old = names["C"]()
    names = cell(CLASS.format(n=2))
    assert call(names["g"], old) == [(1, 1)]
    assert call(names["g"], names["C"]()) == [(2, 2)]


def test_a_result_changes_no_class_of_the_notebook(
    client: taskkit.Client, cell: Cell, gate: Gate
) -> None:
    """What was changed while the job ran stays so, and methods are the same objects."""
    names = cell(CLASS.format(n=1))
    names["held"], made = held, names["C"]
    cell("def h(gate):\n    held(gate)\n    C.n += 1\n    return C()")
    job = client.submit(names["h"], gate.path)
    before = made.method
    made.n = 5
    gate.open()
    found = job.result(LIMIT_S)
    assert type(found) is made
    assert made.n == 5
    assert made.method is before


def test_what_a_job_changes_is_its_own(cell: Cell, call: Call) -> None:
    """A global or a class that it changes is, for the next, as the notebook has it."""
    names = cell(
        "class C: n = 0\n"
        "def f():\n    C.n += 1\n    return C.n\n"
        "def fresh(): return [C.n, C.__name__][0]\n"
    )
    call(names["f"])
    assert call(names["fresh"]) == [0]


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Callable[[str], ModuleType]]:
    """Write a module where Python finds it, import it or import it again, and return it."""
    name = "changing_module"
    file = tmp_path / f"{name}.py"
    sys.path.insert(0, str(tmp_path))

    def write(text: str) -> ModuleType:
        file.write_text(text)
        importlib.invalidate_caches()
        known = sys.modules.get(name)
        return importlib.reload(known) if known else importlib.import_module(name)

    yield write
    sys.path.remove(str(tmp_path))
    sys.modules.pop(name, None)


def test_a_module_is_imported_again(beside: Callable[[str], ModuleType], call: Call) -> None:
    """As `%autoreload` does; jobs see what it has now."""
    for n in (1, 222, 33333):  # of different lengths: Python goes by the size and the second
        module = beside(f"N = {n}\nclass C:\n    n = N\ndef f(): return N, C().n")
        assert call(module.f) == [(n, n)]


def test_a_module_s_name_is_set(beside: Callable[[str], ModuleType], call: Call) -> None:
    """By whoever uses it."""
    module = beside("N = 1\ndef f(): return N\ndef g(): return f()")
    assert call(module.g) == [1]
    module.N = 2  # type: ignore[attr-defined]
    assert call(module.g) == [2]
    assert call(lambda: module.N) == [2]
