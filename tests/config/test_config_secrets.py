"""Secrets are read from files of their own, shown to nobody, and not left open to all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from taskkit.config.loading import load
from taskkit.config.tables import SETTINGS
from taskkit.config.urls import HIDDEN, masked
from taskkit.config.writing import shown
from taskkit.protocol.errors import Misconfigured

Write = Callable[..., Path]


def test_a_variable_names_the_file_of_a_secret(write: Write, tmp_path: Path) -> None:
    """As containers are given secrets; the line's end is not part of it."""
    path = write("correct-horse\n", tmp_path / "token")
    loaded = load({"TASKKIT_TOKEN_FILE": str(path)}, {})
    assert loaded.configuration.server.token == "correct-horse"
    assert loaded.configuration.worker.token == "correct-horse"


def test_the_file_names_the_file_of_a_secret_beside_it(write: Write, here: Path) -> None:
    """By a path from its own folder, wherever the process was started."""
    write("redis://:geheim@lab:6379/0\n", here / "conf" / "redis")
    path = write('[redis]\nurl_file = "redis"\n', here / "conf" / "taskkit.toml")
    assert load({}, {}, path=path).configuration.redis.url == "redis://:geheim@lab:6379/0"


@pytest.mark.parametrize(("content", "why"), [(None, "No such file"), ("\n", "is empty")])
def test_a_secret_that_is_not_there_is_told(
    write: Write, tmp_path: Path, content: str | None, why: str
) -> None:
    """By who named the file."""
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content)
    with pytest.raises(Misconfigured, match=f"TASKKIT_TOKEN_FILE: .*{why}"):
        load({"TASKKIT_TOKEN_FILE": str(path)}, {})
    write(f'[server]\ntoken_file = "{path}"\n')
    with pytest.raises(Misconfigured, match=rf"line 2: server\.token_file: .*{why}"):
        load({}, {})


def test_a_secret_that_is_told_twice_is_refused(write: Write, tmp_path: Path) -> None:
    """Nobody guesses which of the two is old."""
    path = write("one", tmp_path / "token")
    with pytest.raises(Misconfigured, match="says it as well"):
        load({"TASKKIT_TOKEN": "two", "TASKKIT_TOKEN_FILE": str(path)}, {})
    write(f'[server]\ntoken = "two"\ntoken_file = "{path}"\n')
    with pytest.raises(Misconfigured, match=r"line 3: server\.token_file: .*line 2: server\.token"):
        load({}, {})


@pytest.mark.parametrize(
    ("text", "mode", "is_warned"),
    [
        ('[server]\ntoken = "x"\n', 0o644, True),
        ('[server]\ntoken = "x"\n', 0o640, False),
        ('[redis]\nurl = "redis://:geheim@lab"\n', 0o644, True),
        ('[redis]\nurl = "redis://lab"\n', 0o644, False),
        ('[server]\ntoken_file = "secret"\n', 0o644, False),
        ("[server]\nport = 5001\n", 0o644, False),
    ],
)
def test_a_file_with_a_secret_that_all_can_read_is_warned_of(
    write: Write, here: Path, text: str, mode: int, is_warned: bool
) -> None:
    """And one without, or whose secrets are elsewhere, is not."""
    write("x", here / "secret")
    path = write(text, mode=mode)
    warnings = load({}, {}).warnings
    assert bool(warnings) is is_warned
    assert all(str(path) in one and "chmod 600" in one for one in warnings)


def test_what_is_shown_has_no_secret(write: Write) -> None:
    """Whoever told it, and also within addresses."""
    environment = {
        "TASKKIT_TOKEN": "correct-horse",
        "TASKKIT_REDIS_URL": "rediss://ana:geheim@lab:6379/0",
        "TASKKIT_BLOBS": "s3://KEY:geheim@store/bucket",
    }
    loaded = load(environment, {})
    values = {one.name: shown(loaded, one) for one in SETTINGS}
    assert values["server.token"] == values["client.token"] == HIDDEN
    assert values["redis.url"] == f"rediss://ana:{HIDDEN}@lab:6379/0"
    text = json.dumps(values)
    assert "geheim" not in text
    assert "horse" not in text


def test_an_address_that_cannot_be_read_is_masked_whole() -> None:
    """Who knows what in it is secret."""
    assert masked("redis://:geheim@[::1") == HIDDEN
