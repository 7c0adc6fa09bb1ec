"""Where a result comes from that was asked for before, or why it was made again, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from ..protocol.identity import Change, Rerun
from ..protocol.jobs import JobRecord
from . import figures

MOST_REASONS = 2
"""Of a batch, so many reasons are told why jobs are run again."""

_DAY_MS = 86_400_000


def recall_text(record: JobRecord, now_ms: int) -> str:
    """Return it of a job; empty where nothing of it was asked.

    It says when, too: a saved notebook is read later.
    """
    if record.is_recalled:
        return f"{_from(record, now_ms)}: same code and arguments"
    return "" if record.rerun is None else rerun_text(record.rerun)


def rerun_text(rerun: Rerun) -> str:
    """Return why a call was run.

    >>> rerun_text(Rerun(changes=(Change(part="global:alpha", before="1", now="2"),)))
    'run again: `alpha` changed'
    """
    if rerun.unsure:
        return f"run, for an equal call cannot be told: {rerun.unsure}"
    if rerun.is_renewed:
        return "run again, as asked"
    told = [_change(change) for change in rerun.changes]
    if rerun.more:
        told.append(f"{rerun.more} more")
    return f"run again: {', '.join(told)}"


def batch_recall_text(records: Sequence[JobRecord]) -> str:
    """Return it of a batch: how many have an earlier result, and why others have not."""
    known = sum(1 for record in records if record.is_recalled)
    run = (record.rerun for record in records if not record.is_recalled)
    reasons = Counter(rerun_text(rerun) for rerun in run if rerun)
    texts = [f"{known:,} of {len(records):,} from before: same code and arguments"] if known else []
    texts += [f"{n:,} {reason}" for reason, n in reasons.most_common(MOST_REASONS)]
    return "; ".join(texts)


def _from(record: JobRecord, now_ms: int) -> str:
    if record.finished_at is None:
        return "the job of an equal call"
    passed_ms = max(0, now_ms - record.finished_at)
    days = passed_ms // _DAY_MS
    ago = f"{days}{figures.SPACE}day{'s' if days > 1 else ''}" if days else ""
    moment = datetime.fromtimestamp(record.finished_at / 1000, UTC)
    ago = f"{ago or figures.duration(passed_ms)} ago" if passed_ms >= 1000 else "just now"
    return f"from {ago} ({moment:%Y-%m-%d %H:%M} UTC)"


def _change(change: Change) -> str:
    kind, _, name = change.part.partition(":")
    if kind in ("package", "python"):
        name = name or "Python"
        if change.before and change.now:
            return f"{name} {change.before} → {change.now}"
        return f"{name} {change.now or change.before} {'is new' if change.now else 'is gone'}"
    how = "changed" if change.before and change.now else "is new" if change.now else "is gone"
    return f"{_named(kind, name)} {how}"


def _named(kind: str, name: str) -> str:
    last = name.rpartition(".")[2]
    match kind:
        case "code":
            return f"the code of `{name}`"
        case "class" | "module":
            return f"the {kind} `{name}`"
        case "default":
            return f"the default of `{last}`"
        case "argument":
            return f"the argument `{name}`"
        case "global":
            return f"`{name}`"
        case "closure":
            return f"`{last}`"
    return "docstrings" if kind == "docs" else f"`{name or kind}`"
