"""The notebook's side: the kernel, what draws panels, and the way to the dashboard."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from .chart import Chart
from .finding import Finding, broken, caution, good, unseen

PACKAGES = ("ipykernel", "ipywidgets", "jupyterlab_widgets", "jupyterlab", "jupyter-server-proxy")
INSTALL = "pip install 'taskkit-notebook[notebook]'"

_BOUND = re.compile(r"(>=|<|==)\s*([\d.]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What this environment has of Jupyter."""

    versions: Mapping[str, str] = field(default_factory=dict)
    #: Of those of `PACKAGES` that are installed.
    wanted: Mapping[str, str] = field(default_factory=dict)
    #: What taskkit asks of them, e.g. ``>=8.1.9,<9``.
    kernels: tuple[str, ...] = ()
    #: Names of the kernels that run in this environment.
    prefix: str = ""
    mode: str = ""
    #: `TASKKIT_PROGRESS`.

    @property
    def has_jupyter(self) -> bool:
        """Whether notebooks can be expected to use this environment."""
        return any(name in self.versions for name in ("ipykernel", "ipywidgets", "jupyterlab"))

    def unfit(self, *names: str) -> list[str]:
        """Return those of some packages that are of a version that taskkit was not made for."""
        return [
            name
            for name in names
            if name in self.versions and not fits(self.versions[name], self.wanted.get(name, ""))
        ]


def check_kernel(chart: Chart) -> tuple[Finding, Chart]:
    """Look for a kernel of this environment."""
    return judge_kernel(look(chart.environment)), chart


def check_panel(chart: Chart) -> tuple[Finding, Chart]:
    """Look for what draws panels."""
    return judge_panel(look(chart.environment)), chart


def check_dashboard(chart: Chart) -> tuple[Finding, Chart]:
    """Look for what brings the dashboard into JupyterLab's launcher."""
    return judge_dashboard(look(chart.environment)), chart


def look(environment: Mapping[str, str]) -> Surroundings:
    """Return what this environment has."""
    versions = {}
    for name in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return Surroundings(
        versions=versions,
        wanted=_wanted(),
        kernels=_kernels(),
        prefix=sys.prefix,
        mode=environment.get("TASKKIT_PROGRESS", "").strip().lower(),
    )


def _wanted() -> dict[str, str]:
    try:
        lines = metadata.requires("taskkit-notebook") or []
    except metadata.PackageNotFoundError:
        return {}
    split = (re.match(r"([\w.-]+)([^;]*)", line) for line in lines)
    return {found[1]: found[2].strip() for found in split if found and found[1] in PACKAGES}


def _kernels() -> tuple[str, ...]:
    try:
        from jupyter_client.kernelspec import KernelSpecManager
    except ImportError:
        return ()
    untyped: type = KernelSpecManager
    specs: Mapping[str, Mapping[str, object]] = untyped().get_all_specs()
    return tuple(sorted(name for name, spec in specs.items() if _is_ours(spec)))


def _is_ours(found: Mapping[str, object]) -> bool:
    match found:
        case {"resource_dir": str(folder), "spec": {"argv": [str(program), *_]}}:
            is_within = Path(folder).is_relative_to(sys.prefix)
            return is_within or Path(program).parent == Path(sys.executable).parent
    return False


def fits(version: str, wanted: str) -> bool:
    """Return whether a version is within bounds.

    >>> fits("8.1.9", ">=8.1.9,<9"), fits("7.7", ">=8.1.9,<9"), fits("9.0", "<9")
    (True, False, False)
    """
    have = _numbers(version)
    for sign, text in _BOUND.findall(wanted):
        bound = _numbers(text)
        is_in = {">=": have >= bound, "<": have < bound, "==": have == bound}[sign]
        if not is_in:
            return False
    return True


def _numbers(text: str) -> tuple[int, ...]:
    """Return the numbers of a version, without zeros at its end."""
    found = [int(part) for part in re.match(r"[\d.]*", text)[0].split(".") if part]  # type: ignore[index]
    while found and found[-1] == 0:
        found.pop()
    return tuple(found)


def _elsewhere(there: Surroundings) -> Finding:
    return unseen(f"no Jupyter is in {there.prefix}: run `taskkit doctor` in the notebook's own")


def judge_kernel(there: Surroundings) -> Finding:
    """Return whether a notebook can have a kernel here."""
    if not there.has_jupyter:
        return _elsewhere(there)
    if "ipykernel" not in there.versions:
        return broken("there is no ipykernel, so no kernel runs in this environment", f"{INSTALL}.")
    python = ".".join(map(str, sys.version_info[:3]))
    if not there.kernels:
        return caution(
            "ipykernel is there, and no kernel of this environment is known to Jupyter",
            "python -m ipykernel install --user --name taskkit",
        )
    return good(f"{', '.join(there.kernels)} (Python {python}) of this environment")


def judge_panel(there: Surroundings) -> Finding:
    """Return whether a cell shows panels."""
    if there.mode in ("none", "plain"):
        shown = {"none": "nothing of jobs", "plain": "a line of text in place of panels"}
        return caution(
            f"TASKKIT_PROGRESS={there.mode} is set: cells show {shown[there.mode]}",
            "Unset TASKKIT_PROGRESS where the kernel is started.",
        )
    if not there.has_jupyter:
        return _elsewhere(there)
    if "ipywidgets" not in there.versions:
        return caution("without ipywidgets cells show a line of text, no panels", f"{INSTALL}.")
    names = ("ipywidgets", "jupyterlab_widgets", "jupyterlab")
    has = ", ".join(f"{name} {there.versions[name]}" for name in names if name in there.versions)
    if unfit := there.unfit(*names):
        wants = " ".join(f"'{name}{there.wanted[name]}'" for name in unfit)
        return caution(f"{has}: panels were not made for that", f"pip install {wants}")
    if "jupyterlab" in there.versions and "jupyterlab_widgets" not in there.versions:
        return broken(
            f"{has}: JupyterLab draws no widgets without jupyterlab_widgets",
            "pip install jupyterlab_widgets, and start JupyterLab again.",
        )
    return good(has)


def judge_dashboard(there: Surroundings) -> Finding:
    """Return whether JupyterLab's launcher can have the dashboard."""
    name = "jupyter-server-proxy"
    if "jupyterlab" not in there.versions:
        return unseen(f"no JupyterLab is in {there.prefix}: its own environment needs {name}")
    if name not in there.versions:
        return caution(
            f"without {name} the launcher has no card for it; the page itself works",
            f"{INSTALL}, and start JupyterLab again.",
        )
    if there.unfit(name):
        wants = f"'{name}{there.wanted[name]}'"
        return caution(
            f"{name} {there.versions[name]} is not what it needs", f"pip install {wants}"
        )
    return good(f"{name} {there.versions[name]}")
