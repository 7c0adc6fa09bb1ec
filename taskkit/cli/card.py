"""One job as lines of a terminal: what its panel tells, and what only its record does."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from rich.text import Text

from ..panels.ansi import plain
from ..panels.curves import curve_texts
from ..panels.figures import SPACE, amount, percent, size
from ..panels.frames import parts, summary
from ..panels.job_card import job_facts, job_fraction, job_message, job_since, past_text
from ..panels.style import LOOKS
from ..panels.terminal import last_rows
from ..protocol.jobs import ErrorInfo, JobRecord, JobState, Table
from ..protocol.options import DEFAULT_QUEUE, JobOptions
from .ids import short
from .lines import COLOURS, bar, clean, grid
from .lines import Column as GridColumn

BAR_WIDTH = 48
OUTPUT_LINES = 10
LINE_CHARS = 2_000
MOST_FIGURES = 12


def card(record: JobRecord, now_ms: int, width: int) -> Iterator[Text]:
    """Yield the lines of a job. `width` is for tables and facts; other lines are as they are."""
    yield _head(record, now_ms)
    yield from _progress(record, now_ms, width)
    for past in record.past_attempts:
        yield Text.assemble(("! ", "yellow"), clean(past_text(past)))
    yield Text()
    for name, text in _facts(record):
        yield Text.assemble((f"{name:<10} ", "dim"), text)
    yield from _outcome(record, width)
    yield from _output(record)


def _head(record: JobRecord, now_ms: int) -> Text:
    look = LOOKS[record.state]
    word = f"  {look.word} {_words(job_since(record, now_ms))}".rstrip()
    name = clean(record.title)
    return Text.assemble((f"{look.sign} ", COLOURS[record.state]), (name, "bold"), word)


def _progress(record: JobRecord, now_ms: int, width: int) -> Iterator[Text]:
    if record.state is not JobState.QUEUED and record.progress is not None:
        fraction = job_fraction(record)
        drawn = bar(fraction, BAR_WIDTH, COLOURS[record.state])
        if fraction is not None:
            drawn.append(f"  {_words(percent(fraction))}")
        yield drawn
    for line in joined([clean(fact) for fact in job_facts(record, now_ms, None)], width):
        yield Text(line, style="dim")
    if record.progress is not None and record.state in (
        JobState.RUNNING,
        JobState.FAILED,
        JobState.CANCELLED,
    ):
        for loop in record.progress.bars:
            how_far = _words(amount(loop.done, loop.total))
            yield Text(f"  {clean(loop.name, 80)} {how_far}".rstrip(), style="dim")
    if message := clean(job_message(record)):
        yield Text(message)


def joined(texts: Sequence[str], width: int) -> list[str]:
    """Return texts in lines of at most `width` where that can be, none of them broken.

    >>> joined(["3 of 5", "1.2/s", "on host"], 16)
    ['3 of 5 · 1.2/s', 'on host']
    """
    lines: list[str] = []
    for text in texts:
        if lines and len(lines[-1]) + 3 + len(text) <= width:
            lines[-1] += f" · {text}"
        else:
            lines.append(text)
    return lines


def _facts(record: JobRecord) -> Iterator[tuple[str, str]]:
    yield "id", record.id
    if record.task != record.title:
        yield "task", clean(record.task)
    if record.options.session:
        yield "notebook", clean(record.options.session, 1000)
    yield "submitted", _moment(record.created_at)
    if record.started_at is not None:
        yield "started", _moment(record.started_at)
    if record.finished_at is not None:
        yield "finished", _moment(record.finished_at)
    if record.after:
        more = len(record.after) - MOST_FIGURES
        ids = " ".join(short(id) for id in record.after[:MOST_FIGURES])
        yield "needs", f"{ids} and {more} more" if more > 0 else ids
    if options := _options(record.options):
        yield "options", options
    if curves := curve_texts(record.curves):
        yield "curves", clean(" · ".join(curves), 1000)
    for place, figure in enumerate(record.figures[:MOST_FIGURES]):
        about = f"{figure.media_type}, {_words(size(figure.size_bytes))}"
        said = clean(figure.text, 80)
        yield "" if place else "figures", f"{clean(figure.name, 80)}  {said} ({about})"
    if len(record.figures) > MOST_FIGURES:
        yield "", f"and {len(record.figures) - MOST_FIGURES} more"


def _options(options: JobOptions) -> str:
    told = [
        f"{options.retries} retries" if options.retries > 1 else "1 retry" * options.retries,
        f"on {', '.join(options.retry_on)}" if options.retry_on else "",
        f"at most {options.timeout_s:g} s" if options.timeout_s else "",
        f"at most {options.memory_mib:g} MiB more" if options.memory_mib else "",
        f"{options.cpus} cores" if options.cpus else "",
        f"tags {', '.join(options.tags)}" if options.tags else "",
        f"Python {options.python}" if options.python else "",
        f"{len(options.packages)} packages" if options.packages else "",
        f"queue {options.queue}" if options.queue != DEFAULT_QUEUE else "",
        f"priority {options.priority}" if options.priority else "",
    ]
    return clean(" · ".join(text for text in told if text), 1000)


def _outcome(record: JobRecord, width: int) -> Iterator[Text]:
    if record.error is not None:
        yield Text()
        yield from _trouble(record.error)
    elif record.result is not None and record.result.table is not None:
        yield Text()
        yield from _table(record.result.table, width)
    elif record.result is not None and record.result.preview:
        yield Text()
        yield Text.assemble(
            ("→ ", "green"),
            clean(record.result.preview, 900),
            (f"  ({_words(size(record.result.size_bytes))})", "dim"),
        )


def _trouble(error: ErrorInfo) -> Iterator[Text]:
    message = plain(error.message).strip()
    trace = plain(error.traceback).rstrip()
    # It ends with the error, which is said below.
    trace = trace.removesuffix(f"{error.type}: {message}").rstrip()
    for part in parts(trace) if trace else ():
        if part.folded:
            yield Text(f"  {summary(part)}", style="dim italic")
            continue
        for line in part.text.rstrip("\n").split("\n"):
            yield Text(line, style="dim")
    lines = message.split("\n")
    yield Text.assemble((f"{clean(error.type)}: ", "bold red"), (lines[0], "red"))
    for line in lines[1:]:
        yield Text(line, style="red")


def _table(table: Table, width: int) -> Iterator[Text]:
    columns = [
        GridColumn(heading=clean(name, 40) or " ", is_right=bool(place), least=4)
        for place, name in enumerate(table.columns)
    ]
    yield from grid(columns, [[clean(cell, 60) for cell in row] for row in table.rows], width)
    yield Text(f"{table.all_rows:,} rows × {table.all_columns:,} columns", style="dim")


def _output(record: JobRecord) -> Iterator[Text]:
    rows, above = last_rows(record.output, LINE_CHARS, OUTPUT_LINES)
    if not rows:
        return
    yield Text()
    if above or record.output_dropped_chars:
        more = "more than " if record.output_dropped_chars else ""
        line = f"… {more}{above:,} line{'s' if above != 1 else ''} above: "
        yield Text(f"{line}taskkit output {short(record.id)}", style="dim")
    for row in rows:
        yield Text.assemble(("│ ", "dim"), "".join(text for text, _ in row.spans(LINE_CHARS)))


def _moment(ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(ms / 1000))


def _words(text: str) -> str:
    return text.replace(SPACE, " ")
