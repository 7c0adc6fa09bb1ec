"""Which notebook a job belongs to, so that it is found again without its id."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from ..protocol.options import SESSION_CHARS
from ..travel.values import readable

VARIABLE = "TASKKIT_SESSION"


def session_of(environment: Mapping[str, str], namespace: Mapping[str, Any]) -> str:
    """Return the session of a process: a name, or a notebook's or script's path; empty if none.

    What comes first of: ``TASKKIT_SESSION``; the notebook as VS Code knows it; the notebook as a
    Jupyter server told its kernel; the script. Kernels that nbclient, nbval or papermill start are
    told nothing: their jobs have a session only where ``TASKKIT_SESSION`` is set.

    namespace: of ``__main__``, in which a notebook's cells run.

    >>> session_of({"JPY_SESSION_NAME": "/home/ada/fit.ipynb"}, {})
    '/home/ada/fit.ipynb'

    Source: jupyter_server, ``SessionManager.get_kernel_env``. VS Code sets `__vsc_ipynb_file__`;
    the names that it gives a server are random (vscode-jupyter, issue 13434), so it comes first.
    """
    known = (
        environment.get(VARIABLE),
        namespace.get("__vsc_ipynb_file__"),
        environment.get("JPY_SESSION_NAME"),
        namespace.get("__file__"),
    )
    first = next((name for name in known if isinstance(name, str) and name.strip()), "")
    # Of a longer path, the end: it tells notebooks apart.
    return readable(first.strip())[-SESSION_CHARS:]


def main_namespace() -> Mapping[str, Any]:
    """Return the names that a notebook's cells, or a script, define."""
    return vars(sys.modules["__main__"])


def short(session: str) -> str:
    """Return what a reader calls a session: of a path, its last part."""
    return PurePath(session).name or session
