"""How a job came about, as HTML: a folded table for a saved notebook, without script or kernel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from html import escape
from typing import Any

from .style import STYLE

MOST_PACKAGES = 60
SOURCE_CHARS = 4_000
VALUE_CHARS = 200

_CELL = "text-align:left;vertical-align:top;padding:1px 14px 1px 0;font-weight:400;border:0"
_PRE = "margin:2px 0;padding:0;white-space:pre-wrap;font-size:12px;line-height:17px"


def fold_html(facts: Mapping[str, Any]) -> str:
    """Return a card folded under its first line, to stand below a panel, whose style it has."""
    return _html(facts, "border:0;background:none;padding:1px 14px")


def card_html(facts: Mapping[str, Any]) -> str:
    """Return a card as a cell shows it by itself: open."""
    return STYLE + _html(facts, "", is_open=True)


def _html(facts: Mapping[str, Any], style: str, *, is_open: bool = False) -> str:
    job = facts["job"]
    rows = "".join(
        f'<tr style="background:none"><th scope="row" style="{_CELL};white-space:nowrap">'
        f'<span class="tk-quiet">{escape(name)}</span></th><td style="{_CELL}">{html}</td></tr>'
        for name, html in _rows(facts)
        if html
    )
    summary = escape(f"How {_short(job['title'], 60)} came about")
    opened = " open" if is_open else ""
    return (
        f'<div class="taskkit tk-card" style="{style}">'
        f'<details{opened} style="margin:0"><summary>{summary}</summary>'
        f'<table style="border-collapse:collapse;border:0;margin:4px 0 0;font-size:12px;'
        f'line-height:18px;color:inherit">{rows}</table></details></div>'
    )


def _rows(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    job, code, given = facts["job"], facts["code"], facts["arguments"]
    yield "job", f"{_code(job['id'])} of {escape(job['owner'] or 'somebody')}"
    yield "task", _task(code)
    yield "source", _source(code)
    yield "arguments", _arguments(given)
    if facts["seed"]:
        yield "seed", escape(_named(facts["seed"]))
    yield "result", _result(facts["result"])
    if error := facts["error"]:
        yield "error", escape(_short(f"{error['type']}: {error['message']}"))
    yield "ran", escape(_ran(facts))
    yield "environment", _environment(facts["environment"])
    yield "packages", _packages((facts["environment"] or {}).get("packages") or {})
    yield "not known", "<br>".join(escape(_short(one, 300)) for one in facts["unknown"])
    yield "left out", escape(", ".join(facts["redacted"]))


def _task(code: Mapping[str, Any]) -> str:
    where = code.get("module") or ""
    name = code.get("qualname") or code["task"]
    package = " ".join(filter(None, (code.get("distribution"), code.get("version"))))
    words = f"{code['form']} {where + '.' if where else ''}{name}"
    told = escape(f"{words} of {package}" if package else words)
    digest = code.get("pickle_sha256") or code.get("source_sha256") or ""
    return f"{told} {_digest(digest)}"


def _source(code: Mapping[str, Any]) -> str:
    source = code.get("source") or ""
    if not source:
        return ""
    shown = escape(_short(source, SOURCE_CHARS))
    lines = source.count("\n") + (not source.endswith("\n"))
    words = f"{lines} line{'s' if lines > 1 else ''}"
    return _folded(words, f'<pre style="{_PRE}">{shown}</pre>')


def _arguments(given: Mapping[str, Any]) -> str:
    if given["form"] == "json" and "value" in given:
        return escape(_short(_named(given["value"]) or "none"))
    items = given.get("items")
    if items is not None:
        told = [f"{one['name']} = {_short(one['preview'], 80)}" for one in items]
        return f"{escape(', '.join(told) or 'none')} {_digest(given['sha256'])}"
    return _digest(given["sha256"])


def _result(result: Mapping[str, Any] | None) -> str:
    if result is None:
        return ""
    return f"{escape(_short(result['preview']))} {_digest(result['sha256'])}"


def _ran(facts: Mapping[str, Any]) -> str:
    job, attempts = facts["job"], facts["attempts"]
    if not attempts:
        return "not yet" if job["state"] == "queued" else "never"
    last = attempts[-1]
    words = [f"on {last['worker']}"] if last.get("worker") else []
    begin, end = last.get("started_at"), last.get("ended_at")
    if begin:
        words.append(f"from {_moment(begin)}")
    if begin and end:
        took = datetime.fromisoformat(end) - datetime.fromisoformat(begin)
        words.append(f"for {took.total_seconds():.3g} s")
    if len(attempts) > 1:
        words.append(f"the last of {len(attempts)} attempts")
    return ", ".join(words)


def _environment(told: Mapping[str, Any] | None) -> str:
    if told is None:
        return ""
    python = f"{told.get('implementation') or 'Python'} {told.get('python') or ''}"
    words = [python.strip(), told.get("system"), told.get("cpu")]
    variables = told.get("variables") or {}
    if isinstance(variables, Mapping):
        words += [f"{name}={value}" for name, value in variables.items() if _is_told(name)]
    return escape(" · ".join(str(word) for word in words if word))


def _is_told(variable: str) -> bool:
    """Return whether a variable is shown: of those for threads, one stands for all."""
    return variable == "OMP_NUM_THREADS" or not variable.endswith("_NUM_THREADS")


def _packages(packages: Mapping[str, str]) -> str:
    told = [f"{name} {version}" for name, version in list(packages.items())[:MOST_PACKAGES]]
    more = len(packages) - len(told)
    if more > 0:
        told.append(f"and {more} more")
    shown = escape(", ".join(told))
    if len(told) < 6:
        return shown
    words = f"{len(packages)} imported"
    return _folded(words, shown)


def _folded(words: str, html: str) -> str:
    return f'<details style="margin:0"><summary>{words}</summary>{html}</details>'


def _digest(digest: str) -> str:
    """Return the beginning of a digest, the whole of it where a pointer rests."""
    if not digest:
        return ""
    shown = escape(f"sha256 {digest[:12]}…")
    return f'<span class="tk-quiet" title="{escape(digest)}">{shown}</span>'


def _code(text: str) -> str:
    return f'<code style="background:none;color:inherit;padding:0">{escape(text)}</code>'


def _moment(text: str) -> str:
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S UTC")


def _named(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value!r}" for name, value in values.items())


def _short(text: str, chars: int = VALUE_CHARS) -> str:
    return text if len(text) <= chars else text[: chars - 1] + "…"
