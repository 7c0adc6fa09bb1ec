"""What ``%load_ext taskkit`` adds to IPython: ``%%job`` and ``%jobs``."""

from __future__ import annotations

from typing import Any

from .magic import JobMagics


def load_ipython_extension(shell: Any) -> None:
    """Add the magics to a shell."""
    shell.register_magics(JobMagics)


def unload_ipython_extension(shell: Any) -> None:
    """Take the magics from a shell, and close the client that they may have made."""
    magics = shell.magics_manager
    added = magics.registry.pop(JobMagics.__name__, None)
    if added is None:
        return
    for kind, names in JobMagics.magics.items():
        for name in names:
            magics.magics[kind].pop(name, None)
    added.close()
