"""The live panel: one piece of HTML, a drawer for output and a Cancel button, as ipywidgets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as widgets

from .drawer import Drawer
from .flush import FLUSHER
from .fold import apart
from .markup import warning
from .render import Picture, picture
from .shown import Shown
from .style import STYLE

VIEW = "application/vnd.jupyter.widget-view+json"


class Panel:
    """Draws what is shown into a widget, and at the end plain HTML in the widget's place.

    `draw` is called by the flusher's thread, the button by the kernel's; nothing here prints.
    """

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._trouble = ""
        self._picture = self._look(None)
        card, _ = apart(self._picture.html)
        layout = widgets.Layout()
        # A style sheet that comes again with each redraw makes the browser restyle its whole page.
        style = widgets.HTML(STYLE, layout=layout).add_class("tk-style")
        self._body = widgets.HTML(card, layout=layout)
        self._button = widgets.Button(description="Cancel", layout=layout).add_class("tk-cancel")
        self._button.on_click(self._cancel)
        self._box = widgets.VBox([style, self._body, self._button], layout=layout)
        self._box.add_class("tk-box")
        self._drawer: Drawer | None = None
        #: Only where more is printed than the panel shows: each widget costs messages.
        self.handle: Any = None
        #: IPython's handle of the output that holds this panel; set by who displays it.
        self.unwatch: Callable[[], None] | None = None
        #: Called when the panel is final.

    def __repr__(self) -> str:
        return self._picture.dated_line

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """Return the widget, and beside it what is seen of a notebook saved before the end."""
        line = repr(self)
        still = f'{self._picture.html}<div class="tk-quiet">{escape(line)}</div>'
        view = self._box.get_view_spec()
        return {VIEW: view, "text/html": STYLE + still, "text/plain": line}

    def draw(self) -> float | None:
        """Redraw, or put the final picture in the widget's place; see `flush.Drawn`."""
        self._picture = self._look(self._picture)
        if self._picture.is_final:
            self._finish()
            return None
        card, lines = apart(self._picture.html)
        self._show(card + warning(self._trouble))
        self._show_in_drawer(lines)
        return self._picture.tick_s

    def show_trouble(self, error: Exception) -> None:
        """Show that drawing failed; the panel is tried again later."""
        card, _ = apart(self._picture.html)
        self._show(card + warning(f"this panel is not up to date: {error!r}"))

    def _look(self, before: Picture | None) -> Picture:
        return picture(
            self._shown.title,
            self._shown.records(),
            now_ms=_now_ms(),
            connection=self._shown.connection(),
            pace=before.pace if before else None,
        )

    def _show(self, html: str) -> None:
        if self._body.value != html:
            self._body.value = html

    def _show_in_drawer(self, lines: str) -> None:
        if self._drawer is None and lines:
            self._drawer = Drawer(self._body)
            self._box.children = (*self._box.children, *self._drawer.widgets)
        if self._drawer is not None:
            self._drawer.show(lines, time.monotonic())

    def _finish(self) -> None:
        if self.handle is None:
            self._show(self._picture.html)
            self._box.children = self._box.children[:2]
        else:
            self.handle.update(self._picture.bundle(), raw=True)
            parts = [*self._box.children, self._box]
            styles = [part.style for part in self._box.children]
            for part in (*parts, *styles, self._box.layout):
                part.close()
        if self.unwatch is not None:
            self.unwatch()

    def _cancel(self, _: object) -> None:
        self._button.disabled = True
        self._button.description = "Cancelling…"
        threading.Thread(target=self._ask, name="taskkit-cancel", daemon=True).start()

    def _ask(self) -> None:
        try:
            self._shown.cancel()
            self._trouble = ""
        except Exception as error:  # noqa: BLE001 - a thread's edge: the panel says it
            self._trouble = f"could not be cancelled: {error}"
            self._button.description = "Cancel"
            self._button.disabled = False
        FLUSHER.mark(self)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
