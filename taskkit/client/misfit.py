"""When a kernel's environment and a worker's count as alike, and the words where none is.

docs/environments.md has the rule.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence

from ..protocol.needs import Advert, Needs

CALENDAR = 1000
"""From which number on a version's first part is a year: that says nothing of what has changed."""

_RELEASE = re.compile(r"\s*v?(?:(\d+)!)?(\d+)(?:\.(\d+))?")
_MOST_NAMED = 5


class EnvironmentWarning(UserWarning):
    """No worker that is there has what a function needs; its jobs wait for one."""


def series(version: str) -> str:
    """Return which versions of a package will do where this one is used, as a specifier.

    Those of the same series: up to the first number, or where that is 0 up to the second one.

    >>> series("2.1.3"), series("0.13.2"), series("2026.9"), series("unknown")
    ('==2.*', '==0.13.*', '', '')
    """
    found = _RELEASE.match(version)
    if found is None:
        return ""
    epoch, first, second = found.groups()
    if int(first) >= CALENDAR:
        return ""
    head = f"=={epoch}!{first}" if epoch else f"=={first}"
    return f"{head}.*" if int(first) else f"{head}.{second or 0}.*"


def told(
    title: str, lacking: Needs, versions: Mapping[str, str], live: Sequence[Advert], *, minor: str
) -> str:
    """Return the words for who submits what none of the workers that are there can run.

    lacking: what of its needs not all of them meet. `versions`: of this kernel's packages. `live`:
    the workers that serve the queue.
    """
    names = sorted(lacking.packages)
    mine = [f"Python {minor}"] if lacking.python else []
    mine += [f"{name} {versions[name]}" for name in names if name in versions]
    mine += [f"{name}{lacking.packages[name]}" for name in names if name not in versions]
    theirs = [_either("Python", (a.python_minor for a in live))] if lacking.python else []
    theirs += [_either(name, ((a.packages or {}).get(name, "") for a in live)) for name in names]
    count = f"the {len(live)} live workers" if len(live) != 1 else "the live worker"
    have = "have" if len(live) != 1 else "has"
    return (
        f"your kernel has {_listed(mine)}; {count} of queue {lacking.queue!r} {have} "
        f"{_listed(theirs)}: {title} waits for a worker that fits.\n{_advice(lacking, versions)}"
    )


def told_of_files(title: str, files: Mapping[str, str]) -> str:
    """Return the words for who submits what imports, when it runs, what only this kernel has."""
    each = _listed([f"{module} ({file})" for module, file in sorted(files.items())])
    return (
        f"{title} imports {each}: no installed package has that, so that a worker may not have it. "
        "Import it in the notebook, outside of the function: then it travels along; or install it "
        "where the workers run."
    )


def _advice(lacking: Needs, versions: Mapping[str, str]) -> str:
    pins = " ".join(f'"{name}=={versions[name]}"' for name in lacking.packages if name in versions)
    if _is_conda():
        first = (
            "To mend it, make the workers' environment of this one: here `conda env export --file "
            "environment.yml`, there `conda env create --file environment.yml`, and start `taskkit "
            "worker` in it"
        )
    elif lacking.python:
        install = f", with `python -m pip install {pins}` in it" if pins else ""
        first = (
            f"To mend it, start `taskkit worker` in an environment with Python {lacking.python}"
            f"{install}; or use a kernel with the workers' Python"
        )
    else:
        first = (
            f"To mend it, run `python -m pip install {pins}` where the workers are, and start them "
            "again"
        )
    if not lacking.packages:
        return f"{first}."
    return f"{first}. To run it all the same: client.options(any_environment=True)."


def _is_conda() -> bool:
    return os.path.isdir(os.path.join(sys.prefix, "conda-meta"))  # noqa: PTH112, PTH118


def _either(name: str, versions: Iterable[str]) -> str:
    """Return which versions there are.

    >>> _either("numpy", ["1.26.4", "1.26.4"]), _either("numpy", ["", ""]), _either("a", ["1", ""])
    ('numpy 1.26.4', 'no numpy', 'a 1 or none')
    """
    each = list(dict.fromkeys(sorted(versions)))
    if not any(each):
        return f"no {name}"
    return f"{name} " + " or ".join(filter(None, (*each, "" if each[0] else "none")))


def _listed(words: Sequence[str]) -> str:
    shown = list(words[:_MOST_NAMED])
    if len(words) > len(shown):
        shown.append(f"{len(words) - len(shown)} more")
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))
