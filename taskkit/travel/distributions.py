"""Which installed package a module comes from."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import (
    Distribution,
    PackageNotFoundError,
    distribution,
    distributions,
)
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlsplit

from ..protocol.needs import canonical
from .installed import named

OURS = frozenset({"taskkit", "taskkit_server", "taskkit_worker", "cloudpickle"})
"""What every worker has: taskkit, and what it pickles with, of a series that it states itself."""

_TOP = re.compile(r"^([^/,\n.]+)[/.].*(?:\n\1[/.].*)*", re.MULTILINE)
"""In a record of files: a package's folder, or a module's name before its endings; with the lines
after it that begin so, too, which is three times as fast."""

_CALLED = ("{}", "python-{}", "py{}")
"""How distributions are called by their modules' names: python-dateutil, PyYAML."""

_NOWHERE = frozenset({"__main__", "__mp_main__", *sys.builtin_module_names})


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a module comes from."""

    package: str = ""
    #: The distribution's name, as PEP 503 writes it.
    version: str = ""
    file: str = ""
    #: Of a module that belongs to none.


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """What some modules need where they are imported."""

    packages: Mapping[str, str]
    #: Their versions here, by name.
    files: Mapping[str, str]
    #: Modules that belong to no distribution, and the file of each: they exist here only.


class Distributions:
    """Knows what is installed in this environment; looks each module up once."""

    def __init__(self) -> None:
        self._origins: dict[str, Origin] = {}
        self._owners: Mapping[str, Sequence[Distribution]] = {}
        self._places: tuple[object, ...] = ()
        #: As of which state of the folders on the path those are.
        self._lock = threading.Lock()

    def uses(self, modules: Iterable[str]) -> Uses:
        """Return what these modules come from: the standard library's and taskkit's left out.

        Also left out is what this environment does not have: workers may.
        """
        packages: dict[str, str] = {}
        files: dict[str, str] = {}
        for module in sorted(modules):
            origin = self.origin(module)
            if origin is not None and origin.package:
                packages[origin.package] = origin.version
            elif origin is not None:
                files.setdefault(module.partition(".")[0], origin.file)
        return Uses(packages=packages, files=files)

    def origin(self, module: str) -> Origin | None:
        """Return where a module comes from; None where that is nothing to ask of others."""
        top = module.partition(".")[0]
        if not top or top in _NOWHERE or top in OURS or top in sys.stdlib_module_names:
            return None
        with self._lock:
            found = self._origins.get(top) or self._origins.get(module)
            if found is None:
                owners = self._owners_of(top)
                found = _origin_of(module, owners)
                # Of a package that several have, each part may be of another one; and what is not
                # here may be installed yet.
                if found is not None:
                    self._origins[module if len(owners) > 1 else top] = found
            return found

    def _owners_of(self, top: str) -> Sequence[Distribution]:
        # Most are called so that it can be guessed, which spares a look at all the others.
        if not _is_shared(top):
            for called in _CALLED:
                found = _installed(called.format(top))
                if found is not None and top in _modules_of(found):
                    return [found]
        return self._owners.get(top) or self._look_again().get(top, [])

    def _look_again(self) -> Mapping[str, Sequence[Distribution]]:
        """Return which distributions have a module, for all of them; anew, where some have come.

        `importlib.metadata.packages_distributions` tells the same, and takes 290 ms where there are
        250 of them; this takes 75.
        """
        places = tuple(sys.path), *(_changed_at(folder) for folder in sys.path)
        if places != self._places:
            owners: dict[str, list[Distribution]] = {}
            for found in distributions():
                for top in _modules_of(found):
                    owners.setdefault(top, []).append(found)
            self._owners, self._places = owners, places
        return self._owners


def _origin(found: Distribution) -> Origin:
    name, version = named(found)
    return Origin(package=canonical(name), version=version)


def _origin_of(module: str, owners: Sequence[Distribution]) -> Origin | None:
    if owners:
        owner = owners[0] if len(owners) == 1 else _narrowed(owners, module)
        return None if owner is None else _origin(owner)
    file = _file_of(module.partition(".")[0])
    if not file:
        return None
    editable = _editable(file)
    return _origin(editable) if editable is not None else Origin(file=file)


def _is_shared(top: str) -> bool:
    """Return whether a package is a namespace, as far as it is imported."""
    module = sys.modules.get(top)
    return isinstance(module, ModuleType) and getattr(module, "__file__", None) is None


def _installed(name: str) -> Distribution | None:
    with suppress(PackageNotFoundError, ValueError):
        return distribution(name)
    return None


def _modules_of(found: Distribution) -> set[str]:
    """Return the top-level modules of a distribution, and what looks like one."""
    # Older ones, conda's among them, have no record but say it.
    declared = (found.read_text("top_level.txt") or "").split()
    return {*_TOP.findall(found.read_text("RECORD") or ""), *declared}


def _changed_at(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116  # an empty one is where Python began
    except OSError:
        return 0


def _narrowed(owners: Sequence[Distribution], module: str) -> Distribution | None:
    """Return the one of several that has a module; None where that is not to be told."""
    parts = module.split(".")
    while len(parts) > 1:
        path = "/".join(parts)
        having = [owner for owner in owners if _has(owner, path)]
        if len(having) == 1:
            return having[0]
        parts.pop()
    return None


def _has(owner: Distribution, path: str) -> bool:
    files = (str(file) for file in owner.files or ())
    return any(file.startswith((f"{path}/", f"{path}.")) for file in files)


def _file_of(top: str) -> str:
    """Return the file of a module without importing it; "" where there is none."""
    file = getattr(sys.modules.get(top), "__file__", None)
    if file:
        return str(file)
    try:
        spec = find_spec(top)
    except (ImportError, AttributeError, ValueError):  # of finders, and of modules without a spec
        return ""
    places = [spec.origin, *(spec.submodule_search_locations or ())] if spec else []
    return next((place for place in places if place and Path(place).exists()), "")


def _editable(file: str) -> Distribution | None:
    """Return the distribution of which a file is the source, where it is installed so.

    Source: PEP 610, "Recording the Direct URL Origin of installed distributions".
    """
    place = Path(file).resolve()
    for found in distributions():
        with suppress(ValueError, OSError):
            direct = json.loads(found.read_text("direct_url.json") or "{}")
            url = urlsplit(str(direct.get("url", "")))
            is_editable = direct.get("dir_info", {}).get("editable") is True
            if is_editable and url.scheme == "file" and place.is_relative_to(unquote(url.path)):
                return found
    return None


DISTRIBUTIONS = Distributions()
"""The process's own: what is installed is a fact of the process."""
