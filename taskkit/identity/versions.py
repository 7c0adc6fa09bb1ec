"""Which versions count: of the packages that a call uses, and of what those need."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec

from packaging.requirements import InvalidRequirement, Requirement

from ..protocol.needs import canonical
from ..travel.distributions import DISTRIBUTIONS, OURS, Distributions
from ..travel.local_modules import local_modules


class Versions:
    """Knows the modules that are installed from those that exist here only."""

    def __init__(
        self, declared: Mapping[str, str], distributions: Distributions = DISTRIBUTIONS
    ) -> None:
        self._declared = {canonical(name): text for name, text in declared.items()}
        self._distributions = distributions
        self._modules: set[str] = set()

    def copy(self) -> Versions:
        """Return versions of what was noted here, that go on for themselves."""
        other = Versions(self._declared, self._distributions)
        other._modules = set(self._modules)
        return other

    def is_local(self, module: str) -> bool:
        """Return whether what a module defines counts by what it says, not by a version."""
        top = module.partition(".")[0]
        if top in OURS or top in sys.stdlib_module_names:
            return False
        return module in ("__main__", "__mp_main__") or local_modules.is_local(module)

    def note(self, module: str) -> str:
        """Count on what a module is installed from; return why that cannot be, or ""."""
        top = module.partition(".")[0]
        if top in OURS or top in sys.stdlib_module_names or top in sys.builtin_module_names:
            return ""
        origin = self._distributions.origin(module)
        if origin is not None and origin.package and not _is_edited(module):
            self._modules.add(module)
            return ""
        if canonical(top) in self._declared:
            return ""
        if origin is not None:
            return f"it imports `{top}`, a module of this notebook, when it runs: import it before"
        return f'`{top}` is not installed here: say its version, options(packages={{"{top}": …}})'

    def found(self) -> dict[str, str]:
        """Return the versions that count, by distribution: those that are here, those declared."""
        used = dict(self._distributions.uses(self._modules).packages)
        for name in list(used):
            used |= _needed(name, used[name])
        for name, text in self._declared.items():
            used[name] = f"{used[name]} ({text})" if name in used else text
        return dict(sorted(used.items()))


def _is_edited(module: str) -> bool:
    """Return whether a module is of an editable install, whose version says nothing."""
    if module in sys.modules:
        return local_modules.is_local(module)
    try:
        spec = find_spec(module.partition(".")[0])
    except (ImportError, AttributeError, ValueError):
        return False
    places = [spec.origin, *(spec.submodule_search_locations or ())] if spec else []
    return not any(local_modules.is_installed(place) for place in places if place)


@lru_cache(maxsize=1024)
def _needed(name: str, version: str) -> Mapping[str, str]:
    """Return the versions of all that a distribution needs, as far as they are here."""
    found = {name: version}
    waiting = [name]
    while waiting:
        for other in _requirements(waiting.pop()):
            if other not in found:
                try:
                    found[other] = distribution(other).version
                except PackageNotFoundError:
                    continue
                waiting.append(other)
    return found


def _requirements(name: str) -> Iterable[str]:
    try:
        lines = distribution(name).requires or ()
    except PackageNotFoundError:
        return
    for line in lines:
        try:
            needed = Requirement(line)
        except InvalidRequirement:  # of metadata older than PEP 508
            continue
        if needed.marker is None or needed.marker.evaluate({"extra": ""}):
            yield canonical(needed.name)
