"""What a running job displays, below its panel: a widget each, sent again only if it changed."""

from __future__ import annotations

import ipywidgets as widgets

from ..protocol.jobs import Figure
from .allowance import ALLOWANCE
from .displayed import Figures, figure_html
from .shared import Shared


class Gallery:
    """One a panel, made when there is the first figure: each widget costs messages."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._figures: dict[str, widgets.HTML] = {}
        self._seen: dict[str, Figure] = {}
        self.box = widgets.Box(layout=shared.layout, _dom_classes=("taskkit", "tk-gallery"))

    def show(self, figures: Figures) -> None:
        """Show figures; one that is not here yet leaves what was there under its name."""
        names = [figure.name for figure, _ in figures]
        for figure, data in figures:
            if data is None or self._seen.get(figure.name) == figure:
                continue
            html = figure_html(figure, data)
            if not ALLOWANCE.take(len(html)):
                break
            self._put(figure.name, html)
            self._seen[figure.name] = figure
        self._arrange(names)

    @property
    def parts(self) -> tuple[widgets.Widget, ...]:
        """All its widgets, to be closed."""
        return (*self._figures.values(), self.box)

    def _put(self, name: str, html: str) -> None:
        if name in self._figures:
            self._figures[name].value = html
        else:
            self._figures[name] = self._shared.html(html)

    def _arrange(self, names: list[str]) -> None:
        shown = tuple(self._figures[name] for name in names if name in self._figures)
        if self.box.children != shown:
            self.box.children = shown
        for name in self._figures.keys() - names:
            self._figures.pop(name).close()
            self._seen.pop(name, None)
