"""What has changed between two runs is told, and nothing else."""

from __future__ import annotations

import json

import pytest
from cards_of_tests import SHEET, card_of

from taskkit.cli.rerun import variables_of
from taskkit.protocol.spec import JobSpec
from taskkit.provenance.differences import differences


def changed(**facts: object) -> str:
    """Return a sheet in which something is otherwise."""
    return json.dumps({**json.loads(SHEET), **facts})


def test_versions_that_differ_are_told_and_what_is_missing() -> None:
    """A package that one of them has not imported has a line instead of a version."""
    packages = {"numpy": "2.5.0", "pandas": "3.1.1"}
    now = card_of(sheets=(changed(python="3.13.0", packages=packages),))
    assert [tuple(one) for one in differences(card_of(), now)] == [
        ("Python", "3.12.1", "3.13.0"),
        ("numpy", "2.4.6", "2.5.0"),
        ("pandas", "—", "3.1.1"),
        ("scipy", "1.17.1", "—"),
    ]
    assert differences(card_of(), card_of()) == []


def test_a_named_task_s_own_code_counts() -> None:
    """By the version of its package, or the text of its module."""

    def named(source: str) -> str:
        return json.dumps({"kind": "code", "module": "m", "source_sha256": source * 64})

    spec = JobSpec(task="ising", arguments="{}")
    then, now = (card_of(spec=spec, sheets=(SHEET, named(one))) for one in "ab")
    assert [tuple(one) for one in differences(then, now)] == [
        ("source of the task", "aaaaaaaaaaaa…", "bbbbbbbbbbbb…")
    ]


def test_where_nothing_is_known_all_of_it_differs() -> None:
    """Of a run whose worker did not tell."""
    told = differences(card_of(sheets=()), card_of())
    assert ("Python", "—", "3.12.1") in [tuple(one) for one in told]


@pytest.mark.parametrize(
    ("variables", "taken"),
    [
        ({"OMP_NUM_THREADS": "4", "PYTHONHASHSEED": "0"}, {"OMP_NUM_THREADS", "PYTHONHASHSEED"}),
        ({"OMP_NUM_THREADS": "4;rm", "MKL_NUM_THREADS": "9" * 11}, set()),
        ({"LD_PRELOAD": "1", "PATH": "/tmp", "TZ": "UTC"}, set()),
        ({"OMP_NUM_THREADS": 4}, set()),
    ],
)
def test_a_stack_takes_from_a_card_only_numbers_of_threads(
    variables: dict[str, object], taken: set[str]
) -> None:
    """Its other variables are another's word, and might be a way in."""
    facts = card_of(sheets=(changed(variables=variables),))
    assert variables_of(facts).keys() == taken
    assert variables_of(card_of(sheets=())) == {}
