"""Log files that a full disk cannot stop: what does not fit is lost, the supervisor goes on.

supervisor 4.3.0 tells a failed write to its own log, whose disk is as full, and dies of that, and
with it all parts. This can go when it no longer does.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from supervisor import loggers


class PatientFile(loggers.RotatingFileHandler):  # type: ignore[misc]
    """A rotating log file; supervisor's own class in everything else."""

    stream: Any

    def emit(self, record: Any) -> None:
        """Write a record, or lose it."""
        with suppress(OSError):
            if self.stream.closed:  # the rotation could not be finished
                self.stream = Path(self.baseFilename).open("ab")  # noqa: SIM115 — kept open
            super().emit(record)

    def handleError(self) -> None:  # noqa: N802 — supervisor's name
        """Tell an error that is not the disk's."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError()

    def close(self) -> None:
        """Close the file, with or without what it still holds back."""
        with suppress(OSError):
            super().close()


def be_patient() -> None:
    """Make supervisor open its logs, and those of its parts, as `PatientFile`."""
    loggers.RotatingFileHandler = PatientFile
