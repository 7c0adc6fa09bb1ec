"""How a job came about, as a saved notebook shows it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from taskkit.panels.card_table import card_html, fold_html

CARD: dict[str, Any] = {
    "job": {"id": "a" * 32, "title": "fit<script>", "state": "succeeded", "owner": "ana"},
    "code": {
        "form": "function",
        "task": "fit",
        "module": "__main__",
        "qualname": "fit",
        "source": "def fit(x):\n    return '<b>'\n",
        "pickle_sha256": "b" * 64,
    },
    "arguments": {
        "form": "pickle",
        "sha256": "c" * 64,
        "items": [{"name": "x", "kind": "float", "preview": "<2.0>"}],
    },
    "seed": {"seed": 3},
    "environment": {
        "implementation": "CPython",
        "python": "3.12.1",
        "system": "Linux",
        "cpu": "a processor",
        "variables": {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TZ": "UTC"},
        "packages": {f"p{n}": f"1.{n}" for n in range(80)},
    },
    "attempts": [
        {"attempt": 1, "end": "lost", "cause": "gone"},
        {
            "attempt": 2,
            "end": "succeeded",
            "worker": "lab-7-1f",
            "started_at": "2026-11-27T08:00:00.000Z",
            "ended_at": "2026-11-27T08:00:02.500Z",
        },
    ],
    "result": {"preview": "<4>", "sha256": "d" * 64},
    "error": None,
    "unknown": ["seed: <nobody> knows"],
    "redacted": ["output.tail"],
}


def text_of(html: str) -> str:
    """Return what a reader sees where only the text is left."""
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.S))


def test_a_card_tells_what_a_reader_asks() -> None:
    """Folded below a panel; open by itself."""
    folded = fold_html(CARD)
    read = text_of(folded)
    for words in (
        "How fit&lt;script&gt; came about",
        "function __main__.fit sha256 bbbbbbbbbbbb…",
        "x = &lt;2.0&gt;",
        "seed = 3",
        "&lt;4&gt; sha256 dddddddddddd…",
        "on lab-7-1f, from 2026-11-27 08:00:00 UTC, for 2.5 s, the last of 2 attempts",
        "CPython 3.12.1 · Linux · a processor · OMP_NUM_THREADS=1 · TZ=UTC",
        "p59 1.59, and 20 more",
        "seed: &lt;nobody&gt; knows",
        "output.tail",
    ):
        assert words in read, words
    assert "<details open" not in folded
    assert "<details open" in card_html(CARD)


def test_nothing_of_a_job_is_taken_for_html() -> None:
    """Its title, source, arguments and result are the user's words."""
    html = fold_html(CARD)
    assert "<script" not in html
    assert "<b>" not in html
    assert not re.search(r"\son\w+=", html)


@pytest.mark.parametrize("state", ["queued", "cancelled"])
def test_a_job_that_never_ran_has_a_card(state: str) -> None:
    """Short, and without rows that would be empty."""
    bare = {
        **CARD,
        "job": {**CARD["job"], "state": state},
        "environment": None,
        "attempts": [],
        "result": None,
        "seed": None,
        "redacted": [],
    }
    read = text_of(fold_html(bare))
    assert ("not yet" if state == "queued" else "never") in read
    assert " result " not in read
    assert "environment" not in read
