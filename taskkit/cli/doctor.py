"""`taskkit doctor`: which hop between a notebook and its workers is broken, and what to do."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

import taskkit

from ..doctor import Finding, Verdict, diagnose, is_sound
from .terminal import console

_GLYPHS = {
    Verdict.GOOD: ("✓", "green"),
    Verdict.CAUTION: ("!", "yellow"),
    Verdict.BROKEN: ("✗", "red"),
    Verdict.UNSEEN: ("?", "dim"),
}
_NAME_WIDTH = 11
_WIDTH = 80


def doctor(
    is_json: Annotated[
        bool, typer.Option("--json", help="Print what was found as JSON, for programs.")
    ] = False,
) -> None:
    """Look at each hop from a notebook to a worker and back; name the broken one and the cure."""
    findings = _told() if is_json else _shown()
    if not is_sound(findings):
        raise typer.Exit(1)


def _told() -> list[Finding]:
    findings = list(diagnose())
    typer.echo(json.dumps(report(findings), ensure_ascii=False, indent=2))
    return findings


def report(findings: list[Finding]) -> dict[str, Any]:
    """Return what was found as an object of JSON."""
    hops = []
    for finding in findings:
        told = {"hop": finding.hop, **asdict(finding)}
        del told["is_dead_end"]
        told["measured"] = {name: round(value, 3) for name, value in finding.measured.items()}
        hops.append(told)
    return {"taskkit": taskkit.__version__, "is_sound": is_sound(findings), "hops": hops}


def _shown() -> list[Finding]:
    began = time.monotonic()
    findings: list[Finding] = []
    behind: list[str] = []
    console.print()
    with console.status("looking", spinner="dots") as status:
        for finding in diagnose(on_begin=lambda hop: status.update(f"looking at the {hop}")):
            findings.append(finding)
            if finding.verdict is Verdict.UNREACHED:
                behind.append(finding.hop)
                continue
            _print_unreached(behind)
            _print(row(finding))
        _print_unreached(behind)
    console.print()
    console.print(Text(f"  {summary(findings)} ({time.monotonic() - began:.1f} s)"))
    return findings


def _print_unreached(hops: list[str]) -> None:
    """Print those that wait to be told, in one line, and forget them."""
    if hops:
        _print(_row("·", "dim", "not reached", Text(", ".join(hops), style="dim")))
        hops.clear()


def _print(line: Table) -> None:
    console.print(line, soft_wrap=False, width=min(console.width, _WIDTH))


def row(finding: Finding) -> Table:
    """Return a finding as it is shown: what was found, and below it the cure."""
    glyph, shade = _GLYPHS[finding.verdict]
    is_quiet = finding.verdict in (Verdict.GOOD, Verdict.UNSEEN)
    said = Text(finding.said, style="dim" if is_quiet else "")
    grid = _row(glyph, shade, finding.hop, said)
    if finding.cure:
        cure = Table.grid(padding=(0, 1))
        cure.add_row(Text("→", style=shade), Text(finding.cure, style="bold"))
        grid.add_row("", "", cure)
    return grid


def _row(glyph: str, shade: str, name: str, said: Text) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=3, justify="right")
    grid.add_column(width=_NAME_WIDTH)
    grid.add_column()
    grid.add_row(Text(glyph, style=shade), name, said)
    return grid


def summary(findings: list[Finding]) -> str:
    """Return in one sentence how it stands."""
    broken = [finding.hop for finding in findings if finding.verdict is Verdict.BROKEN]
    ends = [finding.hop for finding in findings if finding.is_dead_end]
    cautions = sum(finding.verdict is Verdict.CAUTION for finding in findings)
    if broken:
        return f"Broken: {', '.join(broken)}."
    if ends:
        return f"Nothing is broken as far as could be seen; the way ended at the {ends[0]}."
    if cautions:
        return f"Everything works, with {cautions} thing{'s' if cautions > 1 else ''} to think of."
    return "Everything works."
