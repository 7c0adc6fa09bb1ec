"""The live panel: a card, a drawer for output and a button, as ipywidgets; and what is saved of it.

A widget is nothing without its kernel. So a panel is two outputs of its cell: a still picture,
plain HTML that is true when it is read later, and the widget. While the widget is there, the style
sheet hides the picture; in a notebook that is opened again there is none, and the style sheet hides
the message about that. When the job is final, the picture is all that remains, and a button where a
failure can be tried again.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from .drawer import Drawer
from .flush import FLUSHER
from .fold import apart
from .look import look
from .markup import warning
from .shared import shared
from .shown import Shown

VIEW = "application/vnd.jupyter.widget-view+json"
NOTHING = {"text/html": "", "text/plain": ""}

STILL_S = 10.0
"""How often the picture that is saved is brought up to date, where its state is the same."""

MOST_OFFERS = 50
"""So many final panels have a button still; those before are closed."""


class Panel:
    """Draws what is shown into a widget, and at the end plain HTML in its place.

    `draw` is called by the flusher's thread, the button by the kernel's; nothing here prints.
    """

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._trouble = ""
        self._picture = look(shown)
        card, _ = apart(self._picture.html)
        self._shared = shared()
        self._body = self._shared.html(card)
        self._button = self._shared.button("Cancel", "tk-act")
        self._button.on_click(self._clicked)
        self._box = widgets.VBox(
            [self._shared.sheet, self._body, self._button],
            layout=self._shared.layout,
            _dom_classes=("tk-box", "tk-live"),
        )
        self._drawer: Drawer | None = None
        #: Only where more is printed than the panel shows: each widget costs messages.
        self._still: Any = None
        self._live: Any = None
        #: IPython's handles of the two outputs.
        self._still_at = 0.0
        self._still_state = self._picture.state
        self._unwatch: Callable[[], None] = lambda: None

    def begin(self, new_handle: Callable[[], Any]) -> None:
        """Show it in the running cell, and keep it up to date."""
        self._still, self._live = new_handle(), new_handle()
        self._still.display(self._picture.bundle(), raw=True)
        self._still_at = time.monotonic()
        view = {VIEW: self._box.get_view_spec(), "text/plain": ""}
        self._live.display(view, raw=True)
        self._follow()

    def draw(self) -> float | None:
        """Redraw, or put the final picture in the widget's place; see `flush.Drawn`."""
        self._picture = look(self._shown, self._picture)
        if self._picture.is_final:
            self._finish()
            return None
        card, lines = apart(self._picture.html)
        self._show(card + warning(self._trouble))
        self._show_in_drawer(lines)
        is_old = time.monotonic() - self._still_at >= STILL_S
        if is_old or self._still_state is not self._picture.state:
            self._show_still()
        return self._picture.tick_s

    def show_trouble(self, error: Exception) -> None:
        """Show that drawing failed; the panel is tried again later."""
        card, _ = apart(self._picture.html)
        self._show(card + warning(f"this panel is not up to date: {error!r}"))

    def close(self) -> None:
        """Let the widget go; the picture stays."""
        self._live.update(NOTHING, raw=True)
        drawn = self._drawer.widgets if self._drawer else ()
        for part in (self._body, self._button, *drawn, self._box):
            part.close()

    def _follow(self) -> None:
        self._unwatch = self._shown.watch(lambda: FLUSHER.mark(self))
        FLUSHER.add(self)

    def _show(self, html: str) -> None:
        if self._body.value != html:
            self._body.value = html

    def _show_still(self) -> None:
        self._still.update(self._picture.bundle(self._trouble), raw=True)
        self._still_at, self._still_state = time.monotonic(), self._picture.state

    def _show_in_drawer(self, lines: str) -> None:
        if self._drawer is None and lines:
            self._drawer = Drawer(self._shared)
            self._box.children = (*self._box.children, *self._drawer.widgets)
        if self._drawer is not None:
            self._drawer.show(lines, time.monotonic())

    def _finish(self) -> None:
        self._unwatch()
        self._show_still()
        if self._picture.retriable:
            self._offer()
        else:
            self.close()

    # The button

    def _offer(self) -> None:
        """Leave of the widget a button that tries again."""
        many = self._picture.retriable > 1
        self._button.description = f"Retry {self._picture.retriable:,}" if many else "Retry"
        self._button.disabled = False
        self._box.children = [self._shared.sheet, self._button]
        self._box.remove_class("tk-live")
        _OFFERS.append(self)
        if len(_OFFERS) > MOST_OFFERS:
            _OFFERS.popleft().close()

    def _clicked(self, _: object) -> None:
        self._button.disabled = True
        is_final = self._picture.is_final
        self._button.description = "Retrying…" if is_final else "Cancelling…"
        act = self._retry if is_final else self._cancel
        threading.Thread(target=act, name="taskkit-button", daemon=True).start()

    def _cancel(self) -> None:
        try:
            self._shown.cancel()
            self._trouble = ""
        except Exception as error:  # noqa: BLE001 - a thread's edge: the panel says it
            self._trouble = f"could not be cancelled: {error}"
            self._button.description = "Cancel"
            self._button.disabled = False
        FLUSHER.mark(self)

    def _retry(self) -> None:
        try:
            self._shown = self._shown.retry()
            self._trouble = ""
        except Exception as error:  # noqa: BLE001 - a thread's edge: the panel says it
            self._trouble = f"could not be tried again: {error}"
            self._show_still()
            self._button.description = "Retry"
            self._button.disabled = False
            return
        if self in _OFFERS:
            _OFFERS.remove(self)
        self._picture = look(self._shown)
        card, _ = apart(self._picture.html)
        self._show(card)
        self._button.description = "Cancel"
        self._button.disabled = False
        drawn = self._drawer.widgets if self._drawer else ()
        self._box.children = [self._shared.sheet, self._body, self._button, *drawn]
        self._box.add_class("tk-live")
        self._follow()


_OFFERS: deque[Panel] = deque()
