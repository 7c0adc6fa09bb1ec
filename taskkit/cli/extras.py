"""Whether this installation has what a command needs."""

from __future__ import annotations

from importlib.util import find_spec

from ..protocol.errors import Unavailable

_MODULES = {
    "server": ("flask", "redis", "supervisor", "pydantic_settings"),
    "hub": ("jupyterhub",),
    "worker": ("celery", "psutil", "pydantic_settings"),
    "notebook": ("jupyterlab", "nbclient"),
    "demo": ("matplotlib", "sklearn"),
}


def require(*extras: str) -> None:
    """Return if the named extras are installed.

    Raises:
        Unavailable: One is not; the message says how to install it.
    """
    missing = [
        extra for extra in extras if not all(find_spec(module) for module in _MODULES[extra])
    ]
    if missing:
        raise Unavailable(
            f"This installation lacks the {' and '.join(missing)}: "
            f"pip install 'taskkit-notebook[{','.join(missing)}]'."
        )
