"""What the tests of a release share: its two files, built once.

Those of `make release-check` install from the registry and take minutes; it sets the variable.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from installing import IS_ASKED_FOR, ROOT, build

collect_ignore = [] if IS_ASKED_FOR else ["test_release_judged.py", "test_release_installed.py"]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with both; those of `make dist` where they are to be released."""
    if IS_ASKED_FOR:
        return ROOT / "dist"
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder, "sdist", "wheel")
    return folder


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    """The wheel."""
    [found] = built.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def sdist(built: Path) -> Path:
    """The source archive."""
    [found] = built.glob("*.tar.gz")
    return found


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder outside of the clone, for an environment; it is removed with all that is in it."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    assert ROOT not in folder.resolve().parents
    return folder
