"""Whether the workers that are there can run what this kernel submits, and what a job says if not.

Where all of them can, a job says nothing and any of them takes it. Else it says what it needs, so
that those that can take it and no others; and where none can, whoever submits is told.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..protocol.errors import TaskkitError
from ..protocol.needs import Advert, Needs
from ..protocol.options import JobOptions
from ..protocol.workers import WorkerInfo
from ..travel.distributions import Uses
from ..travel.functions import PYTHON_MINOR
from .misfit import EnvironmentWarning, series, told, told_of_files
from .used import Looks, Used

KEPT_S = 10.0
"""For how long the workers are taken as they were; then they are asked for behind a submission."""

MOST_JUDGED = 1000

_OURS = str(Path(__file__).parents[1])


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a job is to say what it needs, and what its user is to be told."""

    python: str
    #: What the job says; empty where any worker will do.
    packages: Mapping[str, str]
    #: What it needs of them, whether it says so or not.
    words: str


FITS = Judgement("", {}, "")

Said = tuple[JobOptions, Mapping[str, str]]

Fitted = Callable[[JobOptions, Looks, str], Said]
"""See `Environments.fitted`."""


class Environments:
    """Of the workers behind one server."""

    def __init__(
        self,
        workers: Callable[[], tuple[Sequence[WorkerInfo], Mapping[str, Mapping[str, str]]]],
        *,
        behind: Callable[[Callable[[], None]], None],
        minor: str = PYTHON_MINOR,
        used: Used | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workers = workers
        #: Brings those that are there, and the packages of their environments by digest.
        self._behind = behind
        #: Makes a call soon, in a thread of its own.
        self._minor = minor
        self._clock = clock
        self._used = used or Used()
        self._lock = threading.Lock()
        self._live: tuple[Advert, ...] | None = None
        #: Those of workers that say what they have; None before anybody was asked.
        self._asked_at = float("-inf")
        self._judged: dict[object, Judgement] = {}
        self._told: set[object] = set()
        self._are_elsewhere = False
        #: Whether some of the workers are on other machines.

    def fitted(self, options: JobOptions, looks: Looks, title: str) -> Said:
        """Return a job's options with what it must say of its environment, which is mostly nothing.

        And what its function is to say, to workers that come later. Warns where no worker fits,
        once for each function and difference.
        """
        return self._fitted(options, self._used.modules(looks), title)

    def by_python_alone(self, options: JobOptions, _looks: Looks, title: str) -> Said:
        """Do so, but for packages, which are to be as they are."""
        return self._fitted(options, frozenset(), title)

    def _fitted(self, options: JobOptions, modules: frozenset[str], title: str) -> Said:
        live = self._as_of_now()
        key = (modules, options.queue, options.tags, *sorted(options.packages.items()))
        judgement = self._judged.get(key)
        if judgement is None:
            judgement = self._judge(options, self._used.uses(modules), live, title)
            if len(self._judged) >= MOST_JUDGED:
                self._judged = {}
            self._judged[key] = judgement
        if judgement.words:
            self._tell(title, judgement.words)
        if not judgement.python:
            return options, judgement.packages
        packages = judgement.packages
        return replace(options, python=judgement.python, packages=packages), packages

    def _judge(
        self, options: JobOptions, uses: Uses, live: Sequence[Advert], title: str
    ) -> Judgement:
        packages = {name: series(version) for name, version in uses.packages.items()}
        packages |= options.packages
        if not packages and not uses.files and all(a.python_minor == self._minor for a in live):
            return FITS
        from ..protocol.fit import fits  # here: who needs no versions need not learn to read them

        needs = Needs(queue=options.queue, python=self._minor, packages=packages)
        serving = [
            advert
            for advert in live
            if options.queue in advert.queues and set(options.tags) <= set(advert.tags)
        ]
        fitting = [advert for advert in serving if fits(needs, advert)]
        words = []
        if serving and not fitting:
            lacking = _lacking(needs, serving)
            words.append(told(title, lacking, uses.packages, serving, minor=self._minor))
        if uses.files and self._are_elsewhere:
            words.append(told_of_files(title, uses.files))
        is_said = len(fitting) < len(serving)
        return Judgement(self._minor if is_said else "", packages, "\n".join(words))

    def _tell(self, title: str, words: str) -> None:
        if not words or (title, words) in self._told:
            return
        self._told.add((title, words))
        warnings.warn(words, EnvironmentWarning, stacklevel=_level_of_the_user())

    def _as_of_now(self) -> tuple[Advert, ...]:
        now = self._clock()
        if now - self._asked_at <= KEPT_S:
            return self._live or ()
        with self._lock:
            if now - self._asked_at <= KEPT_S:
                return self._live or ()
            self._asked_at = now
        if self._live is None:
            self._ask()
        else:
            self._behind(self._ask)
        return self._live or ()

    def _ask(self) -> None:
        with suppress(TaskkitError):  # whoever submits waits for the server anyway
            live = tuple(self._adverts())
            if live != self._live:
                self._live, self._judged = live, {}

    def _adverts(self) -> list[Advert]:
        workers, environments = self._workers()
        here = socket.gethostname()
        self._are_elsewhere = any(worker.host != here for worker in workers)
        # Of a worker of an older release nobody knows what it has.
        return [
            worker.advert(environments[worker.environment])
            for worker in workers
            if worker.environment in environments
        ]


def _level_of_the_user() -> int:
    """Return how far up the stack the code is that has called a client."""
    frame, level = sys._getframe(1), 1  # noqa: SLF001  # as `warnings` itself does
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_OURS):
        frame, level = frame.f_back, level + 1
    return level


def _lacking(needs: Needs, live: Sequence[Advert]) -> Needs:
    """Return which of the needs some of them do not meet."""
    from ..protocol.fit import fits

    def is_met(**one: Any) -> bool:
        return all(fits(Needs(queue=needs.queue, **one), advert) for advert in live)

    packages = {
        name: spec for name, spec in needs.packages.items() if not is_met(packages={name: spec})
    }
    python = "" if is_met(python=needs.python) else needs.python
    return Needs(queue=needs.queue, python=python, packages=packages)
