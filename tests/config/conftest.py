"""A place where nothing is told but what a test tells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from taskkit.config import files
from taskkit.config.names import PREFIX

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with a user's and a machine's folders of the test's own."""
    import os

    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setattr(files, "OF_THE_MACHINE", tmp_path / "etc" / files.NAME)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def write(here: Path) -> Write:
    """Return what writes a file, by default the `taskkit.toml` of this folder."""

    def write(text: str, path: Path | None = None, mode: int = 0o600) -> Path:
        path = path or here / files.NAME
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    return write
