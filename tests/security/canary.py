"""A pickle that tells when somebody loads it, by a file."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any


class _Canary:
    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self._path, "w")


class Canaries:
    """Makes pickles, each of which has a file of its own in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0

    def pickle(self, protocol: int = pickle.HIGHEST_PROTOCOL) -> bytes:
        """Return another one."""
        self._made += 1
        return pickle.dumps(_Canary(self._folder / f"loaded-{self._made}"), protocol)

    def loaded(self) -> list[str]:
        """Return the names of those that somebody has loaded."""
        return sorted(path.name for path in self._folder.glob("loaded-*"))
