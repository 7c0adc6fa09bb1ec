"""There is one version, and every file that tells it tells that."""

from __future__ import annotations

import os
import re
import runpy
import shutil
from pathlib import Path

import pytest
from installing import ROOT
from packaging.version import Version
from schemas import faults

import taskkit

TOOL = runpy.run_path(str(ROOT / "tools" / "new_version.py"))
CHANGES = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
RELEASED = re.compile(r"(\S+) - (\d{4}-\d{2}-\d{2})")
KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]


@pytest.mark.parametrize("name", TOOL["PLACES"])
def test_a_file_tells_the_version(name: str) -> None:
    """`make version VERSION=…` writes it everywhere."""
    assert set(TOOL["told"](name)) == {taskkit.__version__}


def test_no_other_file_tells_one() -> None:
    """Who writes an image's tag into a file of deploy or docs lists it in `PLACES`."""
    found = {
        str(path.relative_to(ROOT))
        for folder in ("deploy", "docs")
        for path in (ROOT / folder).rglob("*")
        if path.suffix not in {".png", ".svg"} and path.is_file()
        if re.search(f"{TOOL['IMAGE']}|{TOOL['TAG']}", path.read_text(encoding="utf-8"))
    }
    assert found
    assert found <= set(TOOL["PLACES"])


def test_the_changes_are_kept_as_keep_a_changelog_has_it() -> None:
    """Unreleased first, then each release with its day, the newest first, by kinds of change."""
    first, *released = SECTION.findall(CHANGES)
    assert first == "Unreleased"
    parts = [RELEASED.fullmatch(one) for one in released]
    assert all(parts), released
    versions = [Version(part[1]) for part in parts if part]
    days = [part[2] for part in parts if part]
    assert versions == sorted(set(versions), reverse=True)
    assert days == sorted(days, reverse=True)
    assert all(version <= Version(taskkit.__version__) for version in versions)
    for section in re.split(r"^## .+$", CHANGES, flags=re.MULTILINE)[1:]:
        kinds = re.findall(r"^### (.+)$", section, re.MULTILINE)
        assert set(kinds) <= set(KINDS)
        assert len(kinds) == len(set(kinds))


def test_a_tag_is_that_of_the_version_and_its_changes() -> None:
    """Where a tag is released, nothing is left to say: version, changes and citation agree."""
    tag = os.environ.get("TASKKIT_TAG", "")
    days = dict(part.groups() for part in map(RELEASED.fullmatch, SECTION.findall(CHANGES)) if part)
    cited = re.findall(
        r"^date-released: (\S+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE
    )
    assert cited == [days[v] for v in [taskkit.__version__] if v in days]
    if tag:
        assert tag == f"v{taskkit.__version__}"
        assert taskkit.__version__ in days


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files that tell the version, elsewhere."""
    for name in [*TOOL["PLACES"], "CHANGELOG.md"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "CHANGELOG.md").write_text("# Changes\n\n## Unreleased\n\n### Added\n- It.\n")
    return tmp_path


def test_a_new_version_is_written_everywhere(clone: Path) -> None:
    """And again: the second release leaves the first one's changes as they are."""
    for version, day in [("9.1.0", "2030-01-02"), ("9.2.0rc1", "2030-02-03")]:
        TOOL["write"](version, day, clone)
        for name in TOOL["PLACES"]:
            assert set(TOOL["told"](name, clone)) == {version}, name
        changes = (clone / "CHANGELOG.md").read_text()
        assert f"## Unreleased\n\n## {version} - {day}\n\n### Added\n- It" in changes
        changes = changes.replace("## Unreleased\n", "## Unreleased\n\n### Added\n- It, too.\n")
        (clone / "CHANGELOG.md").write_text(changes)
        cited = (clone / "CITATION.cff").read_text()
        assert re.findall(r"^date-released: (\S+)$", cited, re.MULTILINE) == [day]
    assert changes.count("- It.\n") == 1
    assert SECTION.findall(changes) == [
        *("Unreleased", "9.2.0rc1 - 2030-02-03", "9.1.0 - 2030-01-02")
    ]


@pytest.mark.parametrize("version", ["", "soon", "v9.0.0", "0.0.9", "9.0"])
def test_what_is_no_next_version_changes_nothing(clone: Path, version: str) -> None:
    """Neither a word nor an older one nor a tag; 9.0 is one, but says nothing of its changes."""
    if version == "9.0":
        (clone / "CHANGELOG.md").write_text("# Changes\n\n## Unreleased\n\n## 0.1.0 - 2026-01-01\n")
    before = {path: path.read_bytes() for path in clone.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match=r"version|come after|says nothing"):
        TOOL["write"](version, "2030-01-01", clone)
    assert {path: path.read_bytes() for path in clone.rglob("*") if path.is_file()} == before


def test_the_citation_is_of_its_form(tmp_path: Path) -> None:
    """By the schema of the Citation File Format, as who reads it has it."""
    cited = ROOT / "CITATION.cff"
    assert faults("citation-file-format", cited) == ""
    (tmp_path / "CITATION.cff").write_text(cited.read_text("utf-8").replace("authors:", "author:"))
    assert "authors" in faults("citation-file-format", tmp_path / "CITATION.cff")
