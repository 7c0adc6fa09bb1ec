"""Errors are one tree, drawn where it is, and keep their meaning on the way."""

from __future__ import annotations

import re

import pytest

from taskkit.protocol import errors
from taskkit.protocol.errors import (
    BY_CODE,
    BY_NAME,
    JobTimedOut,
    RemoteTraceback,
    RequestError,
    ServiceError,
    TaskkitError,
    from_problem,
    to_problem,
)
from taskkit.protocol.options import TIMED_OUT


def family(cls: type[TaskkitError]) -> list[type[TaskkitError]]:
    """Return a class and all that derive from it within the module."""
    return [cls, *(kin for sub in cls.__subclasses__() for kin in family(sub))]


ALL = [cls for cls in family(TaskkitError) if cls.__module__ == errors.__name__]


def drawn_tree() -> dict[str, tuple[str, int | None]]:
    """Return class name -> (base's name, status) from the module's docstring."""
    branches: dict[str, tuple[str, int | None]] = {}
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"([\s│├└─]*)([A-Z]\w+)(?:\s+(\d{3}))?", line):
            indent, name = len(match[1]), match[2]
            if indent == 0:
                continue
            above = [(i, n) for i, n in above if i < indent]
            branches[name] = (above[-1][1] if above else "", int(match[3]) if match[3] else None)
            above.append((indent, name))
    return branches


def test_the_drawn_tree_is_the_real_one() -> None:
    """The docstring shows every class under its base, and no other."""
    drawn = {name: base for name, (base, _) in drawn_tree().items()}
    assert drawn.pop("TaskkitError") == ""
    assert drawn == {cls.__name__: cls.__bases__[0].__name__ for cls in ALL[1:]}


def test_the_drawn_statuses_are_the_real_ones() -> None:
    """Where the docstring shows a status, the class travels under it; where not, it has no own."""
    for name, (_, status) in drawn_tree().items():
        cls = getattr(errors, name)
        if status is None:
            assert "status" not in vars(cls) or cls in (TaskkitError, RequestError), name
        else:
            assert cls.status == status, name


def test_every_code_is_of_one_class() -> None:
    """A program that asks for the code gets one meaning."""
    assert {cls.code: cls for cls in ALL} == BY_CODE
    assert len(BY_CODE) == len(ALL)


def test_every_error_is_found_by_what_users_call_it() -> None:
    """As a record of a failed job names it."""
    assert {f"taskkit.{cls.__name__}": cls for cls in ALL} == BY_NAME
    assert BY_NAME[TIMED_OUT] is JobTimedOut


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_every_error_says_what_it_means(cls: type[TaskkitError]) -> None:
    """Without a message of its own an error says what its class means."""
    assert str(cls()) == (cls.__doc__ or "").split("\n", 1)[0]
    assert str(cls()).endswith(".")


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_an_error_comes_back_as_itself(cls: type[TaskkitError]) -> None:
    """Class, message and details survive the way as a problem."""
    error = cls("job 12ab: it is so; do this", nearest=["ising"], job="12ab")
    problem = to_problem(error)
    assert problem["type"] == f"urn:taskkit:problem:{cls.code}"
    assert problem["status"] == cls.status
    back = from_problem(problem, cls.status)
    assert type(back) is cls
    assert str(back) == str(error)
    assert back.details == {"nearest": ["ising"], "job": "12ab"}


@pytest.mark.parametrize(
    ("status", "kin"), [(400, RequestError), (418, RequestError), (500, ServiceError)]
)
def test_an_unknown_code_becomes_its_nearest_kin(status: int, kin: type[TaskkitError]) -> None:
    """An older client still learns whether asking again can help."""
    error = from_problem({"code": "invented_later", "detail": "it is so", "hint": 1}, status)
    assert type(error) is kin
    assert str(error) == "it is so"
    assert error.details == {"hint": 1}


def test_a_problem_without_a_word_names_the_status() -> None:
    """A proxy's empty answer becomes a sentence all the same."""
    error = from_problem({}, 502)
    assert type(error) is ServiceError
    assert str(error) == "the server answered 502"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("CannotTravel", TypeError), ("NotReachable", ConnectionError), ("DecodeError", ValueError)],
)
def test_some_errors_are_builtin_ones_too(name: str, kind: type[Exception]) -> None:
    """Code that knows nothing of taskkit catches them where it expects them."""
    assert issubclass(getattr(errors, name), kind)


def test_a_remote_traceback_is_shown_whole() -> None:
    """As a cause, it prints the worker's own lines."""
    shown = str(RemoteTraceback("Traceback …\nValueError: no\n"))
    assert shown == '\n"""\nTraceback …\nValueError: no\n"""'
