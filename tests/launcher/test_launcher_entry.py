"""What JupyterLab's server learns from an installed taskkit, by jupyter-server-proxy."""

from __future__ import annotations

import http.client
import socket
import threading
from pathlib import Path
from xml.etree import ElementTree

import pytest
from jupyter_server_proxy.config import ServerProcess, get_entrypoint_server_processes

from taskkit.launcher.hosting import host


@pytest.fixture
def entry() -> ServerProcess:
    """What jupyter-server-proxy makes of this installation's entry point."""
    (entry,) = [one for one in get_entrypoint_server_processes() if one.name == "taskkit"]
    return entry


def test_the_installed_entry_is_accepted(entry: ServerProcess) -> None:
    """Behind a socket that only this user reaches, in a tab of its own."""
    assert entry.launcher_entry.enabled
    assert entry.launcher_entry.title == "taskkit dashboard"
    assert entry.unix_socket is True
    assert entry.new_browser_tab
    assert not entry.update_last_activity


def test_the_icon_is_packaged(entry: ServerProcess) -> None:
    """An SVG that can be read."""
    assert ElementTree.parse(entry.launcher_entry.icon_path).getroot().tag.endswith("svg")


def test_hosting_starts_no_process_and_answers_at_the_socket(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once: who comes before the thread is ready waits."""
    folder = tmp_path_factory.mktemp("s")  # such paths are short
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.delenv("TASKKIT_URL", raising=False)
    assert host(str(folder / "socket")) == []
    assert ask(folder / "socket", "/hello") == 503
    names = [thread.name for thread in threading.enumerate() if thread.daemon]
    assert "taskkit-dashboard" in names


def ask(path: Path, target: str) -> int:
    """Return the status that a server at a Unix socket answers."""
    connection = http.client.HTTPConnection("localhost", timeout=20)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(path))
    connection.request("GET", target)
    return connection.getresponse().status
