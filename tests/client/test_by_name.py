"""Named tasks as functions of a client."""

from __future__ import annotations

import inspect
import pydoc
from collections.abc import Iterator
from typing import Any

import pytest
from scripted import Server

from taskkit.client import catalogue as catalogue_module
from taskkit.client.by_name import NamedTasks
from taskkit.client.catalogue import Catalogue
from taskkit.client.http import Http
from taskkit.client.signatures import docstring_of, signature_of
from taskkit.connection import Connection
from taskkit.protocol.workers import TaskInfo

FIT = TaskInfo(
    name="fit",
    summary="Fit a model.",
    parameters=("size", "kind", "seed"),
    schema={
        "properties": {
            "size": {"type": "integer", "minimum": 2, "multipleOf": 2, "description": "in pixels"},
            "kind": {"type": "string"},
            "seed": {"type": "integer"},
        },
        "required": ["size"],
    },
    signature="(size: int, kind: Literal['a', 'b'] = 'a', *, seed: int = 0) -> dict[str, float]",
)
"""As a worker describes it."""


def test_a_signature_is_the_worker_s_but_for_the_job() -> None:
    """Types that are built in are themselves, others their text; defaults are values."""
    signature = signature_of(FIT)
    assert str(signature) == (
        "(size: int, kind: Literal['a', 'b'] = 'a', *, seed: int = 0) -> Job[dict[str, float]]"
    )
    size, kind, seed = signature.parameters.values()
    assert (size.annotation, size.default, size.kind) == (
        int,
        inspect.Parameter.empty,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    )
    assert (kind.default, seed.default, seed.kind) == ("a", 0, inspect.Parameter.KEYWORD_ONLY)
    assert signature.bind(4, seed=1).arguments == {"size": 4, "seed": 1}
    with pytest.raises(TypeError, match="missing a required argument: 'size'"):
        signature.bind()


def test_a_default_that_is_no_literal_is_its_text() -> None:
    """As a reader of the signature sees it."""
    info = TaskInfo(name="t", signature="(x=Kind.A, y: Kind=-1)")
    assert str(signature_of(info)) == "(x=Kind.A, y: Kind = -1) -> Job[Any]"


def test_a_signature_that_is_no_python_leaves_the_names() -> None:
    """A default may be any object, and its repr any text."""
    info = TaskInfo(
        name="t",
        parameters=("x", "y"),
        schema={"required": ["x"]},
        signature="(x, y=<object at 0x7f>)",
    )
    assert str(signature_of(info)) == "(*, x, y=...) -> Job[Any]"


def test_a_docstring_tells_each_parameter_and_its_rules() -> None:
    """What the schema says beside the type."""
    assert docstring_of(FIT) == (
        "Fit a model.\n\n"
        "Submits the named task 'fit' and returns its job.\n\n"
        "Parameters:\n"
        "    size: int: at least 2, a multiple of 2, in pixels\n"
        "    kind: Literal['a', 'b'] = 'a'\n"
        "    seed: int = 0"
    )
    assert docstring_of(TaskInfo(name="t", signature="()")) == (
        "Submits the named task 't' and returns its job."
    )


OFFERED = [
    {"name": "fit", "signature": "(size: int = 1)", "summary": "Fit a model."},
    {"name": "simulate", "signature": "()"},
    {"name": "a-b", "signature": "()"},
]


@pytest.fixture
def server() -> Iterator[Server]:
    """A server with three tasks."""
    made = Server(lambda *_: (200, {"tasks": OFFERED}))
    yield made
    made.close()


@pytest.fixture
def tasks(server: Server) -> NamedTasks:
    """Its tasks; submitting one returns the call."""

    def submit(*args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    return NamedTasks(submit, Catalogue(Http(Connection(server.url, None))))


def test_a_task_is_called_by_its_name(tasks: NamedTasks) -> None:
    """The arguments are passed as they are: the server checks them."""
    assert tasks.fit(2, size=3) == (("fit", 2), {"size": 3})
    assert tasks["a-b"]() == (("a-b",), {})


def test_help_shows_what_the_task_is(tasks: NamedTasks) -> None:
    """As of a function."""
    text = pydoc.plain(pydoc.render_doc(tasks.fit))
    assert "fit(size: int = 1) -> Job[Any]" in text
    assert "Fit a model." in text


def test_names_complete_that_can_be_written(tasks: NamedTasks) -> None:
    """The others behind a bracket."""
    assert dir(tasks) == ["fit", "simulate"]
    assert tasks._ipython_key_completions_() == ["fit", "simulate", "a-b"]


def test_they_show_themselves_as_a_table(tasks: NamedTasks) -> None:
    """The one that `tasks` returns."""
    assert repr(tasks).splitlines()[1] == "fit(size: int = 1)  Fit a model."


def test_an_unknown_name_is_an_attribute_error_with_the_nearest(tasks: NamedTasks) -> None:
    """As a misspelt attribute is; behind a bracket, as a key that is missing."""
    with pytest.raises(AttributeError, match="no worker knows a task 'fitt'; did you mean 'fit'"):
        tasks.fitt  # noqa: B018
    with pytest.raises(KeyError, match="no worker knows a task 'zzz'; client"):
        tasks["zzz"]


def test_what_anybody_asks_of_any_object_is_not_asked_of_the_server(
    tasks: NamedTasks, server: Server
) -> None:
    """IPython, copy and pickle look for names that begin with an underscore."""
    assert not hasattr(tasks, "_repr_html_")
    assert server.asked == []


def test_many_calls_ask_for_the_catalogue_once(
    tasks: NamedTasks, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For some seconds; a name that is not in it is looked for again."""
    for _ in range(3):
        tasks.fit()
    assert len(server.asked) == 1
    OFFERED.append({"name": "new", "signature": "()"})
    try:
        assert tasks.new() == (("new",), {})
    finally:
        OFFERED.pop()
    assert len(server.asked) == 2
    monkeypatch.setattr(catalogue_module, "KEPT_S", 0.0)
    tasks.fit()
    assert len(server.asked) == 3


def test_no_name_completes_where_the_server_is_away(tasks: NamedTasks, server: Server) -> None:
    """Who presses a key is not shown an error."""
    server.script = lambda *_: (503, {})
    assert dir(tasks) == []
