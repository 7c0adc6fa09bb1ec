"""A cell's body on its way to a worker and back, without one."""

from __future__ import annotations

import gc
import linecache
import pickle
import sys
import threading
import traceback
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
import pytest

from taskkit.travel.cells import Cell, CellResult, run_cell
from taskkit.travel.classes import Classes
from taskkit.travel.fingerprint import fingerprint
from taskkit.travel.outgoing import Outgoing
from taskkit.travel.pickling import dumps

FILE = "Cell In[7]"


def cell(text: str, **options: Any) -> Cell:
    """Return a cell of this text, below the line of its magic."""
    return Cell(f"%%job\n{text}", FILE, **options)


def reader(names: str, namespace: dict[str, Any]) -> FunctionType:
    """Return a function of the notebook that reads these names."""
    made: FunctionType = eval(f"lambda: [{names}]", namespace)
    return made


def notebook(**names: Any) -> dict[str, Any]:
    """Return a namespace as a notebook has one."""
    return {"__name__": "__main__", **names}


def ran(cell: Cell, names: str = "", namespace: dict[str, Any] | None = None) -> CellResult:
    """Run a cell as a worker does: what goes there and what comes back is pickled."""
    sent = on_worker(dumps(((cell,), {"names": reader(names, namespace or notebook())})))
    gc.collect()  # of the classes that were made there, this process knows nothing
    back: CellResult = pickle.loads(sent)
    return back


def on_worker(sent: bytes) -> bytes:
    """Return the result of a call as it is sent back."""
    args, kwargs = Classes().load(sent)
    return Outgoing(None).pickled(run_cell(*args, **kwargs))[0]


def test_what_is_assigned_comes_back_with_the_value_of_the_last_expression() -> None:
    """And nothing that was only read."""
    result = ran(cell("b = a + 1\nb * 2", has_value=True), "a", notebook(a=1))
    assert (result.names, result.value) == ({"b": 2}, 4)
    assert repr(result) == "4"
    silent = ran(cell("b = a + 1"), "a", notebook(a=1))
    assert (silent.names, silent.value, repr(silent)) == ({"b": 2}, None, "binds b")
    assert repr(ran(cell("pass"))) == "binds no name"


def test_a_name_that_is_assigned_what_it_was_comes_back_too() -> None:
    """The notebook may have assigned something else meanwhile."""
    assert ran(cell("a = 1", assigned=("a",)), "a", notebook(a=1)).names == {"a": 1}


def test_a_list_that_is_changed_in_place_comes_back_where_it_is_assigned() -> None:
    """By an item, or where it is asked for."""
    text, namespace = "rows[0] = 1\nrows.append(2)", notebook(rows=[0])
    assert ran(cell(text, assigned=("rows",)), "rows", namespace).names == {"rows": [1, 2]}
    assert ran(cell(text, out=("rows",)), "rows", namespace).names == {"rows": [1, 2]}
    assert namespace["rows"] == [0]


def test_what_nobody_could_foresee_comes_back() -> None:
    """What a star import or `exec` assigns, or a function by ``global``."""
    text = "from os.path import *\nexec('x = 1')\ncount()"
    namespace = notebook(n=0)
    exec("def count():\n    global n\n    n += 1", namespace)
    names = ran(cell(text), "count", namespace).names
    assert (names["x"], names["n"], names["join"]("a", "b")) == (1, 1, "a/b")
    assert "count" not in names


def test_only_out_comes_back() -> None:
    """And what the cell has not assigned in the end is an error that names it."""
    assert ran(cell("a, b = 1, 2", out=("b",))).names == {"b": 2}
    with pytest.raises(NameError, match="ended without a name 'c', which --out asks for"):
        ran(cell("if False: c = 1", out=("c",)))


def test_names_of_python_and_of_ipython_stay() -> None:
    """Annotations, and the loop variable that nobody wants."""
    names = ran(cell("for _ in range(3): pass\n__x__ = 1\na: int = 2\n_b = 3")).names
    assert names == {"a": 2, "_b": 3}


def test_functions_of_the_notebook_see_what_the_cell_assigns() -> None:
    """They share the cell's names, as they do in the notebook."""
    namespace = notebook(scale=1)
    exec("def f(x): return x * scale", namespace)
    assert ran(cell("scale = 10\nf(2)", has_value=True), "f", namespace).value == 20


def test_each_run_begins_anew() -> None:
    """A worker that runs the same call twice gives the same result twice."""
    sent = dumps(((cell("a += [1]\nlen(a)", has_value=True),), {"names": reader("a", {"a": []})}))
    for _ in range(2):
        args, kwargs = Classes().load(sent)
        assert run_cell(*args, **kwargs).value == 1


def bound(result: CellResult, namespace: dict[str, Any], *, is_home: bool = True) -> dict[str, Any]:
    """Return the notebook's namespace after the names were bound."""
    namespace.update(result.names_for(namespace if is_home else None))
    return namespace


FUNCTIONS = """
scale = 3
def inner(x): return x * scale
def outer(x): return inner(x) + offset
class Model:
    def predict(self, x): return outer(x)
model = Model()
"""


def test_functions_that_come_back_are_the_notebook_s_own() -> None:
    """They see its other names, and what becomes of them; so do methods of classes."""
    names = bound(ran(cell(FUNCTIONS), "offset", notebook(offset=1)), notebook(offset=1))
    assert names["outer"](2) == 7
    names["scale"] = 10
    assert (names["outer"](2), names["model"].predict(2)) == (21, 21)
    assert names["outer"].__globals__ is names
    assert isinstance(names["model"], names["Model"])


def test_what_such_functions_read_is_not_set_back_to_what_it_was() -> None:
    """What the notebook has changed meanwhile stays; what it has deleted comes back."""
    there = notebook(offset=1, other=2)
    result = ran(cell("def f(): return offset + other"), "offset, other", there)
    names = bound(result, notebook(offset=100))
    assert (names["offset"], names["f"]()) == (100, 102)
    assert "__builtins__" not in notebook()


def test_a_namespace_keeps_its_built_ins() -> None:
    """cloudpickle would put its own into it."""
    mine = {"len": len, "__import__": __import__}
    names = bound(ran(cell("def f(): return len([])")), notebook(__builtins__=mine))
    assert names["__builtins__"] is mine


def test_with_out_functions_keep_what_they_need_to_themselves() -> None:
    """It is not bound, and the notebook's names are not taken for it."""
    result = ran(cell(FUNCTIONS, out=("outer",)), "offset", notebook(offset=1))
    names = bound(result, notebook(scale=100), is_home=False)
    assert names["outer"](2) == 7
    assert set(names) - {"__builtins__"} == {"__name__", "scale", "outer"}


def test_a_module_comes_back_where_it_can_be_imported() -> None:
    """Where it cannot, the other names do."""
    text = "import os.path as p\nimport sys, types\n"
    text += "away = sys.modules['only_there'] = types.ModuleType('only_there')\nx = 1"
    try:
        result = ran(cell(text))
        del sys.modules["only_there"]
        names = result.names
    finally:
        sys.modules.pop("only_there", None)
    assert (names["p"], names["x"]) == (sys.modules["os.path"], 1)
    assert "away" not in names


def test_what_cannot_be_pickled_is_left_behind_and_the_rest_comes() -> None:
    """The work is done; with it goes what needs it. It is said, and why."""
    text = "import threading\nlock = threading.Lock()\ndef f(): return lock\nx = 1\nlock"
    result = ran(cell(text, has_value=True))
    assert set(result.names) == {"threading", "x"}
    assert result.value is None
    assert set(result.left_behind) == {"lock", "f", "the value"}
    assert result.left_behind["f"].startswith("f → the global 'lock' cannot be brought back")
    assert repr(result).endswith("; left behind: lock, f, the value")


def test_what_is_asked_for_and_cannot_be_pickled_is_an_error() -> None:
    """That names it."""
    text = "import threading\nlock = threading.Lock()"
    with pytest.raises(TypeError, match="lock cannot be brought back: it is a _thread"):
        ran(cell(text, out=("lock",)))


def test_a_preview_of_many_names_is_short() -> None:
    """It stands in a panel."""
    assert repr(ran(cell("a = b = c = d = e = f = g = 1"))) == "binds a, b, c, d, e and 2 more"


def test_arrays_come_back_writable_and_the_same_object_stays_one() -> None:
    """Also within what is large, and when the result itself travels on."""
    text = "a = np.arange(100_000.0)\nb = [a]\na"
    result = ran(cell(text, has_value=True), "np", notebook(np=np))
    again: CellResult = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(result))))
    for each in (result, again, pickle.loads(pickle.dumps(result))):
        names = each.names
        assert names["b"][0] is names["a"] is each.value
        names["a"][0] = 7
        assert names["a"].sum() == sum(range(100_000)) + 7
    assert result.value is not again.value


def test_a_traceback_shows_the_cell_s_lines() -> None:
    """With their numbers, and their text, which only the job brings to a worker."""
    linecache.cache.pop(FILE, None)
    with pytest.raises(ZeroDivisionError) as raised:
        ran(cell("x = 1\n\ndef f(n):\n    return n / 0\n\nf(x)"))
    told = "".join(traceback.format_exception(raised.value))
    assert f'File "{FILE}", line 7, in <module>\n    f(x)\n' in told
    assert f'File "{FILE}", line 5, in f\n    return n / 0\n' in told


def test_a_name_that_the_notebook_did_not_have_is_told_so() -> None:
    """Where the cell is to blame; what other code does not find is its own affair."""
    with pytest.raises(NameError, match="'nowhere' is not defined") as raised:
        ran(cell("x = nowhere", unknown=("nowhere",)))
    assert raised.value.__notes__ == [
        "The notebook had no 'nowhere' when this cell was submitted, and the cell does not assign "
        "it before."
    ]
    with pytest.raises(NameError) as raised:
        ran(cell("x = nowhere"))
    assert not hasattr(raised.value, "__notes__")


def test_a_cell_may_await() -> None:
    """In one loop from its first line to its last."""
    text = """
import asyncio
def value(): return asyncio.get_running_loop()
future = value().create_future()
value().call_later(0.01, future.set_result, 42)
await asyncio.sleep(0)
x = await asyncio.sleep(0, 1)
await future
"""
    result = ran(cell(text, has_value=True))
    assert (result.value, result.names["x"]) == (42, 1)
    assert "future" in result.left_behind


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        (lambda text: f"# why\n\n{text}  # because", True),
        (lambda text: text.replace("1", "2"), False),
        (lambda text: text.replace("x", "y"), False),
    ],
)
def test_a_key_stands_for_what_a_cell_does(change: Callable[[str], str], is_same: bool) -> None:
    """Not for its number, its comments, or what was there when it was first run."""
    first = cell("x = 1", unknown=("a",))
    other = Cell(f"%%job --wait\n{change('x = 1')}", "Cell In[9]")
    assert (fingerprint(first) == fingerprint(other)) is is_same


def test_what_is_asked_for_is_part_of_the_work() -> None:
    """Another list of names is another result."""
    assert fingerprint(cell("a = b = 1")) != fingerprint(cell("a = b = 1", out=("a",)))
    first, other = cell("1", has_value=True), cell("1")
    assert fingerprint(first) != fingerprint(other)


def test_who_asks_first_decides_for_all() -> None:
    """Threads that ask at once get the same objects, however long it takes to load them."""
    slow = "import time\nclass Slow:\n    def __reduce__(self): return time.sleep, (0.05,)\n"
    result = ran(cell(f"{slow}slow = Slow()\nxs = [1]"))
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(result.names)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(names["xs"]) for names in found}) == 1
