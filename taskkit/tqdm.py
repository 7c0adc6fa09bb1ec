"""tqdm's bars, for code that runs both in a job and outside: ``from taskkit.tqdm import tqdm``.

In a job they are drawn in its panel, as those of `tqdm` itself are; in a notebook they are the
notebook's, elsewhere the terminal's. Needs `tqdm`, here and where the job runs.
"""

from __future__ import annotations

from tqdm.auto import tqdm, trange

__all__ = ["tqdm", "trange"]
