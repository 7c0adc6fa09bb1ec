"""That the tests have each verb of the ledger done by whoever does it in a stack."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from apart import OF_BOTH, OF_WORKERS

from taskkit.ledger import Ledger

ROOT = Path(__file__).parents[2]
VERBS = {name for name in vars(Ledger) if not name.startswith("_")}


def asked(folder: Path) -> Iterator[str]:
    """Yield the verbs that the modules in a folder ask a ledger for."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Attribute(value=value, attr=name) if name in VERBS:
                    if ast.unparse(value).endswith(("ledger", "source")):
                        yield name


@pytest.mark.parametrize(
    ("package", "theirs"),
    [
        ("worker/taskkit_worker", OF_WORKERS | OF_BOTH),
        ("server/taskkit_server", VERBS - OF_WORKERS),
    ],
)
def test_who_asks_for_a_verb_is_who_is_tried_with_it(package: str, theirs: set[str]) -> None:
    """A verb that the other side begins to use needs its rights there, and a place in `apart`."""
    found = set(asked(ROOT / package))
    assert found >= OF_BOTH
    assert found - theirs == set()
