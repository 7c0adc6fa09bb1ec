"""Has what gunicorn logs go the way of all other lines."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger


class RootLogger(Logger):  # type: ignore[misc]
    """Leaves it to the root logger where and how lines are written."""

    def setup(self, cfg: Any) -> None:
        """Undo what gunicorn does to its two loggers beside their levels."""
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            log.handlers[:] = []
            log.propagate = True
