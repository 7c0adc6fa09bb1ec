"""docs/security.md names a test for each risk, and there is one of that name."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)


def functions(path: Path) -> set[str]:
    """Return the names of a module's functions."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return {one.name for one in body if isinstance(one, ast.FunctionDef)}


def test_each_named_test_is_there() -> None:
    """Or it was renamed, and the page with it."""
    assert len(NAMED) >= 12
    missing = [(path, name) for path, name in NAMED if name not in functions(ROOT / path)]
    assert missing == []


def test_make_security_runs_each() -> None:
    """What the page says of it holds."""
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
    [words] = re.findall(r"^security:.*\n((?:\t.*\n)+)", recipe, re.MULTILINE)
    run = [word for word in words.replace("\\\n", " ").split() if word.startswith("tests/")]
    globs = re.findall(r"tests/[\w/]*\*?[\w*]*\*?\.py", words)
    covered = {path for pattern in {*run, *globs} for path in ROOT.glob(pattern.rstrip(")"))}
    missing = {
        path
        for path, _ in NAMED
        if not any(ROOT / path == one or one in (ROOT / path).parents for one in covered)
    }
    assert missing == set()


def test_each_of_the_ten_risks_has_a_test() -> None:
    """In its line of the table."""
    lines = [line for line in TEXT.splitlines() if line.startswith("| API")]
    assert [line.split()[1] for line in lines] == [f"API{n}" for n in range(1, 11)]
    assert all("::test_" in line for line in lines)
