"""How jobs and batches are shown by a notebook and by what is made of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..panels import Shown


class InCells:
    """What IPython looks for. Panels are imported when they are wanted."""

    def _ipython_display_(self: Shown) -> None:
        from ..panels import show

        show(self)

    def _repr_html_(self: Shown) -> str | None:
        # Who asks for this does not know the method above: galleries, lists, other notebooks.
        from ..panels.still import still_html

        return still_html(self)
