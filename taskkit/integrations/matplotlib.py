"""matplotlib's backend in workers: ``plt.show()`` displays the figures in the job's panel.

As in a notebook, whose own backend does the same for a cell; so code of either runs in the other.
Source: matplotlib's documentation, *Writing a backend -- the pyplot interface*.
"""

from __future__ import annotations

from typing import Any

from matplotlib._pylab_helpers import Gcf
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ..inside.display import display


class FigureManager(FigureManagerBase):
    """Displays all figures that pyplot has, and closes them."""

    @classmethod
    def pyplot_show(cls, *, block: bool | None = None) -> None:  # noqa: ARG003 - nothing waits here
        """Do what ``plt.show()`` does."""
        for manager in Gcf.get_all_fig_managers():
            display(manager.canvas.figure)
        Gcf.destroy_all()


class FigureCanvas(FigureCanvasAgg):
    """Draws into memory."""

    manager_class: Any = FigureManager
