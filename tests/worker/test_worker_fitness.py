"""Whether a worker may run a function, before it is loaded; and the words where loading fails."""

from __future__ import annotations

import pickle
from collections.abc import Mapping

import pytest

from taskkit.ledger import JobRef
from taskkit.protocol.errors import BadSignature
from taskkit.protocol.options import JobOptions
from taskkit.protocol.spec import JobSpec
from taskkit.travel.stamps import stamped
from taskkit_worker.fitness import Fitness, explained

REF = JobRef("ada", "1" * 32)
PICKLED = pickle.dumps(len)


class Shelf:
    """One function, and how often it was fetched."""

    def __init__(self, packages: Mapping[str, str]) -> None:
        self.function: bytes | None = stamped(PICKLED, packages)
        self.fetched = 0

    def fetch(self, _owner: str, _digest: str) -> bytes | None:
        """Bring it."""
        self.fetched += 1
        return self.function


def fitness(shelf: Shelf, has: Mapping[str, str], minor: str = "3.11") -> Fitness:
    """Return that of a process with these packages."""
    return Fitness(shelf.fetch, versions=has.get, minor=minor)


def spec(python: str = "3.11", **options: object) -> JobSpec:
    """Return a job of the function."""
    return JobSpec(task="fit", function="f" * 64, python=python, options=JobOptions(**options))


@pytest.mark.parametrize(
    ("has", "words"),
    [
        ({"tinylab": "2.4"}, None),
        ({"tinylab": "1.9"}, "needs tinylab 2.*; this worker has tinylab 1.9"),
        ({}, "needs tinylab 2.*; this worker has no tinylab"),
    ],
)
def test_what_a_function_needs_is_held_against_what_is_installed(
    has: Mapping[str, str], words: str | None
) -> None:
    """And asked of the ledger once, however many jobs there are."""
    shelf = Shelf({"tinylab": "==2.*"})
    process = fitness(shelf, has)
    for n in range(3):
        found = process.lacking(JobRef("ada", str(n) * 32), spec(tags=("big",)))
        if words is None:
            assert found is None
        else:
            assert found is not None
            needs, told = found
            assert told == words
            assert (needs.python, needs.packages, needs.tags) == (
                "3.11",
                {"tinylab": "==2.*"},
                ("big",),
            )
    assert shelf.fetched == 1


def test_another_python_does_not_fit_whatever_is_used() -> None:
    """Code by value does not cross minor versions."""
    found = fitness(Shelf({}), {}, minor="3.12").lacking(REF, spec())
    assert found is not None
    assert found[0].python == "3.11"
    assert found[1] == "needs Python 3.11; this worker has Python 3.12"


def test_a_job_that_comes_back_all_the_same_is_run() -> None:
    """Else it would go round for ever, where what a worker says of itself is not so."""
    process = fitness(Shelf({"tinylab": "==2.*"}), {})
    assert process.lacking(REF, spec()) is not None
    assert process.lacking(REF, spec()) is None


def test_named_tasks_and_functions_without_a_word_fit() -> None:
    """As those of clients of an older release; what cannot be read is told where it is loaded."""

    def forged(_owner: str, _digest: str) -> bytes:
        raise BadSignature("not written by the server")

    assert fitness(Shelf({"x": ""}), {}).lacking(REF, JobSpec(task="demo")) is None
    assert fitness(Shelf({}), {}).lacking(REF, spec()) is None
    assert Fitness(forged, minor="3.11").lacking(REF, spec()) is None
    gone = Shelf({})
    gone.function = None
    assert fitness(gone, {}).lacking(REF, spec()) is None


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("No module named 'tinylab'", name="tinylab"),
        ImportError("cannot import name 'f' from 'tinylab'", name="tinylab"),
        AttributeError("Can't get attribute 'f' on <module 'tinylab'>"),
    ],
)
def test_an_error_of_loading_says_what_both_sides_have(
    error: ImportError | AttributeError,
) -> None:
    """It stays an error of its kind, with its own words first."""
    told = explained(error, stamped(PICKLED, {"tinylab": "==2.*", "numpy": "==2.*"}), "3.11")
    assert type(told) is type(error)
    words = str(told)
    assert words.startswith(str(error))
    assert "Python 3.11, numpy==2.*, tinylab==2.*" in words
    assert "tinylab (none)" in words
    assert getattr(told, "name", None) == getattr(error, "name", None)
