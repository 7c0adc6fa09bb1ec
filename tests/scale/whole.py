"""The largest size: memory as it grows, a server that is killed, readers that do not read."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import closing

from waiting import wait_until

from .meters import during, memory, own_cpu_s, read
from .outcome import Outcome, Table
from .profiles import Profile
from .reading import Reading
from .slow import SlowReader
from .stages import LIMIT_S, Stages

LOUD, LOUD_CHARS = "loud", 60_000
"""A user whose jobs print so much."""


def whole(stages: Stages, profile: Profile, outcome: Outcome, token: str) -> None:
    """Do all of it. `token` is that of a user of whom no notebook is."""
    plant, fleet = stages.plant, stages.fleet
    notebooks, jobs = profile.whole.notebooks, profile.whole.jobs
    table = Table(
        "Memory, MB (PSS; of Redis what it says that it uses)",
        ["when", "servers", "their threads", "nginx", "worker", "Redis", "its clients", "jobs a s"],
    )
    outcome.tables.append(table)
    seen: dict[str, dict[str, float]] = {}

    def look(when: str, rate: float = 0.0) -> dict[str, float]:
        found = seen[when] = memory(plant)
        sizes = [f"{found[role] / 1e6:.1f}" for role in ("server", "proxy", "worker", "used")]
        sizes.insert(1, f"{found['threads']:.0f}")
        told = f"{rate:.0f}" if rate else ""
        table.rows.append([when, *sizes, f"{found['clients']:.0f}", told])
        return found

    fleet.join(0)
    before, expected = fleet.counts(), fleet.expected()
    alone = look("no notebook")
    for count in sorted({notebooks // 10, notebooks}):
        fleet.join(count)
        connected = look(f"{count:,} notebooks")
    outcome.hold("notebooks that are not connected", notebooks - fleet.counts()["open"], 0)
    for role, most in (("server", 400e3), ("proxy", 120e3), ("used", 40e3)):
        each = (connected[role] - alone[role]) / notebooks
        outcome.hold(f"bytes a notebook, {role}", each, most)
    costs: list[tuple[int, Reading]] = []
    with stages.gate() as opened:
        gated = look("all processes held")
        submitted = 0
        for step in profile.steps:
            more = step - submitted
            start = read(plant)
            stages.submit(more, profile.batch)
            queued = look(f"{step:,} jobs queued", more / read(plant).since(start).at)
            stages.count()  # the servers do so every two seconds: that is part of what a job costs
            costs.append((more, read(plant).since(start)))
            each = (queued["used"] - gated["used"]) / step
            outcome.hold(f"bytes of Redis a job, {step:,} queued", each, 2048)
            submitted = step
        _hold_flat(costs, outcome)
        own = own_cpu_s(fleet.pids)
        ran = during(plant, lambda: (opened(), _interrupted(stages, profile, outcome)))
        own = own_cpu_s(fleet.pids) - own
    done = look(f"{jobs:,} jobs done", jobs / ran.at)
    outcome.hold("bytes of Redis a job, done", (done["used"] - gated["used"]) / jobs, 4096)
    outcome.hold("worker's memory, done : before", done["worker"] / connected["worker"], 1.5)
    outcome.hold("servers' memory, done : connected", done["server"] / connected["server"], 1.5)
    counts = fleet.counts()
    counts.subtract(before)
    readers = fleet.expected() - expected
    outcome.hold("final events that are missing", readers - counts["job_succeeded"], 0)
    outcome.hold("final events that are too many", counts["job_succeeded"] - readers, 0)
    for fault in ("holes", "gaps", "twice", "behind its head", "job_failed"):
        outcome.hold(f"events: {fault}", counts[fault], 0)
    told = Table("What the notebooks met with", ["what", "times"])
    told.rows += [[name, f"{counts[name]:,}"] for name in sorted(counts) if counts[name]]
    told.rows.append(["CPU of the notebooks themselves, s", f"{own:.0f}"])
    outcome.tables.append(told)
    _slow(stages, profile, outcome, token)


def _hold_flat(costs: Sequence[tuple[int, Reading]], outcome: Outcome) -> None:
    """What a job costs does not grow with how many wait."""
    (few, first), (many, last) = costs[0], costs[-1]
    for name in ("redis_commands", "aof_bytes"):
        before = first.cost().as_dict()[name] / few
        after = last.cost().as_dict()[name] / many
        outcome.hold(f"{name} a job, most queued : fewest", after / before, 1.2)


def _interrupted(stages: Stages, profile: Profile, outcome: Outcome) -> None:
    """Let half of the jobs run, kill a server, bring it back, let the others run."""
    plant, fleet = stages.plant, stages.fleet
    half = stages.active()["queued"] // 2
    wait_until(lambda: stages.active()["queued"] <= half, LIMIT_S, look_every_s=0.5)
    [port, _] = plant.ports
    opened = fleet.counts()["opened"]
    plant.kill(port)
    killed = time.monotonic()
    table = Table("A server killed while jobs run", ["s after", "connected", "opened since"])
    outcome.tables.append(table)

    def look() -> int:
        counts = fleet.counts()
        since = time.monotonic() - killed
        table.rows.append([f"{since:.0f}", f"{counts['open']:,}", f"{counts['opened'] - opened:,}"])
        return counts["open"]

    while time.monotonic() - killed < profile.away_s:
        time.sleep(2.0)
        look()
    plant.start(port)
    wait_until(lambda: look() == profile.whole.notebooks, LIMIT_S, look_every_s=2.0)
    stages.finish()


def _slow(stages: Stages, profile: Profile, outcome: Outcome, token: str) -> None:
    """Have a user's jobs print much, before readers that read nothing until all is done."""
    plant, readers = stages.plant, profile.slow
    server, _ = plant.servers[plant.ports[0]]
    start = memory(plant)
    slow = [SlowReader(plant.url, token, plant.certificate) for _ in range(readers)]
    jobs = [{"task": "scale_prints", "arguments": {"chars": LOUD_CHARS}}] * profile.loud
    answer = server.ask(
        "POST",
        "/jobs",
        json.dumps({"jobs": jobs}).encode(),
        Content_Type="application/json",
        Authorization=f"Bearer {token}",
    )
    assert answer.status == 200, answer.data
    wait_until(lambda: not any(stages.active().values()), LIMIT_S)
    held = memory(plant)
    seq = plant.ledger.head(LOUD).seq
    for one in slow:
        with closing(one):
            one.read_until(seq)
    table = Table("Readers that read nothing", ["what", "found"])
    log_bytes = profile.loud * LOUD_CHARS
    table.rows += [
        ["readers", str(readers)],
        ["MB in the log that they do not read", f"{log_bytes / 1e6:.0f}"],
        ["MB more in the servers", f"{(held['server'] - start['server']) / 1e6:.1f}"],
        ["MB more in nginx", f"{(held['proxy'] - start['proxy']) / 1e6:.1f}"],
        ["cut off meanwhile, and gone on from their cursors", str(sum(x.cuts for x in slow))],
    ]
    outcome.tables.append(table)
    each = (held["server"] - start["server"]) / max(1, readers)
    # A feed holds the page that it has read, 200 events, and packets that wait.
    most = min(200, profile.loud) * LOUD_CHARS + 4e6
    outcome.hold("bytes a reader that reads nothing, in the server", each, most)
    outcome.hold("holes of readers that read nothing", sum(one.holes for one in slow), 0)
