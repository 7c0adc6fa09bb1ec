"""A cell is checked, and told what it needs, before anything is sent."""

from __future__ import annotations

import linecache
import os.path
from typing import Any

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from taskkit.magics.body import Body, body_of
from taskkit.protocol.errors import CannotTravel

FILE = "Cell In[7]"


def body(text: str, namespace: dict[str, Any] | None = None, **options: Any) -> Body:
    """Return a cell of this text, below the line of its magic."""
    names = {"__name__": "__main__"} if namespace is None else namespace
    transform = TransformerManager().transform_cell
    options = {"replaced": {}, **options}
    return body_of(f"%%job\n{text}", file=FILE, namespace=names, transform=transform, **options)


def sent(text: str, namespace: dict[str, Any]) -> set[str]:
    """Return the names that a cell is sent, without the attributes that it names."""
    return {name for name in body(text, namespace).names.__code__.co_names if name in namespace}


def test_it_is_sent_only_what_it_reads() -> None:
    """And which of it the notebook does not have is told to it."""
    namespace = {"__name__": "__main__", "a": 1, "b": 2, "c": 3}
    assert sent("c = a + nowhere", namespace) == {"a"}
    assert body("c = a + nowhere; d = c + len([])", namespace).cell.unknown == ("nowhere",)


def test_attributes_are_named_so_that_imported_modules_of_a_package_come_along() -> None:
    """cloudpickle looks for them among the names of the code."""
    names = body("x = os.path.join('a', 'b')", {"os": os}).names
    assert {"os", "path", "join"} <= set(names.__code__.co_names)


def test_a_built_in_that_ipython_replaces_is_the_worker_s_own() -> None:
    """`open` is one; a function of the user's by that name is sent."""

    outputs: dict[int, Any] = {}
    replaced = {"open": print, "Out": outputs}

    def read(text: str, namespace: dict[str, Any]) -> tuple[str, ...]:
        return body(text, namespace, replaced=replaced).names.__code__.co_names

    assert read("open('x')", {"open": print}) == ()
    assert read("open('x')", {"open": len}) == ("open",)
    assert read("Out[1]", {"Out": outputs}) == ("Out",)


def test_the_lines_are_those_that_the_author_sees() -> None:
    """The first is the magic's, empty ones and indentation change nothing."""
    cell = body("\n\n  x = 1\n  y = 2\n").cell
    assert cell.text.split("\n")[:5] == ["%%job", "", "", "x = 1", "y = 2"]
    assert [statement.lineno for statement in cell.tree().body] == [4, 5]
    assert linecache.getline(FILE, 5) == "y = 2\n"


@pytest.mark.parametrize(
    ("text", "has_value"),
    [
        ("1 + 1", True),
        ("1 + 1;", False),
        ("1 + 1;  # not shown", False),
        ("1 + 1  # ;", True),
        ("x = 1", False),
        ("if True:\n    1", False),
        ("# nothing", False),
        ("'a;'\n\n", True),
    ],
)
def test_the_last_expression_is_its_value_unless_a_semicolon_says_no(
    text: str, has_value: bool
) -> None:
    """As in any cell."""
    assert body(text).cell.has_value is has_value


def test_a_syntax_error_has_the_line_in_the_cell() -> None:
    """Also those that only the compiler finds."""
    with pytest.raises(SyntaxError) as raised:
        body("x = 1\ny = (2")
    assert (raised.value.filename, raised.value.lineno) == (FILE, 3)
    with pytest.raises(SyntaxError, match="outside function") as raised:
        body("return 1")
    assert raised.value.lineno == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x = 1\n!ls", "line 3 of the cell, '!ls', is for IPython"),
        ("x = !ls", "line 2 of the cell, 'x = !ls',"),
        ("\n%time f()", "line 3 of the cell, '%time f()',"),
        ("%%time\nf()", "line 2 of the cell, '%%time',"),
        ("print?", "line 2 of the cell, 'print?',"),
        ("def f():\n    %matplotlib inline", "line 3 of the cell, '%matplotlib inline',"),
        ("get_ipython().user_ns", "line 2 of the cell"),
    ],
)
def test_what_is_for_ipython_is_refused_with_its_line(text: str, line: str) -> None:
    """Before anything is sent: a worker would find it out at the end of its work."""
    with pytest.raises(CannotTravel) as raised:
        body(text, {"get_ipython": len})
    assert str(raised.value).startswith(line)


def test_what_only_looks_like_it_is_python() -> None:
    """A function called `display` of the user's own, a remainder, a text with an exclamation."""
    assert sent("display(5 % 3, '!ls', 'x?')", {"display": print}) == {"display"}


def test_a_name_of_out_that_the_cell_does_not_know_is_refused() -> None:
    """It is misspelt; what it only reads may be asked for, and what a star brings."""
    with pytest.raises(ValueError, match="--out asks for 'modle', which the cell neither"):
        body("model = 1", out=("modle",))
    assert body("rows.append(1)", out=("rows",)).cell.out == ("rows",)
    assert body("from os.path import *", out=("join",)).cell.out == ("join",)
