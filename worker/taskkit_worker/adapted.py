"""What a process is in which jobs run: as much like a notebook as they may expect."""

from __future__ import annotations

import builtins

from taskkit.inside.display import notebooks_display

from . import tqdm_bars
from .deaths import be_first_to_go


def adapt() -> None:
    """Have bars be told of, `display` be there, and memory that runs out be this process's end."""
    tqdm_bars.adopt()
    # As in a notebook, where functions come from that use it.
    vars(builtins).setdefault("display", notebooks_display)
    be_first_to_go()
