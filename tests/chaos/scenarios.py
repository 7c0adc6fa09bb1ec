"""The scenarios by their numbers: which fault, under which load, and what must hold besides."""

from __future__ import annotations

import random
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from disks import NoDiskError, small_disk

from taskkit.protocol.spec import MAX_ATTEMPTS

from . import faults
from .checker import check
from .clocks import Clock
from .clocks import why_not as why_no_clocks
from .facts import Accepted, Entry
from .hosts import Host
from .hosts import why_not as why_no_hosts
from .recorder import read
from .storm import Load, poison, storm
from .verdict import Verdict
from .world import World

POISONS = ("segfault", "exit", "kill", "memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One row of the suite's table."""

    number: int
    name: str
    run: Callable[[Path, random.Random, bool], None]
    #: Leaves facts in a folder; with the short profile's load where it is told so.
    also: Callable[[Verdict, list[Entry]], list[str]] = lambda _verdict, _entries: []
    #: What must hold besides; returns what does not, a sentence each.
    may_forget: bool = False
    #: Whether jobs may be gone whose clients were told so.
    is_short: bool = False
    #: Whether the short profile has it.
    why_not: Callable[[], str] = lambda: ""
    #: Why it cannot be run on this machine, or "".

    @property
    def label(self) -> str:
        """A name for a folder."""
        return f"{self.number}-{'-'.join(re.findall('[a-z0-9]+', self.name.lower()))}"


def stormy(
    folder: Path,
    rng: random.Random,
    is_short: bool,
    *,
    nemesis: Callable[[World, random.Random, bool], None],
    load: Load = Load(),  # noqa: B008
    limit_s: float = 120.0,
) -> None:
    """Run a fault under load on a world of its own."""
    if is_short:
        load = replace(load, jobs=load.jobs // 4, over_s=min(load.over_s, 6.0))
    with World(folder) as world:
        storm(world, rng, load, lambda: nemesis(world, rng, is_short), limit_s)


def poisoned(folder: Path, rng: random.Random, is_short: bool) -> None:
    """Submit jobs that end their own process, among others."""
    load = Load(jobs=40) if is_short else Load()
    kinds = POISONS if is_short else POISONS * 3
    with World(folder) as world:

        def nemesis() -> None:
            witness = world.witness()
            for n, kind in enumerate(kinds):
                with world.fault(f"a job that ends its process: {kind}"):
                    limit = {"memory_mib": 64} if kind == "memory" else {}
                    witness.submit(f"poison-{kind}-{n}", poison, str(world.facts), kind, **limit)
                faults.pause(rng, 0.2, 0.5)

        storm(world, rng, load, nemesis, 180.0)


def poison_runs(verdict: Verdict, entries: list[Entry]) -> list[str]:
    """Return the poisoned jobs that were not begun as often as attempts may be lost; what asks for
    too much memory is told so by an exception, and begins once."""
    keys = {e.fact.job: e.fact.key for e in entries if isinstance(e.fact, Accepted)}
    wrong = []
    for job, runs in verdict.runs.items():
        key = keys.get(job, "")
        expected = 1 if key.startswith("poison-memory") else MAX_ATTEMPTS
        if key.startswith("poison") and runs.begun != expected:
            wrong.append(f"{key} was begun {runs.begun} times")
    return wrong


def one_run_each(verdict: Verdict, _entries: list[Entry]) -> list[str]:
    """Return the jobs that were begun more than once, where nothing died."""
    return [f"job {job} ran {r.begun} times" for job, r in verdict.runs.items() if r.begun > 1]


def skewed(folder: Path, rng: random.Random, is_short: bool) -> None:
    """Run server and worker by clocks that jump."""
    clocks = {part: Clock(folder, part) for part in ("server", "worker")}
    environment = {part: clock.environment for part, clock in clocks.items()}
    with World(folder, environment=environment) as world:
        storm(
            world,
            rng,
            Load(),
            lambda: faults.set_clocks(world, rng, clocks, 8),
            120.0,
        )


def burst(folder: Path, rng: random.Random, is_short: bool) -> None:
    """Submit 10,000 jobs at once from 20 clients."""
    jobs, clients = (1000, 4) if is_short else (10_000, 20)
    with World(folder) as world:
        storm(
            world,
            rng,
            Load(jobs=jobs, clients=clients, over_s=0.0, steps=0),
            lambda: None,
            900.0,
        )


def scattered(folder: Path, rng: random.Random, is_short: bool) -> None:
    """Run jobs on two more hosts, of which one is cut off."""
    with World(folder, workers=1) as world, Host(1) as one, Host(2) as two:
        storm(
            world,
            rng,
            Load(over_s=20.0),
            lambda: faults.cut_a_host_off(world, rng, [one, two], 40.0),
            120.0,
        )


def crammed(folder: Path, rng: random.Random, is_short: bool) -> None:
    """Let the disk that Redis and the logs are on be full several times."""
    load = Load(jobs=50, over_s=6.0) if is_short else Load()
    folder.mkdir(parents=True, exist_ok=True)
    with small_disk(folder / "disk") as disk, World(folder, data_dir=disk / "data") as world:
        storm(world, rng, load, lambda: faults.fill_disk(world, rng, disk, 2), 120.0)


def no_disk() -> str:
    """Return why no disk of our own can be had, or ""."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with small_disk(Path(folder) / "disk"):
                return ""
        except NoDiskError as error:
            return str(error)


def copied(folder: Path, rng: random.Random, is_short: bool) -> None:
    """Have each message ten times, and each of 20 keys sent by 50 threads at once."""
    with World(folder) as world:

        def nemesis() -> None:
            faults.repeat_messages(world, rng, 6.0 if is_short else 15.0)
            faults.repeat_keys(world, 5 if is_short else 20)

        storm(world, rng, Load(jobs=50 if is_short else 200, over_s=6.0), nemesis, 120.0)


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        number=1,
        name="kill -9 a pool process, also in finish",
        is_short=True,
        run=partial(
            stormy, nemesis=lambda w, r, s: faults.kill_pool_processes(w, r, 4 if s else 12)
        ),
    ),
    Scenario(
        number=2,
        name="kill -9 the worker, also frozen",
        run=partial(stormy, nemesis=lambda w, r, s: faults.kill_worker(w, r, 4)),
    ),
    Scenario(
        number=3,
        name="poison: segfault, exit, SIGKILL, memory",
        is_short=True,
        run=poisoned,
        also=poison_runs,
    ),
    Scenario(
        number=4,
        name="freeze the worker past its lease",
        run=partial(stormy, nemesis=lambda w, r, s: faults.freeze_worker(w, r, 40.0)),
    ),
    Scenario(
        number=5,
        name="kill -9 the server",
        is_short=True,
        run=partial(stormy, nemesis=lambda w, r, s: faults.kill_server(w, r, 2 if s else 6)),
        also=one_run_each,
    ),
    Scenario(
        number=6,
        name="kill -9 Redis for 0.2 to 30 s",
        is_short=True,
        run=partial(
            stormy,
            nemesis=lambda w, r, s: faults.kill_redis(
                w, r, [0.2, 2.0] if s else [0.2, 2.0, 5.0, 30.0]
            ),
        ),
    ),
    Scenario(
        number=7,
        name="Redis set back by 2 s, then flushed",
        is_short=True,
        run=partial(stormy, nemesis=lambda w, r, s: faults.set_redis_back(w, r, is_flushed=True)),
        may_forget=True,
    ),
    Scenario(
        number=8,
        name="partition, half-open, reset, slow, cut",
        is_short=True,
        run=partial(stormy, nemesis=lambda w, r, s: faults.break_links(w, r, 4 if s else 14, 5.0)),
    ),
    Scenario(
        number=9,
        name="a client at 1 B/s, one cut for a minute",
        run=partial(stormy, nemesis=lambda w, r, s: faults.starve_a_reader(w, r, 60.0)),
    ),
    Scenario(
        number=10,
        name="each message ten times, each key 50 times",
        is_short=True,
        run=copied,
        also=one_run_each,
    ),
    Scenario(
        number=11,
        name="clocks that jump by an hour",
        why_not=why_no_clocks,
        run=skewed,
        also=one_run_each,
    ),
    Scenario(
        number=12,
        name="no memory in Redis",
        is_short=True,
        run=partial(stormy, nemesis=lambda w, r, s: faults.fill_redis(w, r, 2 if s else 5)),
        also=one_run_each,
    ),
    Scenario(
        number=12,
        name="no room on the disk",
        is_short=True,
        why_not=no_disk,
        run=crammed,
        also=one_run_each,
    ),
    Scenario(number=13, name="10,000 jobs at once from 20 clients", run=burst, also=one_run_each),
    Scenario(
        number=14,
        name="rolling restart of server and worker",
        is_short=True,
        run=partial(stormy, nemesis=lambda w, r, s: faults.restart_rolling(w, r, 2 if s else 6)),
    ),
    Scenario(
        number=15,
        name="three hosts, one cut off",
        why_not=why_no_hosts,
        run=scattered,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one scenario came to."""

    scenario: Scenario
    seed: int
    verdict: Verdict
    more: tuple[str, ...]
    #: What else did not hold, a sentence each.
    took_s: float

    @property
    def is_good(self) -> bool:
        """Whether every promise held."""
        return not self.verdict.violations and not self.more


def judged(scenario: Scenario, folder: Path, seed: int, *, is_short: bool) -> Row:
    """Run a scenario; return what its facts show. The same seed throws the same dice."""
    began = time.monotonic()
    broken = []
    try:
        scenario.run(folder, random.Random(f"{seed}-{scenario.number}"), is_short)
    except AssertionError as error:  # a limit was passed; the facts say more
        broken.append(str(error))
    entries = read(folder / "facts.jsonl")
    verdict = check(entries)
    if verdict.forgotten and not scenario.may_forget:
        broken.append(f"{len(verdict.forgotten)} jobs are gone, though their clients were told")
    broken += scenario.also(verdict, entries)
    return Row(
        scenario=scenario,
        seed=seed,
        verdict=verdict,
        more=tuple(broken),
        took_s=time.monotonic() - began,
    )
