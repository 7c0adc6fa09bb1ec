"""``make scale``: a thousand notebooks and a hundred thousand jobs on this machine, and the model.

``python -m scale [--short]``. Prints its tables, leaves them in build/scale.md and, as numbers, in
build/scale.json; ends with 1 where a bound does not hold or a prediction is too far off.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from taskkit.capacity import Costs

from .beats import Beats, beats
from .calibration import calibrated, foretold
from .environment import environment
from .fleet import Fleet, fleet
from .horizon import horizon
from .meters import held_by_worker, memory
from .outcome import Outcome, Table, number
from .plant import Plant, plant
from .profiles import FULL, SHORT, Profile
from .rounds import mean_of, measured
from .stages import Stages
from .waits import waits
from .whole import LOUD, whole

SLOTS = 2


def main() -> int:
    """Run it; return the exit code."""
    parser = argparse.ArgumentParser(prog="make scale", description=__doc__)
    parser.add_argument("--short", action="store_true", help="fifty notebooks: no times are judged")
    parser.add_argument("--jobs", type=int, help="at the largest size, if not 100,000")
    parser.add_argument("--build", type=Path, default=Path("build"), help="where the tables go")
    asked = parser.parse_args()
    profile = (SHORT if asked.short else FULL).with_jobs(asked.jobs)
    outcome, began = Outcome(), time.monotonic()
    asked.build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        try:
            costs = run(Path(folder), profile, outcome)
        finally:  # also of a run that was cut off
            (asked.build / "scale.md").write_text(outcome.text())
    told = {
        "cores": os.cpu_count(),
        "costs": asdict(costs),
        "bounds": [asdict(one) for one in outcome.bounds],
        "errors": [asdict(one) for one in outcome.errors],
    }
    (asked.build / "scale.json").write_text(json.dumps(told, indent=1))
    print(outcome.text())
    print(f"{time.monotonic() - began:.0f} s; saved in {asked.build}/scale.md and scale.json")
    for line in outcome.broken:
        print(f"does not hold: {line}")
    return 1 if outcome.broken else 0


def say(began: float, what: str) -> None:
    """Tell how far it is."""
    print(f"{time.monotonic() - began:4.0f} s  {what}", file=sys.stderr, flush=True)


def run(folder: Path, profile: Profile, outcome: Outcome) -> Costs:
    """Start a plant and do everything to it; return the unit costs."""
    began = time.monotonic()
    with plant(folder, profile) as there:
        tokens = there.tokens([f"user{n:03}" for n in range(profile.users)])
        loud = there.tokens([LOUD])[LOUD]
        processes = profile.processes * len(there.ports)
        with fleet(
            there.url,
            there.certificate,
            profile.drivers,
            tokens,
            folder / "fleet.log",
            environment,
        ) as books:
            try:
                costs = _measured(there, books, profile, outcome, processes, loud, began)
            except BaseException:
                print(there.complaints(), file=sys.stderr)
                raise
    return costs


def _measured(
    there: Plant,
    books: Fleet,
    profile: Profile,
    outcome: Outcome,
    processes: int,
    loud: str,
    began: float,
) -> Costs:
    stages = Stages(there, books, books.users)
    beating = [beats(there.redis_url, workers) for workers in profile.beats]
    with there.working(SLOTS):
        say(began, "all is up")
        stages.warm()
        bare, rounds = memory(there), []
        for n in range(profile.rounds):
            rounds.append(measured(stages, profile, bare))
            say(began, f"round {n + 1} of {profile.rounds}")
        seen = mean_of(rounds)
        costs = calibrated(seen, profile, beating[0], held_by_worker(there), processes)
        outcome.tables.append(_costs(costs))
        pace_s, judged = seen.two.ran.round_s, profile.are_times_judged
        for trial in seen.foretold:
            outcome.errors += foretold(trial, costs, processes, pace_s, with_times=judged)
        there.redis.config_set("auto-aof-rewrite-percentage", 100)
        whole(stages, profile, outcome, loud)
        say(began, profile.whole.name)
        books.join(0)
    _waited(there, profile, outcome)
    outcome.tables.append(_beating(beating))
    outcome.tables += horizon(costs)
    say(began, "done")
    return costs


def _costs(costs: Costs) -> Table:
    kinds = ("request", "accepted", "run", "told", "report", "notebook_s", "worker_s", "server_s")
    found = {kind: getattr(costs, kind).as_dict() for kind in kinds}
    names = list(found["run"])
    table = Table("What one of each costs", ["", *names])
    table.rows += [[kind, *(number(told[name]) for name in names)] for kind, told in found.items()]
    for name, value in asdict(costs).items():
        if isinstance(value, float):
            table.rows.append([name, number(value), *[""] * (len(names) - 1)])
    return table


def _waited(there: Plant, profile: Profile, outcome: Outcome) -> None:
    table = Table(
        "Jobs that come at random: mean wait, s", ["processes", "measured", "simulated", "off"]
    )
    for one in waits(there, profile.waits, profile.waiting):
        off = one.simulated_s / one.measured_s - 1
        told = [f"{one.measured_s:.3f}", f"{one.simulated_s:.3f}", f"{100 * off:+.0f} %"]
        table.rows.append([str(one.slots), *told])
        outcome.hold(f"simulated wait before {one.slots} processes, off", abs(off), 0.2)
    if table.rows:
        outcome.tables.append(table)


def _beating(found: Sequence[Beats]) -> Table:
    names = ("us a beat", "us a wait", "us a sweep", "list ms", "list bytes", "bytes a worker")
    table = Table("Workers that only beat, in Redis", ["workers", *names])
    for one in found:
        times = one.a_beat.redis_us, one.a_wait.redis_us, one.us_a_sweep
        others = one.list_ms, one.list_bytes, one.bytes_a_worker
        table.rows.append([f"{one.workers:,}", *map(number, (*times, *others))])
    return table


if __name__ == "__main__":
    sys.exit(main())
