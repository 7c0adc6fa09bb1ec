"""The widgets that all panels of a kernel have in common, so that a panel costs few messages."""

from __future__ import annotations

from typing import NamedTuple

import ipywidgets as widgets
from ipywidgets.widgets import widget_string

from .style import STYLE


class Shared(NamedTuple):
    """What is nobody's own."""

    layout: widgets.Layout
    html_style: widgets.Widget
    button_style: widgets.Widget
    sheet: widgets.HTML
    #: A style sheet that comes again with each redraw makes the browser restyle its whole page.

    def html(self, value: str, *classes: str) -> widgets.HTML:
        """Return a piece of HTML that changes."""
        return widgets.HTML(value, layout=self.layout, style=self.html_style, _dom_classes=classes)

    def button(self, description: str, *classes: str) -> widgets.Button:
        """Return a button."""
        look = {"layout": self.layout, "style": self.button_style}
        return widgets.Button(description=description, _dom_classes=classes, **look)


_made: list[Shared] = []


def shared() -> Shared:
    """Return the kernel's, made anew where a user has closed all widgets."""
    if not _made or _made[0].sheet.comm is None:
        layout, html_style = widgets.Layout(), widget_string.HTMLStyle()
        button_style = widgets.ButtonStyle()
        look = {"layout": layout, "style": html_style, "_dom_classes": ("tk-style",)}
        _made[:] = [Shared(layout, html_style, button_style, widgets.HTML(STYLE, **look))]
    return _made[0]
