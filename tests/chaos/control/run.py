"""`run`: the stock build, put through a fault; `figures`: what the checker says of it.

Of the jobs that the verdict calls lost,

- "the ledger does not have it" are gone for good: neither a message nor a result is left of them.
  These are what fault ``worker`` loses: the frozen worker's BRPOP took a message off the queue, and
  the worker died before it could write it to ``unacked``;
- "the ledger leaves it queued" are a message in ``unacked``: they run after the visibility timeout
  of an hour, which a run does not wait for;
- those that a client "never saw finished" ran; what was told of it was lost on the way.

The stock build has no ledger: what Celery keeps in Redis stands for it, results, queue and
``unacked``. What its workers note as they emit it stands for the log, see `notes`.
"""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from chaos.checker import check
from chaos.facts import Accepted, Entry, Kept
from chaos.recorder import Recorder, read
from chaos.verdict import Verdict

from .build import Build
from .client import Client, in_order
from .faults import FAULTS
from .scene import Scene


class Figures(NamedTuple):
    """What the checker says of a run, in numbers."""

    jobs: int
    lost: int
    doubled: int
    gaps: int


def run(fault: str, folder: Path, seed: int, jobs: int = 200) -> list[Entry]:
    """Return the facts of a run of the stock build, in which a fault comes and is mended.

    Args:
        fault: ``none``, ``worker``, ``server`` or ``redis``; see `faults`.
        folder: Where logs, facts and Redis's files go.
        seed: Chooses when the fault comes.
        jobs: How many a client has accepted; 60 or more.

    Raises:
        AssertionError: The build did not come up, or not again after a fault.
    """
    chosen = FAULTS[fault]
    folder.mkdir(parents=True, exist_ok=True)
    facts = folder / "facts.jsonl"
    keys = [f"key {n}" for n in range(jobs)]
    with (
        Recorder(facts) as recorder,
        Build(folder, facts) as build,
        closing(Client(build.url, recorder)) as client,
    ):
        scene = Scene(build, client, recorder, random.Random(seed))
        for n in range(chosen.rounds):
            with scene.submitting(keys[n :: chosen.rounds], chosen.pause_s):
                chosen.commit(scene)
        scene.until_settled()
        scene.note_what_is_left(read(facts))
    return in_order(read(facts))


def figures(fault: str, folder: Path, seed: int, jobs: int = 200) -> Figures:
    """Put the stock build through a fault, and return what came of it."""
    return counted(check(run(fault, folder, seed, jobs)))


def counted(verdict: Verdict) -> Figures:
    """Return the figures of a verdict."""
    return Figures(len(verdict.jobs), len(verdict.lost), len(verdict.doubled), len(verdict.gaps))


def gone(entries: list[Entry]) -> set[str]:
    """Return the accepted jobs of which nothing is left."""
    facts = [entry.fact for entry in entries]
    accepted = {fact.job for fact in facts if isinstance(fact, Accepted)}
    return accepted - {fact.job for fact in facts if isinstance(fact, Kept)}
