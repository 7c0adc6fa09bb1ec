"""`taskkit config`: the written file changes nothing, and what is shown is what holds."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from taskkit.cli import app
from taskkit.config.loading import check, load
from taskkit.config.tables import SETTINGS
from taskkit.config.writing import default_file
from taskkit.protocol.errors import Misconfigured, RequestError

ROOT = Path(__file__).parents[2]
Write = Callable[..., Path]


def run(*words: str) -> str:
    """Run the command; return what it prints."""
    ran = CliRunner().invoke(app, ["config", *words], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    return ran.output


def test_the_written_file_is_the_defaults(here: Path) -> None:
    """It parses back to them, with a line for every setting."""
    run("init")
    path = here / "taskkit.toml"
    text = path.read_text()
    written, told_nothing = check(path), load({}, {}, path=Path(os.devnull))
    assert written.configuration.model_dump() == told_nothing.configuration.model_dump()
    tables = tomllib.loads(text)
    for one in SETTINGS:
        said = tables[one.table].get(one.key)
        assert said == (list(one.default) if isinstance(one.default, tuple) else one.default)
        assert one.variable in text
        assert f"\n{one.key} =" in text or f"\n# {one.key} =" in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_there_is_not_written_over(write: Write) -> None:
    """What somebody told stays told."""
    path = write("[server]\nport = 5001\n")
    with pytest.raises(RequestError, match="is there already"):
        run("init")
    assert path.read_text() == "[server]\nport = 5001\n"


def test_what_is_shown_is_what_holds_and_who_told_it(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For people and for programs."""
    path = write('[server]\nport = 5001\n[worker]\nqueues = ["high", "low"]\n')
    monkeypatch.setenv("TASKKIT_TOKEN", "correct-horse")
    told = json.loads(run("show", "--json"))
    assert told["file"] == str(path)
    assert set(told["settings"]) == {one.name for one in SETTINGS}
    assert told["settings"]["server.port"] == {
        "value": 5001,
        "source": "file",
        "place": f"{path}, line 2: server.port",
    }
    assert told["settings"]["worker.queues"]["value"] == ["high", "low"]
    assert told["settings"]["server.token"]["source"] == "variable"
    shown = run("show")
    for word in ("5001", "high, low", "TASKKIT_TOKEN", "••••"):
        assert word in shown
    assert "horse" not in shown


def test_a_checked_file_is_sound_or_says_why_not(write: Write) -> None:
    """With an exit code for scripts."""
    path = write("[server]\nport = 5001\n")
    assert "1 settings" in run("check", str(path))
    path.write_text("[server]\nprot = 5001\n")
    with pytest.raises(Misconfigured, match="did you mean port"):
        run("check", str(path))


def test_the_page_shows_the_file_as_it_is_written() -> None:
    """docs/configuration.md has what `taskkit config init` writes."""
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert f"```toml\n{default_file()}```" in page
