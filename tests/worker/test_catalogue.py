"""Named tasks: where they are found, how they are described, and what they accept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import pydantic
import pytest

from taskkit.protocol.errors import InvalidArguments, TaskNotFound
from taskkit_worker.catalogue import Catalogue

pytestmark = pytest.mark.usefixtures("fresh_imports")

FIT = '''
from __future__ import annotations
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Literal
import taskkit
from pydantic import BaseModel, Field, TypeAdapter

class Grid(BaseModel):
    """A nested argument."""
    size: int = 4

class Colour(Enum):
    RED = "red"

@taskkit.task
def fit(
    steps: Annotated[int, Field(ge=1, le=100)],
    rate: float = 0.1,
    *,
    kind: Literal["fast", "exact"] = "fast",
    grid: Grid = Grid(),
    colour: Colour = Colour.RED,
    more: list[Grid] = [],
) -> str:
    """Fit it.

    More words.
    """
    return f"{steps} {rate} {kind} {grid.size} {colour.name}"

@taskkit.task(name="other-name")
def unnamed(x=1):
    return x

@taskkit.task
def strict() -> int:
    return TypeAdapter(int).validate_python("x")

def no_task() -> None:
    raise AssertionError
'''


@pytest.fixture
def fit(tmp_path: Path) -> Catalogue:
    """A catalogue with the tasks of one file."""
    file = tmp_path / "my_fits.py"
    file.write_text(FIT)
    return Catalogue([str(file)])


def names(catalogue: Catalogue) -> set[str]:
    """Return the names beside those of the examples."""
    return {info.name for info in catalogue.infos()} - {info.name for info in Catalogue().infos()}


def task_file(path: Path, name: str, imports: str = "") -> None:
    """Write a module with one task."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"import taskkit\n{imports}\n@taskkit.task\ndef {name}() -> int:\n    return 1\n"
    )


def test_the_examples_are_always_there() -> None:
    """By name, in order."""
    assert [info.name for info in Catalogue().infos()] == ["demo", "ising", "primes"]


def test_tasks_are_found_in_a_file(fit: Catalogue) -> None:
    """Those that are marked, under their names; nothing else."""
    assert names(fit) == {"fit", "other-name", "strict"}


def test_tasks_are_found_in_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is imported."""
    task_file(tmp_path / "my_module_x.py", "in_module")
    monkeypatch.syspath_prepend(tmp_path)
    assert names(Catalogue(["my_module_x"])) == {"in_module"}


def test_tasks_are_found_in_a_folder(tmp_path: Path) -> None:
    """In each of its files, which may import one another; those with an underscore are private."""
    task_file(tmp_path / "first_x.py", "first")
    task_file(tmp_path / "second_x.py", "second", "import first_x")
    (tmp_path / "_private_x.py").write_text("raise AssertionError\n")
    (tmp_path / "notes.txt").write_text("no Python\n")
    assert names(Catalogue([str(tmp_path)])) == {"first", "second"}


@pytest.mark.parametrize("is_path", [True, False], ids=["folder", "name"])
def test_tasks_are_found_in_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_path: bool
) -> None:
    """In its modules, which may import one another relatively; what runs it is not run."""
    package = tmp_path / "lab_package_x"
    task_file(package / "__init__.py", "of_package")
    task_file(package / "inner.py", "of_inner", "from . import other")
    task_file(package / "other.py", "of_other")
    (package / "__main__.py").write_text("raise AssertionError\n")
    monkeypatch.syspath_prepend(tmp_path)
    source = str(package) if is_path else "lab_package_x"
    assert names(Catalogue([source])) == {"of_package", "of_inner", "of_other"}


@pytest.mark.parametrize("source", ["no_such_module_x", "no_such_folder/tasks.py"])
def test_a_source_that_is_not_there_is_an_error(source: str) -> None:
    """The worker does not start without what it was told to offer."""
    with pytest.raises(ImportError):
        Catalogue([source])


def test_a_file_with_the_name_of_another_module_is_refused(tmp_path: Path) -> None:
    """Else the other's tasks would be offered without a word."""
    for name in ("json.py", "sys.py"):
        task_file(tmp_path / name, "mine")
        with pytest.raises(ImportError, match="rename it"):
            Catalogue([str(tmp_path / name)])


def test_a_task_is_described_for_readers(fit: Catalogue) -> None:
    """Its docstring's first line, and its signature without what only pydantic reads."""
    [info] = [info for info in fit.infos() if info.name == "fit"]
    assert info.summary == "Fit it."
    assert info.parameters == ("steps", "rate", "kind", "grid", "colour", "more")
    assert info.signature.startswith("(steps: int, rate: float = 0.1, *, kind: ")
    assert info.signature.endswith(") -> str")
    assert "Annotated" not in info.signature


def test_a_task_is_described_for_programs(fit: Catalogue) -> None:
    """JSON Schema of the arguments as one object, with its definitions where they are found."""
    [info] = [info for info in fit.infos() if info.name == "fit"]
    schema = info.schema
    assert schema["properties"]["steps"] == {"type": "integer", "minimum": 1, "maximum": 100}
    assert schema["properties"]["kind"]["enum"] == ["fast", "exact"]
    assert schema["required"] == ["steps"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["more"]["items"] == {"$ref": "#/$defs/Grid"}
    fits = jsonschema_rs.Draft202012Validator(schema).is_valid
    assert fits({"steps": 3, "more": [{"size": 9}]})
    assert not fits({"steps": 3, "more": [{"size": "x"}]})


def test_a_task_without_annotations_takes_anything(fit: Catalogue) -> None:
    """And has no summary without a docstring."""
    [info] = [info for info in fit.infos() if info.name == "other-name"]
    assert (info.summary, info.signature) == ("", "(x=1)")
    assert info.schema["properties"] == {"x": {}}
    assert fit.call("other-name", {"x": [1, "a"]}) == [1, "a"]


def test_arguments_become_what_the_annotations_say(fit: Catalogue) -> None:
    """Models, enumerations and numbers from what JSON has for them."""
    call = {"steps": 3, "rate": 1, "kind": "exact", "grid": {"size": 9}, "colour": "red"}
    assert fit.call("fit", call) == "3 1.0 exact 9 RED"
    assert fit.call("fit", {"steps": 3}) == "3 0.1 fast 4 RED"


@pytest.mark.parametrize(
    ("call", "named"),
    [
        ({"steps": 0}, ["steps"]),
        ({"steps": "x", "rate": "y"}, ["steps", "rate"]),
        ({"steps": 1, "kind": "slow"}, ["kind"]),
        ({"steps": 1, "grid": {"size": "x"}}, ["grid"]),
    ],
)
def test_arguments_that_do_not_fit_are_named(
    fit: Catalogue, call: dict[str, Any], named: list[str]
) -> None:
    """Each with what is wrong; the task does not begin."""
    with pytest.raises(InvalidArguments) as caught:
        fit.call("fit", call)
    assert list(caught.value.details["arguments"]) == named
    for name in named:
        assert f"{name}: " in str(caught.value)


def test_a_validation_error_of_the_tasks_own_passes_as_its_own(fit: Catalogue) -> None:
    """It is not about the arguments."""
    with pytest.raises(pydantic.ValidationError):
        fit.call("strict", {})


def test_an_unknown_task_is_named(fit: Catalogue) -> None:
    """Another worker may know it."""
    with pytest.raises(TaskNotFound, match="'no_task'"):
        fit.call("no_task", {})


@pytest.mark.parametrize(
    ("signature", "word"),
    [
        ("*sizes: int", r"\*sizes"),
        ("**more: int", r"\*\*more"),
        ("size: int, /", "size"),
        ("lock: threading.Lock", "lock"),
        ("x: 'NoSuchType'", "NoSuchType"),
    ],
    ids=["star", "double star", "positional only", "no JSON", "unknown"],
)
def test_a_function_that_json_cannot_call_is_refused_at_the_start(
    tmp_path: Path, signature: str, word: str
) -> None:
    """With its name and the reason, not when its first job comes."""
    file = tmp_path / "odd_x.py"
    file.write_text(f"import taskkit, threading\n@taskkit.task\ndef odd({signature}): pass\n")
    with pytest.raises(TypeError, match=rf"(?i)odd_x\.odd cannot be a named task: .*{word}"):
        Catalogue([str(file)])
