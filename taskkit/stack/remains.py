"""What a stack leaves behind, for whoever sees it end."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def clean(run: Path, temporary: Iterable[Path]) -> None:
    """Remove what must not outlive the stack."""
    import shutil  # here, for the supervisor imports this as it starts

    for name in ("connection.json", "stack.json", "parts", "daemon.json", "supervisor.conf"):
        path = run / name
        with suppress(OSError):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for folder in temporary:
        shutil.rmtree(folder, ignore_errors=True)
