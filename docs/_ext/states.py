"""The diagram of docs/state-machine.md as SVG, in the page's own colours."""

from __future__ import annotations

import re
from collections import defaultdict
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

PLACES = {
    "queued": (120, 300),
    "running": (420, 170),
    "succeeded": (830, 170),
    "failed": (830, 300),
    "cancelled": (830, 430),
}
"""Where the middle of each state is."""

WAYS = {
    ("[*]", "queued"): ("M 120 400 V 328", (128, 388, "start")),
    ("queued", "running"): ("M 180 280 L 352 190", (286, 252, "start")),
    ("running", "queued"): ("M 360 150 C 240 130 130 170 120 270", (176, 128, "end")),
    ("running", "running"): ("M 390 142 C 350 70 490 70 450 142", (420, 14, "middle")),
    ("running", "succeeded"): ("M 490 170 H 756", (623, 162, "middle")),
    ("running", "failed"): ("M 490 185 C 580 200 660 260 756 288", (640, 222, "start")),
    ("running", "cancelled"): ("M 470 198 C 540 260 640 400 756 418", (662, 372, "start")),
    ("queued", "failed"): ("M 190 305 H 756", (330, 322, "middle")),
    ("queued", "cancelled"): ("M 180 325 C 300 420 560 435 756 435", (420, 400, "middle")),
}
"""The line between two states, and where its words are."""

_ARROW = re.compile(r"^\s*(\S+) --> (\S+)(?: : (\w+))?$", re.M)
_WIDTH, _HEIGHT, _LINE = 920, 480, 15


def drawn(diagram: str) -> str:
    """Return a state diagram of Mermaid's as SVG.

    Raises:
        KeyError: It has a state or a way that has no place here.
    """
    labels: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for before, after, label in _ARROW.findall(diagram):
        labels[before, after].append(label)
    finals = {before for before, after in labels if after == "[*]"}
    ways = [_way(way, words) for way, words in labels.items() if way[1] != "[*]"]
    states = [_state(state, is_final=state in finals) for state in _states(labels)]
    told = ", ".join(
        f"{before} to {after}" for before, after in labels if "[*]" not in (before, after)
    )
    return (
        f'<div class="taskkit-states"><svg role="img" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'aria-label="The states of a job: {escape(told)}">'
        '<defs><marker id="tk-head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M 0 0 L 8 4 L 0 8 z"/></marker></defs>'
        f'<circle cx="120" cy="404" r="6"/>{"".join(ways)}{"".join(states)}</svg></div>'
    )


def _states(labels: dict[tuple[str, str], list[str]]) -> list[str]:
    return sorted({state for way in labels for state in way} - {"[*]"})


def _state(name: str, *, is_final: bool) -> str:
    x, y = PLACES[name]
    kind = "final" if is_final else "active"
    return (
        f'<g class="{kind}"><rect x="{x - 70}" y="{y - 26}" width="140" height="52" rx="10"/>'
        f'<text x="{x}" y="{y + 5}" text-anchor="middle">{escape(name)}</text></g>'
    )


def _way(way: tuple[str, str], words: list[str]) -> str:
    line, (x, y, anchor) = WAYS[way]
    spans = "".join(
        f'<tspan x="{x}" y="{y + row * _LINE}">{escape(word)}</tspan>'
        for row, word in enumerate(words)
    )
    return (
        f'<path class="way" d="{line}" marker-end="url(#tk-head)"/>'
        f'<text class="word" text-anchor="{anchor}">{spans}</text>'
    )


def replace(_app: Sphinx, tree: nodes.document) -> None:
    """Put the drawing where a page has the diagram's source."""
    for node in list(tree.findall(nodes.literal_block)):
        if node.get("language") == "mermaid" and node.astext().startswith("stateDiagram"):
            node.replace_self(nodes.raw("", drawn(node.astext()), format="html"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Look at each page that was read."""
    app.connect("doctree-read", replace)
    return {"parallel_read_safe": True}
