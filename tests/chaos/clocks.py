"""Clocks that can be set while processes run, by libfaketime."""

from __future__ import annotations

from pathlib import Path

PLACES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/local/lib/faketime/libfaketimeMT.so.1")


class Clock:
    """The wall clock of the processes that have its `environment`; monotonic time is left alone."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)

    def set(self, ahead_s: int) -> None:
        """Let it be so many seconds ahead of the true time."""
        self._file.write_text(f"{ahead_s:+d}\n")

    @property
    def environment(self) -> dict[str, str]:
        """Variables for a process. Source: faketime's README."""
        return {
            "LD_PRELOAD": library(),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }


def library() -> str:
    """Return the path of libfaketime, or "" where it is not installed."""
    found = [path for place in PLACES for path in sorted(Path("/").glob(place.lstrip("/")))]
    return str(found[0]) if found else ""
