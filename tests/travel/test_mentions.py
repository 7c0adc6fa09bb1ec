"""Which modules a pickle names, of functions and of arguments."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from taskkit.travel.functions import pickle_arguments, pickle_function, pickle_value
from taskkit.travel.mentions import imported, mentioned
from taskkit.travel.references import Reference


def of(function: Callable[..., Any]) -> set[str]:
    """Return what a function mentions, as if a notebook had defined it."""
    function.__module__ = "__main__"
    return set(mentioned(pickle_function(function)[0]))


def test_globals_are_mentioned_by_their_modules() -> None:
    """Modules, what was taken from modules, and submodules that are used by their package."""
    norm = np.linalg.norm

    def work(x: float) -> Any:
        return norm(x), pd.Series([x]), scipy.stats.norm(x)

    assert {"numpy.linalg", "pandas", "scipy", "scipy.stats"} <= of(work)


def test_a_function_that_is_reached_mentions_what_it_uses() -> None:
    """By a closure, by a default, by the class that it makes."""

    def inner() -> Any:
        return np.zeros(1)

    class Made:
        def work(self) -> Any:
            import sklearn.svm

            return sklearn.svm

    inner.__module__ = Made.__module__ = "__main__"
    assert "numpy" in of(lambda: inner())
    assert "numpy" in of(lambda call=inner: call())
    assert "sklearn.svm" in of(lambda: Made())


def test_what_a_body_imports_is_mentioned() -> None:
    """However deep within, and of what is taken of a package also what may be a module."""

    def work() -> Any:
        import json

        def inner() -> Any:
            import a.b as short
            from c.d import e

            return short, e

        return inner, json

    assert of(work) >= {"json", "a.b", "c.d", "c.d.e"}


def test_imports_of_its_own_package_are_none_of_others() -> None:
    """`from .core import f` names no top-level module `core`."""
    code = compile("def f():\n    from .core import g\n    import h\n    return g, h", "", "exec")
    assert imported(code) == {"h"}


def test_a_function_that_catches_import_errors_does_without() -> None:
    """What it tries to import is not needed; the function around it is looked at for itself."""

    def work() -> Any:
        import needed

        def attempt() -> Any:
            try:
                import cupy
            except ImportError:
                cupy = None
            return cupy

        return needed, attempt

    assert "needed" in of(work)
    assert "cupy" not in of(work)


def test_code_with_many_names_is_read_to_its_end() -> None:
    """Beyond 256 names and constants an instruction has more than one part."""
    lines = [f"    v{n} = {1000 + n}.5; v{n}.attr{n}" for n in range(300)]
    code = compile("def f():\n" + "\n".join([*lines, "    import far.away"]), "", "exec")
    assert imported(code) == {"far.away"}


def test_arguments_are_mentioned_by_their_classes() -> None:
    """Also within others, and where large buffers would be apart."""
    pickled, _ = pickle_arguments(({"a": [pd.DataFrame({"x": [1.5]})]},), {"b": np.arange(9)})
    tops = {module.partition(".")[0] for module in mentioned(pickled)}
    assert {"pandas", "numpy"} <= tops
    assert mentioned(pickle_arguments((1, "a", [2.5]), {})[0]) == set()


def test_a_reference_mentions_what_it_stands_for() -> None:
    """A table that was put once is one of the arguments."""
    sent, _ = pickle_value(pd.Series([1]))
    pickled, _ = pickle_arguments((Reference(sent),), {})
    assert any(module.startswith("pandas") for module in mentioned(pickled))


class Loud:
    """Says when it is made."""

    made = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return make_loud, ()


def make_loud() -> Loud:
    """Make one."""
    Loud.made += 1
    return Loud()


def test_nothing_is_made_of_what_is_looked_at() -> None:
    """No code of the pickle's is called."""
    pickled, _ = pickle_value([Loud(), {1: Loud()}])
    before = Loud.made
    mentioned(pickled)
    assert Loud.made == before


@pytest.mark.parametrize("pickled", [b"", b"\x80\x05", b"no pickle", b"\x80\x05K\x01"])
def test_what_cannot_be_read_mentions_nothing(pickled: bytes) -> None:
    """A submission never fails by being looked at."""
    assert mentioned(pickled) == set()


def test_taskkit_itself_is_no_surprise(tmp_path: object) -> None:
    """A function that reports progress mentions taskkit, which is not asked of anybody."""
    from taskkit import progress
    from taskkit.travel.distributions import Distributions

    found = of(lambda: (progress(1), sys.version))
    assert "taskkit.inside.progress" in found
    assert Distributions().uses(found).packages == {}
