"""Redis: whether the server reaches it, and whether it keeps what it accepts."""

from __future__ import annotations

import re
from importlib.util import find_spec

from ..protocol.errors import Unavailable
from .asking import WITHIN_S, Answer, Silence
from .chart import Chart
from .disk import MIN_FREE_BYTES, rooms
from .finding import Finding, broken, caution, good, unseen
from .here import Here

_REMEDY = re.compile(r"^(?P<said>.*?)[;:] (?P<cure>(?:set|upgrade|use) .*)$", re.DOTALL)
"""The verdicts of `taskkit.ledger.fitness` end with what to do."""


def check_redis(chart: Chart) -> tuple[Finding, Chart]:
    """Ask the server whether it can read and write its ledger."""
    ready = chart.asking.get("/health/ready")
    free_bytes = min((room.free_bytes for room in rooms(chart.here)), default=None)
    return judge_redis(ready, chart.here, free_bytes), chart


def judge_redis(ready: Answer | Silence, here: Here, free_bytes: int | None = None) -> Finding:
    """Return whether the ledger works.

    free_bytes: of the fullest disk of a stack that runs here.
    """
    if isinstance(ready, Answer) and ready.status == 200:
        return good(f"read and written by the server ({ready.took_ms:.0f} ms)")
    if isinstance(ready, Silence):
        said = f"the server does not get an answer from Redis within {WITHIN_S:g} s"
    else:
        said = _first_line(ready.detail)
    part = here.part("redis")
    if part:
        said += f"; {part}"
    return broken(said, _cure(said, here, free_bytes))


def _cure(said: str, here: Here, free_bytes: int | None) -> str:
    if "OOM" in said or "maxmemory" in said:
        return "Give Redis more memory: raise its maxmemory; what is accepted waits meanwhile."
    if "MISCONF" in said or (free_bytes is not None and free_bytes < MIN_FREE_BYTES):
        where = f" ({here.data})" if here.data else ""
        return f"Make room on the disk of Redis{where}; all goes on by itself then."
    if here.url:
        return (
            "See by `taskkit logs` why Redis does not answer; `taskkit down` and `up` start anew."
        )
    return "Start the Redis that the server is given as TASKKIT_REDIS_URL; nothing else is needed."


def check_persistence(chart: Chart) -> tuple[Finding, Chart]:
    """Look at the settings of Redis, where it can be reached from here."""
    return _persistence(chart.redis_url), chart


def is_named(chart: Chart) -> bool:
    """Return whether this host was told where Redis is, as those of workers are, which may have no
    server to ask."""
    return bool(chart.environment.get("TASKKIT_REDIS_URL"))


def _persistence(redis_url: str) -> Finding:
    if not redis_url:
        return unseen(
            "cannot be seen from here: `taskkit doctor` on the server's machine tells, "
            "as does its log"
        )
    if find_spec("redis") is None:
        return unseen("cannot be seen: this installation has no `redis` to ask with")
    from ..ledger import examine

    try:
        verdict = examine(redis_url)
    except Unavailable as error:
        return unseen(f"cannot be seen from here: {_first_line(str(error))}")
    return judge_persistence(verdict.refusal, verdict.warnings)


def judge_persistence(refusal: str | None, warnings: tuple[str, ...]) -> Finding:
    """Return what a verdict on Redis means."""
    if refusal is not None:
        return broken(*_parted(refusal))
    if warnings:
        parted = [_parted(warning) for warning in warnings]
        cures = dict.fromkeys(cure for _, cure in parted if cure)
        return caution("; ".join(said for said, _ in parted), " ".join(cures))
    return good("all that is accepted is on the disk first (appendfsync always)")


def _parted(sentence: str) -> tuple[str, str]:
    """Return what a sentence says, and what it says is to be done."""
    found = _REMEDY.match(sentence)
    if found is None:
        return sentence.rstrip("."), ""
    cure = found["cure"]
    return found["said"], cure[0].upper() + cure[1:]


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].rstrip(".")
