"""Draw the states of a job from the transition table into docs/state-machine.md.

Run it after a change of `taskkit.protocol.lifecycle.TRANSITIONS`; a test says when it is due.
"""

from __future__ import annotations

from pathlib import Path

from taskkit.protocol.events import EVENTS
from taskkit.protocol.jobs import FINAL, JobState
from taskkit.protocol.lifecycle import TRANSITIONS

TARGET = Path(__file__).resolve().parents[1] / "docs" / "state-machine.md"

PAGE = """\
# The states of a job

Drawn by `tools/state_diagram.py` from `TRANSITIONS` in `taskkit/protocol/lifecycle.py`; edit that.

```mermaid
stateDiagram-v2
{arrows}
```

| event | before | after | what it says |
|---|---|---|---|
{rows}

What is not listed is refused by every ledger. No event leaves {final}: they are final.
"""


def render() -> str:
    """Return the page as the table makes it."""
    moves = [(kind, b, a) for kind, row in TRANSITIONS.items() for b, a in row.items()]
    arrows: list[tuple[str, str, str]] = [("[*]", JobState.QUEUED, "job_submitted")]
    arrows += [(before, after, kind) for kind, before, after in moves]
    arrows += [(state, "[*]", "") for state in JobState if state in FINAL]
    rows = [f"| `{kind}` | {b} | {a} | {_summary(kind)} |" for kind, b, a in moves]
    return PAGE.format(
        arrows="\n".join(_arrow(*arrow) for arrow in arrows),
        rows="\n".join([f"| `job_submitted` | | queued | {_summary('job_submitted')} |", *rows]),
        final=", ".join(state for state in JobState if state in FINAL),
    )


def _arrow(before: str, after: str, kind: str) -> str:
    return f"    {before} --> {after}" + (f" : {kind}" if kind else "")


def _summary(kind: str) -> str:
    return (EVENTS[kind].__doc__ or "").split("\n", 1)[0]


if __name__ == "__main__":
    TARGET.write_text(render(), "utf-8")
    print(f"wrote {TARGET.name}")
