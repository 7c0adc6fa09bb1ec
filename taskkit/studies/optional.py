"""What studies need that a plain install of the client does not bring."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def needed(module: str, what_for: str) -> Any:
    """Return a module that is imported only when something needs it.

    Raises:
        ImportError: It is not here; the message says how to have it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        told = (
            f"{what_for} needs {error.name}, which is not installed here: "
            "pip install 'taskkit-notebook[studies]'"
        )
        raise ImportError(told, name=error.name) from error
