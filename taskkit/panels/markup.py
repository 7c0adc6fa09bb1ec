"""The pieces that panels are made of. Whatever comes from a user is escaped here, and only here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ..protocol.jobs import ErrorInfo, JobState
from .figures import percent
from .output import Tail
from .style import LOOKS, TRACK

SEPARATOR = " · "
MESSAGE_CHARS = 300
TRACEBACK_CHARS = 20_000


def panel(parts: Iterable[str]) -> str:
    """Return a whole panel around its parts; empty ones are left out."""
    return f'<div class="taskkit">{"".join(part for part in parts if part)}</div>'


def head(name: str, state: JobState, *, note: str = "", fraction: float | None = None) -> str:
    """Return the first line: sign, name, state and, at the right, how much is done."""
    look = LOOKS[state]
    word = escape(f"{look.word} {note}".strip())
    right = "" if fraction is None else f' <span class="tk-percent">{percent(fraction)}</span>'
    return (
        f'<div class="tk-head"><span style="color:{look.colour}" aria-hidden="true">{look.sign}'
        f'</span> <b class="tk-name">{escape(one_line(name))}</b>'
        f' <span class="tk-quiet">{word}</span>{right}</div>'
    )


def bar(name: str, segments: Sequence[tuple[float, str]], text: str) -> str:
    """Return a bar whose segments are (fraction, colour); `text` says the same in words."""
    filled = sum(fraction for fraction, _ in segments)
    inner = "".join(
        f'<div style="float:left;width:{100 * fraction:.2f}%;height:5px;background-color:{colour}">'
        "</div>"
        for fraction, colour in segments
        if fraction > 0
    )
    return (
        f'<div class="tk-bar" {_aria(name, text)} aria-valuenow="{100 * filled:.0f}"'
        f' style="height:5px;background-color:{TRACK}">{inner}</div>'
    )


def unknown_bar(name: str, text: str) -> str:
    """Return a bar of a length that nobody knows: no `aria-valuenow`. Source: WAI-ARIA 1.2."""
    inner = '<div class="tk-unknown" style="width:100%;height:5px"></div>'
    style = f'style="height:5px;background-color:{TRACK}"'
    return f'<div class="tk-bar" {_aria(name, text)} {style}>{inner}</div>'


def _aria(name: str, text: str) -> str:
    return (
        f'role="progressbar" aria-label="{escape(one_line(name))}" aria-valuemin="0"'
        f' aria-valuemax="100" aria-valuetext="{escape(text)}"'
    )


def facts(texts: Iterable[str]) -> str:
    """Return short facts in one line."""
    line = SEPARATOR.join(escape(text) for text in texts if text)
    return f'<div class="tk-facts">{line}</div>' if line else ""


def note(text: str) -> str:
    """Return a quiet line of the user's words, or nothing."""
    return f'<div class="tk-note">{escape(one_line(text))}</div>' if text.strip() else ""


def warning(text: str) -> str:
    """Return a line about what is wrong around the job, or nothing."""
    return f'<div class="tk-note tk-warn">{escape(one_line(text))}</div>' if text else ""


def output(tail: Tail) -> str:
    """Return the last lines that were printed, or nothing."""
    if not tail.lines:
        return ""
    above = above_text(tail)
    begin = f'<div class="tk-above">{above}</div>' if above else ""
    lines = escape("\n".join(tail.lines))
    return f'<div class="tk-output">{begin}<pre class="tk-lines">{lines}</pre></div>'


def above_text(tail: Tail) -> str:
    """Return how many lines are not shown, in words."""
    if tail.is_more_above:
        return f"more than {tail.above:,} lines above" if tail.above else "more above"
    return f"{tail.above:,} line{'s' if tail.above > 1 else ''} above" if tail.above else ""


def trouble(error: ErrorInfo, *, lead: str = "", is_traceback_shown: bool = True) -> str:
    """Return why a job failed, its traceback folded."""
    begin = f"{escape(lead)} " if lead else ""
    text = f"{begin}<b>{escape(error.type)}</b>: {escape(clip(error.message))}"
    trace = ""
    if is_traceback_shown and error.traceback:
        body = escape(error.traceback[-TRACEBACK_CHARS:].rstrip())
        trace = (
            "<details><summary>Traceback of the worker</summary>"
            f'<pre class="tk-trace">{body}</pre></details>'
        )
    return f'<div class="tk-trouble">{text}{trace}</div>'


def one_line(text: str, chars: int = MESSAGE_CHARS) -> str:
    """Return `text` in one line of at most `chars` characters."""
    return clip(" ".join(text.split()), chars)


def clip(text: str, chars: int = MESSAGE_CHARS * 3) -> str:
    """Return at most `chars` characters of `text`."""
    return text if len(text) <= chars else text[: chars - 1] + "…"
