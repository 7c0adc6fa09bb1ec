"""What an attempt ran in and what it ran, for its job's card: sheets that many jobs share."""

from __future__ import annotations

import inspect
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from taskkit.integrations.cores import VARIABLES
from taskkit.ledger import Sheet
from taskkit.machine import cores
from taskkit.travel.described import defaults
from taskkit.travel.distributions import DISTRIBUTIONS, OURS, Distributions, Origin
from taskkit.travel.installed import version_of

MOST_BYTES = 65_536
"""How large a sheet may be: about 1,500 packages."""

SOURCE_CHARS = 20_000
"""How much of a task's source is told; a longer one by its digest alone."""

MOST_FILES = 100

_STARTED_BY = ("_sysconfigdata", "_distutils_hack", "_virtualenv", "__editable__")
"""What Python or an environment brings with it and no code asks for."""

_DISTRIBUTION = "taskkit-notebook"
_TOLD = (*VARIABLES, "PYTHONHASHSEED", "CUDA_VISIBLE_DEVICES", "TZ")
"""Variables that change results."""


class Surroundings:
    """Of one process. What was imported is looked up again when more has been."""

    def __init__(
        self,
        distributions: Distributions = DISTRIBUTIONS,
        modules: dict[str, ModuleType] = sys.modules,
    ) -> None:
        self._distributions = distributions
        self._modules = modules
        self._variables = {name: os.environ[name] for name in _TOLD if name in os.environ}
        #: As they were when it began: jobs may change their own.
        self._origins: dict[str, Origin | None] = {}
        self._seen = 0
        self._sheet: Sheet | None = None
        self._codes: dict[str, Sheet] = {}

    def prepare(self) -> None:
        """Look ahead of time; what goes wrong is logged with the first job that it costs."""
        with suppress(Exception):  # the edge around modules of the user's
            self.environment()

    def environment(self) -> Sheet:
        """Return what the process is made of: Python, machine, and the packages it has imported.

        By all of its jobs: which of them a job has used, nobody sees.
        """
        seen = len(self._modules)
        if self._sheet is None or seen != self._seen:
            self._seen, self._sheet = seen, self._looked()
        return self._sheet

    def code(self, name: str, function: Callable[..., Any]) -> Sheet:
        """Return what a named task is here."""
        known = self._codes.get(name)
        if known is None:
            known = self._codes[name] = self._described(name, function)
        return known

    def _looked(self) -> Sheet:
        packages, files = self._imported()
        return _sheet(
            {
                "kind": "environment",
                "python": platform.python_version(),
                "implementation": platform.python_implementation(),
                "system": platform.platform(),
                "machine": platform.machine(),
                "cpu": _cpu(),
                "cores": cores(),
                "variables": self._variables,
                "packages": dict(sorted(packages.items())),
                "files": dict(sorted(files.items())[:MOST_FILES]),
            }
        )

    def _imported(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the versions of imported packages, and the digests of modules that are of none."""
        packages: dict[str, str] = {}
        files: dict[str, str] = {}
        for name in self._names():
            if name not in self._origins:
                self._origins[name] = self._distributions.origin(name)
            origin = self._origins[name]
            if origin is not None and origin.package:
                packages[origin.package] = origin.version
            elif origin is not None and (digest := _digest(origin.file)):
                files[name] = digest
        for ours in (_DISTRIBUTION, "cloudpickle"):
            if found := version_of(ours):
                packages[ours] = found
        return packages, files

    def _names(self) -> Iterator[str]:
        """Yield what is imported, by its top; of a namespace, which several may share, by parts."""
        # Copied in one step: a list of pairs may be interrupted by the garbage collector, and so
        # by an import in something's end.
        for name, module in self._modules.copy().items():
            top, _, rest = name.partition(".")
            if top in OURS or top.startswith(_STARTED_BY):
                continue
            if not rest:
                if _file(module):
                    yield name
            elif "." not in rest and not _file(self._modules.get(top)):
                yield name

    def _described(self, name: str, function: Callable[..., Any]) -> Sheet:
        whole = inspect.unwrap(function)
        module = str(getattr(whole, "__module__", ""))
        origin = self._distributions.origin(module)
        ours = module.partition(".")[0] in OURS
        source = _source(whole)
        return _sheet(
            {
                "kind": "code",
                "task": name,
                "module": module,
                "qualname": str(getattr(whole, "__qualname__", "")),
                "distribution": _DISTRIBUTION if ours else origin.package if origin else "",
                "version": version_of(_DISTRIBUTION) if ours else origin.version if origin else "",
                "defaults": defaults(whole),
                "module_sha256": _digest(_file(self._modules.get(module))),
                "source_sha256": sha256(source.encode()).hexdigest() if source else "",
                "source": source if len(source) <= SOURCE_CHARS else "",
            }
        )


def _sheet(facts: Mapping[str, Any]) -> Sheet:
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode(errors="replace")) <= MOST_BYTES:
        return Sheet(text.encode(errors="replace").decode())
    left = {name: value for name, value in facts.items() if isinstance(value, str)}
    return Sheet(json.dumps({**left, "source": "", "is_cut": True}))


def _source(function: Callable[..., Any]) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):  # of a file that is gone, or none
        return ""


def _digest(file: str) -> str:
    try:
        return sha256(Path(file).read_bytes()).hexdigest() if file else ""
    except OSError:
        return ""


def _file(module: object) -> str:
    """Return a module's file; of one that is imported when it is first used, without using it."""
    try:
        names = object.__getattribute__(module, "__dict__")
    except AttributeError:
        return ""
    file = names.get("__file__")
    return file if isinstance(file, str) else ""


def _cpu() -> str:
    """Return what the machine's processor is called."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()
