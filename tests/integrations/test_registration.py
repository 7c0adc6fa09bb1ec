"""joblib knows the backend, whichever is imported first, and is not imported for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

OFFER = "from taskkit.integrations import registration; registration.offer()"


def run(*lines: str) -> str:
    """Run a fresh Python, and return what it printed."""
    ran = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.mark.parametrize(
    "lines",
    [
        ("import taskkit", "import joblib"),
        ("import joblib", "import taskkit"),
        ("import taskkit", "from joblib import parallel"),
        ("import taskkit", "import sklearn.ensemble, joblib"),
    ],
    ids=" then ".join,
)
def test_importing_taskkit_makes_the_name_known(lines: tuple[str, ...]) -> None:
    """Before or after joblib, and however that is imported."""
    known = "from joblib.parallel import BACKENDS; print('taskkit' in BACKENDS)"
    assert run(*lines, known) == "True"


def test_joblib_is_not_imported_for_it() -> None:
    """Nor is the backend, until it is used."""
    loaded = "print([n for n in sys.modules if 'joblib' in n])"
    assert run("import sys", OFFER, loaded) == "[]"
    assert (
        run(
            "import sys",
            OFFER,
            "import joblib",
            "print(BACKEND in sys.modules)".replace("BACKEND", "'taskkit.integrations.joblib'"),
        )
        == "False"
    )


def test_joblib_is_loaded_as_if_nobody_had_waited() -> None:
    """Its module has its own loader, and the one that waited is gone."""
    assert run(
        OFFER,
        "import sys, joblib.parallel as loaded",
        "print(type(loaded.__loader__).__name__, loaded.__spec__.loader is loaded.__loader__)",
        "print([f for f in sys.meta_path if type(f).__module__.startswith('taskkit')])",
    ).split("\n") == ["SourceFileLoader True", "[]"]


def test_offering_twice_waits_once() -> None:
    """As where `taskkit` is imported anew."""
    count = "print(sum(type(f).__module__.startswith('taskkit') for f in sys.meta_path))"
    assert run("import sys", OFFER, "registration.offer()", count) == "1"


def test_without_joblib_nothing_changes() -> None:
    """It cannot be imported, as anywhere where it is not installed."""
    hide = "sys.path[:] = [p for p in sys.path if 'site-packages' not in p]"
    assert (
        run("import sys", OFFER, hide, "try: import joblib", "except ImportError as e: print(e)")
        == "No module named 'joblib'"
    )
