"""What of a machine is in a box."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from taskkit_worker.box import bubble
from taskkit_worker.box.bubble import OF_ETC, Bubble, environment, places, why_none


def bound(command: list[str]) -> dict[str, str]:
    """Return what is where, and how, of a command's mounts."""
    found = {}
    for at, word in enumerate(command):
        if word in ("--bind", "--ro-bind", "--ro-bind-try", "--dev-bind-try"):
            found[command[at + 2]] = word
    return found


def test_only_what_is_named_is_there(tmp_path: Path) -> None:
    """The system, Python and the folder of its own; nobody's home, no other's files."""
    mounts = bound(Bubble().command(tmp_path, 7))
    assert mounts["/usr"] == "--ro-bind-try"
    assert mounts[sys.prefix] == "--ro-bind-try"
    assert mounts["/tmp"] == "--bind"
    writable = [place for place, how in mounts.items() if how == "--bind"]
    assert writable == ["/tmp"]
    assert not {"/", "/home", "/root", "/var", "/run", "/etc", "/sys", str(Path.home())} & {*mounts}
    assert not {"shadow", "gshadow", "sudoers", "ssh"} & {*OF_ETC}


def test_paths_are_there_as_they_were_given(tmp_path: Path) -> None:
    """To be read, or to be written where that is said."""
    (tmp_path / "data").mkdir()
    told = Bubble(paths=(str(tmp_path / "data"), f"{tmp_path}/out:rw"))
    mounts = bound(told.command(tmp_path, 7))
    assert mounts[f"{tmp_path}/data"] == "--ro-bind"
    assert mounts[f"{tmp_path}/out"] == "--bind"


def test_a_secret_in_a_folder_that_is_there_is_not(tmp_path: Path) -> None:
    """Keys and the configuration beside the tasks; where the folder is not there, no word of it."""
    (tmp_path / "tasks.py").touch()
    secret = tmp_path / "taskkit.toml"
    secret.touch()
    told = Bubble(tasks=(str(tmp_path / "tasks.py"),), hidden=(secret,))
    command = told.command(tmp_path, 7)
    at = command.index(str(secret))
    assert command[at - 2 : at] == ["--ro-bind", "/dev/null"]
    assert at > command.index(str(tmp_path), command.index("--ro-bind-try"))
    assert str(secret) not in Bubble(hidden=(secret,)).command(tmp_path, 7)


def test_a_secret_is_hidden_by_whatever_name_it_goes(tmp_path: Path) -> None:
    """Through links to its folder, and to itself."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "key").touch()
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "link").symlink_to("real/key")
    told = Bubble(paths=(f"{tmp_path}/folder",), hidden=(tmp_path / "link",))
    command = told.command(tmp_path, 7)
    at = command.index(f"{tmp_path}/folder/key")
    assert command[at - 2 : at] == ["--ro-bind", "/dev/null"]


def test_the_network_is_there_unless_it_is_not_to_be(tmp_path: Path) -> None:
    """As for jobs that are not boxed."""
    assert "--unshare-net" not in Bubble().command(tmp_path, 7)
    assert "--unshare-net" in Bubble(has_network=False).command(tmp_path, 7)


def test_tasks_are_there_wherever_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with its folder, a package alone, what is installed with Python."""
    package = tmp_path / "lab" / "mine"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (tmp_path / "lab" / "single.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "lab"))
    assert places(["mine", "mine.inner"]) == [package, package]
    assert places(["single"]) == [tmp_path / "lab" / "single.py"]
    assert places([str(tmp_path / "lab" / "single.py")]) == [tmp_path / "lab"]
    assert places([str(package)]) == [package]


def test_variables_are_those_that_jobs_may_see(monkeypatch: pytest.MonkeyPatch) -> None:
    """And none that points to a folder which is not there."""
    monkeypatch.setenv("LAB_PASSWORD", "hunter2")
    monkeypatch.setenv("MPLCONFIGDIR", "/home/ada/.mpl")
    monkeypatch.setenv("LANG", "C.UTF-8")
    found = environment()
    assert found["LANG"] == "C.UTF-8"
    assert (found["HOME"], found["TMPDIR"]) == ("/tmp", "/tmp")
    assert not {"LAB_PASSWORD", "MPLCONFIGDIR"} & {*found}


def test_what_to_install_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no bubblewrap."""
    monkeypatch.setattr(bubble, "PROGRAM", "bwrap-that-is-not-there")
    assert "apt-get install bubblewrap" in why_none()
