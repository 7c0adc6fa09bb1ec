"""One run: a notebook's work on three hosts, of which one is far away, one cut off, one stopped."""

from __future__ import annotations

import random
import time
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from chaos.checker import check
from chaos.facts import FaultBegan, FaultEnded
from chaos.recorder import read
from chaos.storm import Load, note_ledger, rush, step
from chaos.until import until
from chaos.verdict import Verdict
from chaos.witness import Witness
from chaos.world import World

from .network import Cable, Network
from .site import Site

LARGE_BYTES = 2_000_000

FAR = Cable(delay_s=0.05, loss=0.01)
CABLES = (Cable(), Cable(), FAR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How much of it."""

    load: Load
    #: Single jobs, all the while.
    batch: int
    #: Calls of one `map`, beside them.
    large: int
    #: Jobs that are given 2 MB and return 2 MB, by the server to hosts that share no disk.
    cut_off_s: float
    #: Longer than a lease (30 s), others take over what ran there; shorter, it goes on.
    stops_one: bool
    #: Whether one worker is stopped by SIGTERM and started again.
    limit_s: float


SHORT = Profile(
    load=Load(jobs=60, clients=1, over_s=6.0),
    batch=100,
    large=3,
    cut_off_s=4.0,
    stops_one=False,
    limit_s=60.0,
)
LONG = Profile(
    load=Load(jobs=600, clients=2, over_s=75.0),
    batch=2000,
    large=20,
    cut_off_s=45.0,
    stops_one=True,
    limit_s=180.0,
)


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a run came to."""

    verdict: Verdict
    begun: dict[str, int] = field(default_factory=dict)
    #: By host, in the order of `CABLES`: attempts that it began.
    elsewhere: int = 0
    #: Attempts that the others began while one was cut off.
    round_trips_ms: dict[str, float | None] = field(default_factory=dict)
    handed_back_s: float | None = None
    #: How long a worker took to end by SIGTERM.
    took_s: float = 0.0
    wrong: list[str] = field(default_factory=list)
    #: What else did not hold, a sentence each.

    @property
    def is_good(self) -> bool:
        """Whether every promise held."""
        return not self.verdict.violations and not self.verdict.forgotten and not self.wrong


def run(folder: Path, profile: Profile, seed: int) -> Outcome:
    """Run it and judge it; nothing of the network is left afterwards.

    Raises:
        AssertionError: Something did not start.
    """
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    outcome = Outcome(verdict=check([]))
    with Network(CABLES, seed) as network, Site(folder, network) as site:
        outcome.round_trips_ms = {
            place.name: network.round_trip_ms(place) for place in network.workers
        }
        work = Work(site, profile)
        try:
            rush(
                cast(World, site),
                random.Random(seed),
                profile.load,
                lambda: _break(site, profile, work, outcome),
            )
            work.finish(profile.limit_s)
            _settle(site, profile.limit_s)
        except AssertionError as error:
            outcome.wrong.append(str(error))
        finally:
            note_ledger(cast(World, site))
        counts = site.begun_by_host()
        outcome.begun = {place.name: counts[place.name] for place in network.workers}
        outcome.wrong += work.wrong
        outcome.wrong += [f"{name} began no job" for name, n in outcome.begun.items() if not n]
        outcome.wrong += [f"Redis refused {one}" for one in site.refusals()]
    outcome.verdict = check(read(site.facts))
    outcome.took_s = time.monotonic() - began
    return outcome


def _break(site: Site, profile: Profile, work: Work, outcome: Outcome) -> None:
    """Cut one host off and join it again; stop another, and start it again."""
    work.begin()
    network = site.network
    first, second, _far = network.workers
    until(lambda: site.begun_by_host()[second.name] > 0, 30.0, what="work on the second host")
    before = site.begun_by_host()
    _note(site, FaultBegan(name="cut off"))
    network.cut_off(second)
    time.sleep(profile.cut_off_s)
    outcome.elsewhere = _gained(before, site.begun_by_host(), second.name)
    network.join_again(second)
    _note(site, FaultEnded(name="cut off"))
    if profile.stops_one:
        _note(site, FaultBegan(name="SIGTERM"))
        outcome.handed_back_s = site.stop_worker(first)
        site.start_worker(first)
        _note(site, FaultEnded(name="SIGTERM"))
    jobs = _work_until_it_takes_part(site, second.name)
    until(lambda: all(job.done() for job in jobs), profile.limit_s, what="the last jobs")


def _work_until_it_takes_part(site: Site, name: str) -> list[Future[Any]]:
    """Submit jobs for as long as a host begins none: the others may have done the first ones."""
    at = site.begun_by_host()[name]
    jobs: list[Future[Any]] = []

    def takes_part() -> bool:
        if sum(not job.done() for job in jobs) < 12:
            jobs.extend(
                site.witnesses[0].submit(f"again-{len(jobs) + n}", step, str(site.facts), 4, 0.05)
                for n in range(12)
            )
        return site.begun_by_host()[name] > at

    until(takes_part, 60.0, what="work on the host that is back")
    return jobs


def _gained(before: Counter[str], after: Counter[str], but: str) -> int:
    return sum(n - before[name] for name, n in after.items() if name != but)


class Work:
    """What a notebook does beside single jobs: a batch, and jobs with large values."""

    def __init__(self, site: Site, profile: Profile) -> None:
        self.wrong: list[str] = []
        self._site = site
        self._profile = profile
        self._batch: Any = None
        self._large: list[tuple[int, Future[Any]]] = []

    def begin(self) -> None:
        """Submit both."""
        client = self._witness().client
        limit_s = self._profile.limit_s + self._profile.cut_off_s
        self._batch = client.map(_square, range(self._profile.batch), timeout=limit_s)
        self._large = [
            (n, client.submit(_reversed, bytes([n]) * LARGE_BYTES))
            for n in range(self._profile.large)
        ]

    def finish(self, limit_s: float) -> None:
        """Wait for both, and compare what came."""
        found = list(self._batch)
        if found != [n * n for n in range(self._profile.batch)]:
            self.wrong.append("the batch brought other values")
        for n, job in self._large:
            if job.result(limit_s) != bytes([n + 1]) * LARGE_BYTES:
                self.wrong.append(f"large value {n} is another one")

    def _witness(self) -> Witness:
        return self._site.witnesses[0]


def _square(n: int) -> int:
    return n * n


def _reversed(value: bytes) -> bytes:
    return bytes([value[0] + 1]) * len(value)


def _note(site: Site, fact: FaultBegan | FaultEnded) -> None:
    site.recorder.note("fault", fact)


def _settle(site: Site, limit_s: float) -> None:
    from taskkit.ledger.redis import RedisLedger

    ledger = RedisLedger(site.redis_url)
    until(
        lambda: not any(witness.unfinished() for witness in site.witnesses),
        limit_s,
        what="all jobs to be final",
    )
    for witness in site.witnesses:
        witness.catch_up(ledger, limit_s)
