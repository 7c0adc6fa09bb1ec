"""docs/deploy: what its pages name is there, and the commands that they show are taskkit's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from taskkit.cli import app

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "deploy").glob("*.md"))


def sections(page: Path) -> set[str]:
    """Return the anchors of a page."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_leads_somewhere(page: Path) -> None:
    """To a file of this repository, and to a section that it has."""
    for target, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", page.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        file = (page.parent / target).resolve()
        assert file.exists(), target
        assert not anchor or anchor in sections(file), f"{target}#{anchor}"


def commands(text: str) -> list[list[str]]:
    """Return the words of each command of taskkit in blocks of sh and in single quotes of code."""
    lines = [
        line
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        for line in block.replace("\\\n", " ").splitlines()
    ]
    lines += [" ".join(code.split()) for code in re.findall(r"(?<!`)`(taskkit [^`]+)`", text)]
    found = []
    for line in lines:
        words = shlex.split(line.replace("$(", "").partition(" #")[0], comments=True)
        words = [word for word in words if "=" not in word.partition("-")[0]]
        if words and words[0] == "taskkit":
            found.append(words[1:])
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_command_is_one_of_taskkit_s(page: Path) -> None:
    """With options that it has; what is meant by another page is not said another way here."""
    shown = commands(page.read_text(encoding="utf-8"))
    assert shown or page.name == "nginx.md"
    for words in shown:
        command: Any = typer.main.get_command(app)
        context, rest = None, words
        while hasattr(command, "commands"):
            assert rest[0] in command.commands, words
            context = typer.Context(command, parent=context)
            command, rest = command.commands[rest[0]], rest[1:]
        command.make_context(words[0], [*rest], parent=context)


def test_each_directive_that_is_explained_is_in_the_file() -> None:
    """And has the value that is said of it."""
    page = (ROOT / "docs" / "deploy" / "nginx.md").read_text(encoding="utf-8")
    conf = (ROOT / "deploy" / "nginx" / "taskkit.conf").read_text(encoding="utf-8")
    [table] = re.findall(r"## Why each line is there\n(.*)$", page, re.DOTALL)
    explained = [
        code
        for row in re.findall(r"^\| (.*?) \|", table, re.M)
        for code in re.findall(r"`([a-z_]+ [^`]+)`", row)
    ]
    assert len(explained) >= 6
    assert [one for one in explained if f"{one};" not in conf and one != "limit_req"] == []
