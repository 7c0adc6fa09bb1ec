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

from .allowance import ALLOWANCE
from .displayed import Figures, gallery_html, is_here
from .drawer import Drawer
from .flush import FLUSHER
from .fold import apart
from .gallery import Gallery
from .look import CARD_S, FIGURES_S, card, figures, look
from .markup import warning
from .render import Picture
from .shared import shared
from .shown import Shown

VIEW = "application/vnd.jupyter.widget-view+json"
NOTHING = {"text/html": "", "text/plain": ""}

STILL_S = 10.0
"""How often the picture that is saved is brought up to date, where it is of the same kind."""

PATIENCE_S, LOOK_AGAIN_S = 30.0, 0.5
"""How long a final panel waits for what its job has displayed, and how often it looks."""

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
        body, _ = apart(self._picture.html)
        self._shared = shared()
        self._body = self._shared.html(body)
        self._button = self._shared.button("Cancel", "tk-act")
        self._button.on_click(self._clicked)
        self._box = widgets.VBox(
            [self._shared.sheet, self._body, self._button],
            layout=self._shared.layout,
            _dom_classes=("tk-box", "tk-live"),
        )
        self._drawer: Drawer | None = None
        self._gallery: Gallery | None = None
        #: Only where there is need: each widget costs messages.
        self._final_at: float | None = None
        #: When it was first seen to be final.
        self._is_over = False
        #: Whether the final picture is there, and only the card may come yet.
        self._final_gallery = ""
        self._still: Any = None
        self._live: Any = None
        #: IPython's handles of the two outputs.
        self._still_at = 0.0
        self._still_of = _kind(self._picture)
        self._unwatch: Callable[[], None] = lambda: None

    def begin(self, new_handle: Callable[[], Any]) -> None:
        """Show it in the running cell, and keep it up to date."""
        self._still, self._live = new_handle(), new_handle()
        self._still.display(self._picture.bundle(gallery=self._allowed_gallery()), raw=True)
        self._still_at = time.monotonic()
        view = {VIEW: self._box.get_view_spec(), "text/plain": ""}
        self._live.display(view, raw=True)
        self._follow()

    def draw(self) -> float | None:
        """Redraw, or put the final picture in the widget's place; see `flush.Drawn`."""
        if self._is_over:
            return self._wait_for_card()
        self._picture = look(self._shown, self._picture)
        is_first = self._final_at is None
        there = figures(self._shown, self._picture, wait_s=FIGURES_S if is_first else 0.0)
        if self._picture.is_final and self._is_finished(there):
            return LOOK_AGAIN_S if self._is_over else None
        body, lines = apart(self._picture.html)
        self._show(body + warning(self._trouble))
        self._show_in_drawer(lines)
        self._show_in_gallery(there)
        if self._picture.is_final:
            self._button.disabled = True
            return LOOK_AGAIN_S
        is_old = time.monotonic() - self._still_at >= STILL_S
        if is_old or self._still_of != _kind(self._picture):
            self._show_still()
        return self._picture.tick_s

    def show_trouble(self, error: Exception) -> None:
        """Show that drawing failed; the panel is tried again later."""
        body, _ = apart(self._picture.html)
        self._show(body + warning(f"this panel is not up to date: {error!r}"))

    def close(self) -> None:
        """Let the widget go; the picture stays."""
        self._live.update(NOTHING, raw=True)
        galleries = self._gallery.parts if self._gallery else ()
        for part in (self._body, self._button, *self._opened(), *galleries, self._box):
            part.close()

    def _follow(self) -> None:
        self._unwatch = self._shown.watch(lambda: FLUSHER.mark(self))
        FLUSHER.add(self)

    def _stop_watching(self) -> None:
        unwatch, self._unwatch = self._unwatch, lambda: None
        unwatch()

    def _show(self, html: str) -> None:
        if self._body.value != html:
            self._body.value = html

    def _show_still(self, gallery: str | None = None) -> None:
        gallery = self._allowed_gallery() if gallery is None else gallery
        self._still.update(self._picture.bundle(self._trouble, gallery), raw=True)
        self._still_at, self._still_of = time.monotonic(), _kind(self._picture)

    def _allowed_gallery(self) -> str:
        """Return what is displayed, where it may be sent now; a later picture has it again."""
        gallery = gallery_html(figures(self._shown, self._picture, wait_s=0.0))
        return gallery if ALLOWANCE.take(len(gallery)) else ""

    def _show_in_drawer(self, lines: str) -> None:
        if self._drawer is None and lines:
            self._drawer = Drawer(self._shared)
            self._arrange()
        if self._drawer is not None:
            self._drawer.show(lines, time.monotonic())

    def _show_in_gallery(self, there: Figures) -> None:
        if self._gallery is None and there:
            self._gallery = Gallery(self._shared)
            self._arrange()
        if self._gallery is not None:
            self._gallery.show(there)

    def _arrange(self) -> None:
        """Put the parts that there are in their places."""
        gallery = (self._gallery.box,) if self._gallery else ()
        own = (self._body, *gallery, self._button)
        self._box.children = (self._shared.sheet, *own, *self._opened())

    def _opened(self) -> tuple[widgets.Widget, ...]:
        return self._drawer.widgets if self._drawer else ()

    def _is_finished(self, there: Figures) -> bool:
        """Put the final picture in the widget's place, once it has all that was displayed."""
        now = time.monotonic()
        self._final_at = now if self._final_at is None else self._final_at
        gallery = gallery_html(there)
        about = card(self._shown, self._picture, wait_s=CARD_S)
        is_ready = is_here(there) and ALLOWANCE.take(len(gallery) + len(about or ""))
        if not is_ready and now < self._final_at + PATIENCE_S:
            return False
        self._is_over, self._final_gallery = about is None, gallery
        if not self._is_over:
            self._stop_watching()
        self._show_still(gallery + (about or ""))
        if self._picture.retriable:
            self._offer()
        else:
            self.close()
        return True

    def _wait_for_card(self) -> float | None:
        """Put the card below the final picture, when it is here; return when to look again."""
        about = card(self._shown, self._picture, wait_s=0.0)
        is_late = time.monotonic() > (self._final_at or 0.0) + PATIENCE_S
        if about and ALLOWANCE.take(len(self._final_gallery) + len(about)):
            self._show_still(self._final_gallery + about)
        elif about != "" and not is_late:
            return LOOK_AGAIN_S
        self._stop_watching()
        return None

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
        body, _ = apart(self._picture.html)
        self._show(body)
        self._button.description = "Cancel"
        self._button.disabled = False
        self._final_at, self._is_over = None, False
        self._stop_watching()
        self._arrange()
        self._box.add_class("tk-live")
        self._follow()


def _kind(seen: Picture) -> tuple[object, ...]:
    """Return what of a picture is saved as soon as it changes."""
    return seen.state, *(figure.name for figure in seen.figures)


_OFFERS: deque[Panel] = deque()
