"""Exceptions are called the same on both sides."""

from __future__ import annotations

import doctest
import json

import pytest

from taskkit.protocol import exceptions
from taskkit.protocol.errors import JobTimedOut, TaskkitError
from taskkit.protocol.exceptions import exception_name, exception_names


class OfCell(Exception):
    """As a cell defines it."""


class Derived(OfCell, ValueError):
    """Of two bases."""


OfCell.__module__ = "__main__"


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (ValueError, "ValueError"),
        (OfCell, "OfCell"),
        (Derived, f"{__name__}.Derived"),
        (json.JSONDecodeError, "json.decoder.JSONDecodeError"),
        (JobTimedOut, "taskkit.JobTimedOut"),
        (TaskkitError, "taskkit.TaskkitError"),
    ],
)
def test_a_class_is_called_as_users_write_it(cls: type[BaseException], name: str) -> None:
    """By module and qualified name; what needs no import by its own alone."""
    assert exception_name(cls) == name


def test_a_class_inside_another_has_the_outer_ones_name() -> None:
    """Its qualified name."""

    class Inner(Exception):
        pass

    assert exception_name(Inner).endswith("<locals>.Inner")


def test_bases_follow_in_the_order_in_which_python_looks() -> None:
    """The class itself first; whoever names a base means what derives from it."""
    names = exception_names(Derived)
    assert names[:4] == (f"{__name__}.Derived", "OfCell", "ValueError", "Exception")
    assert "object" not in names


def test_the_examples_run() -> None:
    """As they are written."""
    result = doctest.testmod(exceptions)
    assert (result.failed, result.attempted > 0) == (0, True)
