"""What each of those who tell settings tells, and in which place."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..protocol.errors import Misconfigured
from .files import TomlFile, secret_in
from .names import BY_FILE, settings_in
from .tables import SETTINGS, Configuration, Setting

Kind = Literal["argument", "variable", "file", "default"]
Name = tuple[str, str]
"""A setting's table and key."""

_BY_NAME = {(one.table, one.key): one for one in SETTINGS}
_TABLES = tuple(Configuration.model_fields)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who told a value."""

    kind: Kind
    place: str
    #: The argument, the variable, or the file with line and key; empty for a default.
    is_secret_in_file: bool = False
    #: Whether `taskkit.toml` holds it itself, and not another file that it names.


DEFAULT = Origin("default", "")


@dataclass(slots=True)
class Told:
    """What one of them tells."""

    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Table -> key -> value, as pydantic takes them.
    origins: dict[Name, Origin] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    #: What cannot be, a sentence each.

    def add(self, name: Name, value: Any, origin: Origin) -> None:
        """Note a value; the first one holds, and a second one is wrong."""
        if name in self.origins:
            self.wrong.append(f"{origin.place}: {self.origins[name].place} says it as well")
            return
        self.values.setdefault(name[0], {})[name[1]] = value
        self.origins[name] = origin


def by_arguments(given: Mapping[str, tuple[str, Any]]) -> Told:
    """Return what the command line tells: ``server.port`` -> (the argument's name, its value)."""
    told = Told()
    for name, (argument, value) in given.items():
        if value is not None:
            table, _, key = name.partition(".")
            told.add((table, key), value, Origin("argument", argument))
    return told


def by_variables(environment: Mapping[str, str]) -> Told:
    """Return what the environment tells; one variable may be for several settings."""
    told = Told()
    known: dict[str, list[Setting]] = {}
    for one in SETTINGS:
        known.setdefault(one.variable, []).append(one)
        if one.secret:
            known.setdefault(one.variable + BY_FILE, []).append(one)
    for variable, text in settings_in(environment).items():
        if variable not in known:
            told.wrong.append(f"{variable} is no setting{_nearest(variable, known)}")
            continue
        with _noting(told):
            is_file = variable not in {one.variable for one in known[variable]}
            value = secret_in(Path(text), variable) if is_file else text
            for one in known[variable]:
                parts = _parts(value) if is_list(one) else value
                told.add((one.table, one.key), parts, Origin("variable", variable))
    return told


def by_file(file: TomlFile | None, tables: Iterable[str]) -> Told:
    """Return what those tables of a file tell; one that it has and nobody knows is wrong."""
    told = Told()
    if file is None:
        return told
    for table in file.tables:
        if table not in _TABLES:
            told.wrong.append(
                f"{file.place(table)}: there is no such table{_nearest(table, _TABLES)}"
            )
    for table in tables:
        content = file.tables.get(table, {})
        if not isinstance(content, dict):
            told.wrong.append(f"{file.place(table)} must be a table")
            continue
        for key, value in content.items():
            with _noting(told):
                _add_key(told, file, table, key, value)
    return told


def _add_key(told: Told, file: TomlFile, table: str, key: str, value: Any) -> None:
    place = file.place(table, key)
    if (table, key) in _BY_NAME:
        secret = _BY_NAME[table, key].secret
        told.add((table, key), value, Origin("file", place, is_secret_in_file=secret is not None))
        return
    by_file = {f"{one.key}_file": one for one in SETTINGS if one.table == table and one.secret}
    if key not in by_file:
        known = [*by_file, *(one.key for one in SETTINGS if one.table == table)]
        told.wrong.append(f"{place}: there is no such setting{_nearest(key, known)}")
    elif not isinstance(value, str):
        told.wrong.append(f"{place} must be the path of a file, not {value!r}")
    else:
        # Beside the file that names it, wherever the process was started.
        path = file.path.absolute().parent / Path(value).expanduser()
        told.add((table, by_file[key].key), secret_in(path, place), Origin("file", place))


def is_list(setting: Setting) -> bool:
    """Return whether a setting takes several values."""
    return isinstance(setting.default, tuple)


@contextmanager
def _noting(told: Told) -> Iterator[None]:
    """Note what cannot be, and go on: all of it is told at once."""
    try:
        yield
    except Misconfigured as error:
        told.wrong.append(str(error))


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(known))}"
