"""The pieces that panels are made of. Whatever comes from a user is escaped here, and only here.

But for two that have a form of their own: printed lines in `ansi`, tracebacks in `frames`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from ..protocol.jobs import Bar, ErrorInfo, JobState, Table, fraction
from ..travel.sources import with_sources
from .ansi import plain
from .figures import amount, count, percent
from .fold import folded, lines_html
from .frames import traceback_html
from .output import Tail
from .style import LOOKS, TRACK

SEPARATOR = " · "
MESSAGE_CHARS = 300

_ID = re.compile("[0-9a-f]{32}")


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


def inner_bar(loop: Bar, colour: str) -> str:
    """Return a loop within a job: its name, how far it is, and a thin bar where that is known."""
    name = one_line(loop.name, 80)
    known = fraction(loop.done, loop.total)
    how_far = amount(loop.done, loop.total)
    words = f'<div class="tk-facts">{escape(f"{name} {how_far}".strip())}</div>'
    if known is None:
        return f'<div class="tk-inner">{words}</div>'
    filled = f'<div style="width:{100 * known:.2f}%;height:3px;background-color:{colour}"></div>'
    return (
        f'<div class="tk-inner">{words}<div class="tk-bar" {_aria(name or "a loop", how_far)}'
        f' aria-valuenow="{100 * known:.0f}" style="height:3px;background-color:{TRACK}">{filled}'
        "</div></div>"
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


def facts(texts: Iterable[str], more: str = "") -> str:
    """Return short facts in one line, and more behind them that is HTML already."""
    line = SEPARATOR.join(escape(text) for text in texts if text)
    return f'<div class="tk-facts">{line}{more}</div>' if line or more else ""


def copy_id(id: str) -> str:
    """Return a button that puts a job's id where it can be pasted from.

    It is not shown where style sheets are dropped, for scripts are, too.
    """
    if not _ID.fullmatch(id):
        return ""
    script = (
        "navigator.clipboard?navigator.clipboard.writeText(this.title).then(()=>{"
        "this.textContent='copied'}):prompt('The id of this job:',this.title)"
    )
    return (
        f'<button type="button" class="tk-copy" style="display:none" title="{id}"'
        f' onclick="{escape(script)}">copy id</button>'
    )


def table(shown: Table) -> str:
    """Return the beginning of a table, and in words how large the whole is."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in shown.columns)
    rows = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in shown.rows
    )
    size = f"{count(shown.all_rows)} rows × {count(shown.all_columns)} columns"
    return (
        f'<div class="tk-table"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        f'<div class="tk-quiet">{size}</div></div>'
    )


def note(text: str) -> str:
    """Return a quiet line of the user's words, or nothing."""
    return f'<div class="tk-note">{escape(one_line(text))}</div>' if text.strip() else ""


def warning(text: str) -> str:
    """Return a line about what is wrong around the job, or nothing."""
    return f'<div class="tk-note tk-warn">{escape(one_line(text))}</div>' if text else ""


def output(tail: Tail) -> str:
    """Return the last lines that were printed, and those above in a fold; or nothing."""
    if not tail.lines:
        return ""
    above = above_text(tail)
    if tail.above:
        above = folded(above, tail.above)
    elif above:
        above = f'<div class="tk-above">{above}</div>'
    return f'<div class="tk-output">{above}{lines_html(tail.lines)}</div>'


def above_text(tail: Tail) -> str:
    """Return in words how many lines are above, and how many more there were."""
    above, dropped = _lines(len(tail.above)), _lines(tail.dropped)
    more = "more than " if tail.is_more_above else ""
    if tail.dropped:
        texts = (above and f"{above} above", f"{more}{dropped} dropped")
        return SEPARATOR.join(filter(None, texts))
    if above:
        return f"{more}{above} above"
    return "more above" if more else ""


def _lines(count: int) -> str:
    return f"{count:,} line{'s' if count > 1 else ''}" if count else ""


def trouble(error: ErrorInfo, *, lead: str = "", is_traceback_shown: bool = True) -> str:
    """Return why a job failed, its traceback folded and in it the frames of libraries."""
    begin = f"{escape(lead)} " if lead else ""
    text = f"{begin}<b>{escape(error.type)}</b>: {escape(clip(plain(error.message)))}"
    trace = ""
    if is_traceback_shown and error.traceback:
        lines = traceback_html(with_sources(error.traceback))
        trace = f"<details><summary>Traceback of the worker</summary>{lines}</details>"
    return f'<div class="tk-trouble">{text}{trace}</div>'


def one_line(text: str, chars: int = MESSAGE_CHARS) -> str:
    """Return `text` in one line of at most `chars` characters."""
    return clip(" ".join(text.split()), chars)


def clip(text: str, chars: int = MESSAGE_CHARS * 3) -> str:
    """Return at most `chars` characters of `text`."""
    return text if len(text) <= chars else text[: chars - 1] + "…"
