"""One line of a terminal: its characters and how they look."""

from __future__ import annotations

from itertools import groupby

from .sgr import PLAIN, Style


class Row:
    """One line of the screen."""

    __slots__ = ("styles", "text")

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.styles: list[Style] | None = None
        #: One a character; None while all are plain.

    def write(self, at: int, text: str, style: Style) -> None:
        """Overwrite from column `at` on; what is missing before it becomes blank."""
        old = self.text
        if len(old) < at:
            self._pad(at)
            old = self.text
        end = at + len(text)
        self.text = f"{old[:at]}{text}{old[end:]}"
        if self.styles is None and style is not PLAIN and style != PLAIN:
            self.styles = [PLAIN] * len(old)
        if self.styles is not None:
            self.styles[at:end] = [style] * len(text)

    def cut(self, at: int) -> None:
        """Erase from column `at` on."""
        self.text = self.text[:at]
        if self.styles is not None:
            del self.styles[at:]

    def spans(self, chars: int) -> list[tuple[str, Style]]:
        """Return at most `chars` characters, those that look alike together."""
        text = self.text
        if self.styles is None:
            text = text.rstrip()
        text = text if len(text) <= chars else f"{text[: chars - 1]}…"
        if self.styles is None:
            return [(text, PLAIN)]
        spans, at = [], 0
        for style, alike in groupby(self.styles[: len(text)]):
            end = at + sum(1 for _ in alike)
            spans.append((text[at:end], style))
            at = end
        return spans

    def _pad(self, until: int) -> None:
        missing = until - len(self.text)
        self.text += " " * missing
        if self.styles is not None:
            self.styles += [PLAIN] * missing

    @property
    def is_blank(self) -> bool:
        """Whether nothing is seen of it."""
        return not self.text or self.text.isspace()
