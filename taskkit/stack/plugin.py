"""What supervisor lacks: parts are bound to its life; it counts restarts, soon tries again, and
learns who is ready."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from supervisor import events
from supervisor.states import ProcessStates

from .child import become

MAX_BACKOFF_S = 10
"""supervisor waits one second more before each try; this ends the growth."""


class Watch:
    """An RPC interface of supervisor, beside its own."""

    def __init__(self, supervisord: Any) -> None:
        self._supervisord = supervisord
        self._starts: Counter[str] = Counter()

    def count(self, event: Any) -> None:
        """Note that a part is being started."""
        self._starts[event.process.config.name] += 1

    def cap(self, event: Any) -> None:
        """Bring the next try of a part that died at once near enough."""
        process = event.process
        process.backoff = min(process.backoff, MAX_BACKOFF_S)
        process.delay = min(process.delay, time.time() + MAX_BACKOFF_S)

    def restarts(self) -> dict[str, int]:
        """Return how often each part was started again."""
        return {name: starts - 1 for name, starts in self._starts.items()}

    def ready(self, name: str) -> bool:
        """Take a part for running, whom the starter has seen at work, before its `startsecs` end.

        Return whether it was starting. As `Subprocess.transition` of supervisor 4 does it.
        """
        process = self._supervisord.process_groups[name].processes[name]
        if process.state != ProcessStates.STARTING:
            return False
        process.delay = process.backoff = 0
        process.change_state(ProcessStates.RUNNING)
        return True


def make_watch(supervisord: Any) -> Watch:
    """Return a `Watch` that hears supervisor's events; named in the configuration."""
    # Called in a process that was forked for a part; see `write_configuration` for the arguments.
    supervisord.options.execve = lambda _file, argv, environ: become(argv[-1], environ)
    watch = Watch(supervisord)
    events.subscribe(events.ProcessStateStartingEvent, watch.count)
    events.subscribe(events.ProcessStateBackoffEvent, watch.cap)
    return watch
