"""What a notebook's client takes from a file, without what servers need to read one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from taskkit import connection
from taskkit.config import client, files, names
from taskkit.config.loading import load
from taskkit.config.tables import SETTINGS
from taskkit.private import private_folder, write_private
from taskkit.protocol.errors import Misconfigured, NotReachable

Write = Callable[..., Path]
LAB = '[client]\nurl = "https://lab.example/"\ntoken = "of-the-lab"\nprogress = "plain"\n'


def test_a_client_finds_the_server_of_the_users_file(write: Write) -> None:
    """So that a lab's users need no variables."""
    write(LAB, files.user_file())
    found = connection.find()
    assert (found.url, found.token) == ("https://lab.example", "of-the-lab")
    assert client.progress({}) == "plain"
    assert client.progress({"TASKKIT_PROGRESS": "none"}) == "none"


def test_the_variable_and_a_running_stack_come_first(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the file's token goes to no other address than the file's."""
    write(LAB, files.user_file())
    folder = private_folder(tmp_path / "run" / "taskkit")
    write_private(folder / connection.FILE, {"url": "http://127.0.0.1:5000"})
    assert connection.find() == connection.Connection("http://127.0.0.1:5000", None)
    monkeypatch.setenv("TASKKIT_URL", "http://elsewhere.example")
    assert connection.find() == connection.Connection("http://elsewhere.example", None)


def test_the_folder_of_a_notebook_does_not_say_where_tokens_go(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file among notebooks from others is passed over, and `taskkit config` says so."""
    path = write(LAB)
    monkeypatch.setenv("TASKKIT_TOKEN", "mine")
    with pytest.raises(NotReachable):
        connection.find()
    loaded = load({}, {})
    assert loaded.configuration.client.url is None
    assert "is not read" in loaded.warnings[0]
    monkeypatch.setenv(names.FILE, str(path))
    assert connection.find() == connection.Connection("https://lab.example", "mine")


def test_a_token_may_be_in_a_file_of_its_own(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named by the file or by a variable."""
    write("of-the-file\n", tmp_path / "user" / "taskkit" / "token")
    write('[client]\nurl = "http://lab"\ntoken_file = "token"\n', files.user_file())
    assert connection.find().token == "of-the-file"
    monkeypatch.setenv("TASKKIT_TOKEN_FILE", str(write("mine\n", tmp_path / "mine")))
    assert connection.find().token == "mine"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("urk = 'http://lab'", r"line 2: client\.urk: there is no such setting; did you mean url"),
        ("url = 5", r"line 2: client\.url must be text, not 5"),
        ("progress = 'loud'", r"client\.progress is live, plain or none, not 'loud'"),
    ],
)
def test_what_a_client_cannot_use_is_told(write: Write, text: str, why: str) -> None:
    """Where it is looked for; a cell shows panels all the same."""
    write(f"[client]\n{text}\n", files.user_file())
    with pytest.raises(Misconfigured, match=why):
        connection.find()
    with pytest.raises(Misconfigured):
        load({}, {})
    assert client.progress({}) == "live"


def test_client_and_server_know_the_same_settings() -> None:
    """Of the one table that both read."""
    known = {one.key for one in SETTINGS if one.table == "client"}
    assert known == {*client._KEYS} - {"token_file"}


def test_a_client_reads_it_without_pydantic(write: Write) -> None:
    """A notebook's kernel does not wait for what only servers need."""
    write(LAB, files.user_file())
    code = (
        "import json, sys, taskkit\nfrom taskkit import connection\n"
        "url = connection.find().url\nfrom taskkit.config.client import progress\nprogress()\n"
        "print(json.dumps([url, sorted(m for m in sys.modules if m.startswith('pydantic'))]))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == ["https://lab.example", []]
