"""The folder in which the processes of one server keep their counts, so that any can tell all.

Imported by gunicorn's master, which must not import `prometheus_client`: that reads the variable
when it is imported, and a process that forks later would write into its parent's files.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def prepare() -> Path:
    """Return an empty folder, named in the environment for the processes that are forked.

    Where the variable is set already, that folder is used, and what dead processes have left in it
    from an earlier start is removed: their ids are given to others some day.
    """
    given = os.environ.get(VARIABLE)
    if given:
        folder = Path(given)
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob("*.db"):
            if not _is_alive(path):
                path.unlink(missing_ok=True)
        return folder
    folder = Path(tempfile.mkdtemp(prefix="taskkit-metrics-"))
    os.environ[VARIABLE] = str(folder)
    atexit.register(_remove, folder, os.getpid())
    return folder


def forget(folder: Path, pid: int) -> None:
    """Remove what a dead process said of the moment. What it counted stays, or sums would fall."""
    for path in folder.glob(f"gauge_live*_{pid}.db"):
        path.unlink(missing_ok=True)


def _is_alive(path: Path) -> bool:
    pid = path.stem.rpartition("_")[2]
    if not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _remove(folder: Path, maker: int) -> None:
    if os.getpid() == maker:  # not those that were forked
        shutil.rmtree(folder, ignore_errors=True)
