"""What travels with a function for its card."""

from __future__ import annotations

import functools
import json
import pickle
from typing import Any

import numpy as np

from taskkit.travel.described import SOURCE_CHARS, described
from taskkit.travel.stamps import about, bare_pickle, packages_of, stamped


def fit(x: float, seed: int = 3, *, noise: object = None) -> float:
    """Fit."""
    return x + seed


class Model:
    """Is called."""

    def __call__(self, x: float) -> float:
        return x


class Liar:
    """Answers whatever it is asked, and not what it should."""

    def __getattr__(self, name: str) -> Any:
        if name == "__wrapped__":
            return self
        raise RuntimeError("no")

    def __call__(self) -> None: ...


def test_a_function_tells_its_source_and_parameters() -> None:
    """As its author wrote it."""
    told = described(fit)
    assert told["source"].startswith("def fit(x: float, seed: int = 3")
    assert (told["qualname"], told["parameters"]) == ("fit", ["x", "seed"])
    assert told["defaults"] == {"seed": 3, "noise": None}
    assert told["client"]["python"]
    json.dumps(told)


def test_a_method_within_a_class_is_told_without_its_indentation() -> None:
    """And of an object that is called, its class."""
    assert described(Model.__call__)["source"].startswith("def __call__")
    assert described(Model())["source"].startswith("class Model:")
    assert described(functools.partial(fit, 2.0))["qualname"] == "fit"


def test_a_function_of_a_package_tells_which() -> None:
    """Its version is what a reader needs; C has no source."""
    told = described(np.linalg.svd)
    assert (told["distribution"], told["version"]) == ("numpy", np.__version__)
    assert "source" not in described(len)
    assert described(len)["qualname"] == "len"


def test_defaults_that_change_are_seen() -> None:
    """A function is looked at once, as long as it is as it was."""

    def draw(seed: int = 1) -> int:
        return seed

    assert described(draw)["defaults"] == {"seed": 1}
    assert described(draw) is described(draw)
    draw.__defaults__ = (2,)
    assert described(draw)["defaults"] == {"seed": 2}


def test_a_long_source_is_cut_and_says_so() -> None:
    """The ledger keeps it once for each function."""
    lines = "".join(f"    x = {n}\n" for n in range(5000))
    namespace: dict[str, Any] = {}
    import linecache

    source = f"def long():\n{lines}"
    linecache.cache["<long>"] = (len(source), None, source.splitlines(keepends=True), "<long>")
    exec(compile(source, "<long>", "exec"), namespace)
    told = described(namespace["long"])
    assert len(told["source"]) == SOURCE_CHARS
    assert told["is_source_cut"] is True


def test_a_callable_that_cannot_be_asked_is_submitted_all_the_same() -> None:
    """Its card says less."""
    assert described(Liar()) == {} or "source" not in described(Liar())


def test_what_is_told_stands_behind_the_pickle_and_is_passed_over() -> None:
    """Before what an older release reads."""
    pickled = pickle.dumps([1])
    both = stamped(pickled, {"numpy": "==2.*"}, described(fit))
    assert pickle.loads(both) == [1]
    assert packages_of(both) == {"numpy": "==2.*"}
    assert about(both) == described(fit)
    assert bare_pickle(both) == pickled
    alone = stamped(pickled, {}, {"source": "x"})
    assert (packages_of(alone), about(alone), bare_pickle(alone)) == ({}, {"source": "x"}, pickled)
    assert (about(pickled), bare_pickle(pickled)) == ({}, pickled)
