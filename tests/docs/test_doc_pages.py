"""What docs/_ext makes of pages and docstrings."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "docs" / "_ext"))

import docstrings  # noqa: E402
import pages  # noqa: E402
import states  # noqa: E402
import tables  # noqa: E402

import taskkit  # noqa: E402
from taskkit.config.tables import SETTINGS  # noqa: E402
from taskkit.protocol.events import EVENTS  # noqa: E402
from taskkit.protocol.jobs import JobState  # noqa: E402


def test_a_page_that_no_list_names_has_a_place(tmp_path: Path) -> None:
    """Who adds a page needs to touch no list; one that a pattern names is not there twice."""
    docs = tmp_path / "docs"
    (docs / "deploy").mkdir(parents=True)
    tree = "```{toctree}\n:glob:\n\nThe one <one>\nhttp\nhttps://x.org\n/docs/deploy/*\n```\n"
    (docs / "index.md").write_text(f"# Index\n\n{tree}")
    for name in ("one", "http", "new", "deploy/nginx"):
        (docs / f"{name}.md").write_text(f"# {name}\n")
    assert pages.unlisted(tmp_path) == ["docs/new"]


def test_the_list_of_such_pages_is_there_where_there_are_some() -> None:
    """No heading stands above nothing."""
    text = (ROOT / "docs" / "how-to" / "index.md").read_text("utf-8")
    assert pages.UNLISTED in text
    made = pages.with_places(text, ["docs/new", "docs/newer"])
    assert "\n/docs/new\n/docs/newer\n```" in made.partition("## More")[2]
    without = pages.with_places(text, [])
    assert "## More" not in without
    assert without.rstrip().endswith("```")


def test_a_picture_for_light_and_one_for_dark_both_come_along() -> None:
    """As images of Sphinx', which copies them; as HTML they would be left behind."""
    light, dark = "images/a-light.png", "images/a-dark.png"
    text = (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img alt="A job" src="{light}" width="740"></picture>'
    )
    made = pages.pictures(text)
    assert "<" not in made
    assert re.findall(r"\{image\} (\S+)\n:alt: A job\n:width: 740px\n:class: (\S+)", made) == [
        (light, "only-light"),
        (dark, "only-dark"),
    ]


def test_no_picture_of_the_docs_is_left_as_html() -> None:
    """One that is written in another way would be broken in the built page."""
    for page in (ROOT / "docs").rglob("*.md"):
        assert "<img" not in pages.pictures(page.read_text("utf-8")), page


def test_links_to_folders_are_their_names(tmp_path: Path) -> None:
    """There is no page of a folder; links to pages and files stay."""
    (tmp_path / "deploy").mkdir()
    (tmp_path / "README.md").touch()
    page = tmp_path / "docs" / "a.md"
    text = "[`deploy`](../deploy), [b](b.md), [all](../README.md), [out](https://x.org/)"
    assert pages.links(page, text, tmp_path) == (
        "`deploy`, [b](b.md), [all](/docs/index.md), [out](https://x.org/)"
    )


def test_the_diagram_has_every_state_and_every_event_that_moves_a_job() -> None:
    """Of the page that is drawn from the table of transitions."""
    page = (ROOT / "docs" / "state-machine.md").read_text("utf-8")
    [diagram] = re.findall(r"```mermaid\n(.*?)```", page, re.DOTALL)
    drawn = states.drawn(diagram)
    assert set(re.findall(r">([a-z]+)</text></g>", drawn)) == {str(state) for state in JobState}
    assert set(re.findall(r">([a-z_]+)</tspan>", drawn)) == set(re.findall(r" : (\w+)", diagram))
    assert drawn.count('class="final"') == 3


def test_a_state_without_a_place_is_no_silent_gap() -> None:
    """A new one ends the build until it has a place."""
    with pytest.raises(KeyError, match="paused"):
        states.drawn("stateDiagram-v2\n    queued --> paused : job_paused\n")


def test_the_tables_have_all_that_there_is() -> None:
    """Settings by key and variable, events by type, routes by scope, flags of the magics."""
    settings = tables.settings()
    assert [
        one.name for one in SETTINGS if f"| `{one.key}` | `{one.variable}` |" not in settings
    ] == []
    assert re.findall(r"## `(\w+)`", tables.event_kinds()) == list(EVENTS)
    assert "| `POST /jobs` |" in tables.routes()
    assert re.search(r"\| `POST /jobs/\{id\}/cancel` \| .* \| `cancel` \|", tables.routes())
    assert "| `-k, --key` |" in tables.magics()
    assert re.search(r"^## `taskkit worker`$", tables.commands(), re.MULTILINE)


def test_a_field_has_the_comment_that_stands_below_it() -> None:
    """Not the one above, which is of the field before, as autodoc would take it."""
    rows = tables.fields_of(taskkit.Progress).splitlines()
    assert "| `done` | `float` | Units finished, >= 0. |" in rows
    assert "| `total` | `float \\| None` | Units in all; None where nobody knows. |" in rows


def test_a_word_in_backticks_is_code_unless_it_is_public() -> None:
    """A parameter may have the name of a public function."""
    assert docstrings.marked("a `Job` by `f(x)`") == "a :py:obj:`~taskkit.Job` by ``f(x)``"
    assert docstrings.marked("of `task`", frozenset({"task"})) == "of ``task``"
    assert docstrings.marked("``as it is``") == "``as it is``"
