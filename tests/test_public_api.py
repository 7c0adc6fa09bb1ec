"""What `import taskkit` offers."""

from __future__ import annotations

import doctest
import importlib
import inspect
from importlib import metadata

import pytest

import taskkit
from taskkit.travel import values

INSIDE = ["taskkit.inside.progress", "taskkit.inside.report", "taskkit.inside.task"]


def test_the_public_names_are_few_and_sorted() -> None:
    """A reader takes them in at a glance."""
    assert taskkit.__all__ == sorted(set(taskkit.__all__))
    assert len(taskkit.__all__) <= 24


def test_every_public_name_has_one_home() -> None:
    """The table of what is loaded when first used is the list of what is public."""
    assert sorted(taskkit._HOMES) == taskkit.__all__
    assert dir(taskkit) == taskkit.__all__


@pytest.mark.parametrize("name", taskkit.__all__)
def test_every_public_name_is_there_and_says_what_it_does(name: str) -> None:
    """The first line of its docstring is a sentence."""
    thing = getattr(taskkit, name)
    first = (inspect.getdoc(thing) or "").split("\n", 1)[0]
    assert first.endswith((".", ":")), first
    assert thing is getattr(taskkit, name)


def test_another_name_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="'taskkit' has no attribute 'Clinet'"):
        taskkit.Clinet  # noqa: B018


@pytest.mark.parametrize("hook", ["load_ipython_extension", "unload_ipython_extension"])
def test_ipython_finds_its_hooks(hook: str) -> None:
    """As attributes of the package; no user calls them, so they are not among the names."""
    assert callable(getattr(taskkit, hook))
    assert hook not in dir(taskkit)


def test_the_version_is_the_distributions() -> None:
    """Told in one place; the build reads it there."""
    assert taskkit.__version__ == metadata.version("taskkit-notebook")


@pytest.mark.parametrize("name", [*INSIDE, values.__name__])
def test_the_examples_in_the_docstrings_run(name: str) -> None:
    """As they are written."""
    module = importlib.import_module(name)
    result = doctest.testmod(module, raise_on_error=False)
    assert result.attempted > 0
    assert result.failed == 0
