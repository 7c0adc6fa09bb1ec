"""What became of jobs, by their owner's log: what is lost, what ended twice, what began again."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import urllib3
from lab import URL, Lab

import taskkit

FINAL = ("job_succeeded", "job_failed", "job_cancelled")


@dataclass(frozen=True)
class Verdict:
    """On some jobs."""

    jobs: int
    lost: list[str]
    #: Without the result that they should have, in their records or for their client.
    doubled: list[str]
    #: With more than one end, or of which two attempts held at once.
    begun_again: int
    #: Attempts after the first ones.
    ended: Counter[str]
    #: How attempts ended that were not the last: `attempt_lost`, `attempt_returned`.

    def said(self) -> str:
        """Return it as a figure."""
        return (
            f"{self.jobs} jobs, {len(self.lost)} lost, {len(self.doubled)} doubled, "
            f"{self.begun_again} begun again"
        )


def judge(lab: Lab, jobs: Sequence[taskkit.Job[Any]], results: Sequence[Any]) -> Verdict:
    """Wait for the jobs' ends and judge them; `results` is what each should return."""
    outcomes = [(job.id, _outcome(job), wanted) for job, wanted in zip(jobs, results, strict=True)]
    lost = [f"{id}: {outcome!r}" for id, outcome, wanted in outcomes if outcome != wanted]
    ids = {job.id for job in jobs}
    events = [event for event in log(lab) if event.get("job") in ids]
    ends = Counter(event["job"] for event in events if event["type"] in FINAL)
    begun = Counter(event["job"] for event in events if event["type"] == "attempt_started")
    cut = Counter(
        event["type"] for event in events if event["type"] in ("attempt_lost", "attempt_returned")
    )
    unended = [id for id in ids if ends[id] == 0]
    overlapping = [id for id in ids if _overlaps([e for e in events if e["job"] == id])]
    return Verdict(
        jobs=len(jobs),
        lost=sorted({*lost, *unended}),
        doubled=sorted({*(id for id in ids if ends[id] > 1), *overlapping}),
        begun_again=sum(begun.values()) - len(begun),
        ended=cut,
    )


def _outcome(job: taskkit.Job[Any]) -> Any:
    try:
        return job.result(120)
    except Exception as error:  # noqa: BLE001 — whatever it is, the job is judged by it
        return error


def _overlaps(events: list[dict[str, Any]]) -> bool:
    """Return whether an attempt of a job began before the one before had ended."""
    is_running = False
    for event in events:
        if event["type"] == "attempt_started":
            if is_running:
                return True
            is_running = True
        elif event["type"] in (*FINAL, "attempt_lost", "attempt_returned", "attempt_failed"):
            is_running = False
    return False


def log(lab: Lab) -> list[dict[str, Any]]:
    """Return all events of the lab's own token."""
    found: list[dict[str, Any]] = []
    epoch = ""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        after = found[-1]["seq"] if found else 0
        answer = urllib3.request(
            "GET",
            f"{URL}/v1/events?epoch={epoch}&after={after}&limit=1000",
            headers={"Authorization": f"Bearer {lab.token}"},
            timeout=30,
        )
        told = json.loads(answer.data)
        assert answer.status == 200, told
        assert not (found and told["is_gap"]), told
        found += told["events"]
        epoch = told["epoch"]
        if not found or found[-1]["seq"] >= told["head"]:
            return found
    raise AssertionError("the log has no end")
