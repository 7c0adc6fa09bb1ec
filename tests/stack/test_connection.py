"""How a notebook finds its stack."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from taskkit.connection import Connection, find
from taskkit.private import private_folder, read_private, runtime_folder, write_private
from taskkit.protocol.errors import NotReachable


@pytest.fixture
def file() -> Path:
    """Return the place of the connection file, with one in it."""
    path = private_folder(runtime_folder()) / "connection.json"
    write_private(path, {"url": "http://127.0.0.1:5000", "token": "secret", "pid": 1})
    return path


def test_connection_file_is_found(file: Path) -> None:
    """With nothing set, the file says where the stack is."""
    assert find() == Connection("http://127.0.0.1:5000", "secret")


def test_environment_comes_first(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL of the environment is used without a look at the file, and not with its token."""
    monkeypatch.setenv("TASKKIT_URL", "http://elsewhere:1/")
    assert find() == Connection("http://elsewhere:1", None)
    monkeypatch.setenv("TASKKIT_TOKEN", "other")
    assert find() == Connection("http://elsewhere:1", "other")
    monkeypatch.delenv("TASKKIT_URL")
    assert find() == Connection("http://127.0.0.1:5000", "other")


def test_nothing_found_says_how_to_start() -> None:
    """The message names the command."""
    with pytest.raises(NotReachable, match="taskkit up"):
        find()


def test_token_is_in_no_repr(file: Path) -> None:
    """A cell that shows a connection does not save the token in the notebook."""
    assert "secret" not in repr(find())


def test_file_is_private(file: Path) -> None:
    """Others can neither read it nor enter its folder; no half-written file is left."""
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["connection.json"]


def test_file_that_others_can_write_is_refused(file: Path) -> None:
    """It could send the notebook's jobs, and its token, anywhere."""
    file.chmod(0o666)
    with pytest.raises(NotReachable, match="not trusted"):
        find()


def test_symbolic_link_is_not_followed(file: Path) -> None:
    """A link could point at a file that looks trustworthy."""
    moved = file.rename(file.with_name("moved"))
    file.symlink_to(moved)
    with pytest.raises(NotReachable, match="taskkit up"):
        find()


def test_broken_file_is_no_file(file: Path) -> None:
    """What cannot be read counts as not there."""
    file.write_text("{")
    assert read_private(file) is None


def test_runtime_folder_follows_its_variable_whatever_its_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two stacks that were put apart stay apart; platformdirs would send both to the default."""
    wide = tmp_path / "wide"
    wide.mkdir(mode=0o755)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(wide))
    assert runtime_folder() == wide / "taskkit"


def test_finding_a_stack_loads_nothing_heavy() -> None:
    """A kernel that imports the client does not pay for server, worker or terminal."""
    code = (
        "import sys, taskkit.connection\n"
        "heavy = {'redis', 'flask', 'celery', 'supervisor', 'rich', 'typer', 'platformdirs'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"
