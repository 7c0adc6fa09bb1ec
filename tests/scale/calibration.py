"""Unit costs from what was measured at one size, and what they foretell of another."""

from __future__ import annotations

from dataclasses import replace

from taskkit.capacity import Cost, Costs
from taskkit_worker.keeper import LISTEN_S
from taskkit_worker.settings import BEAT_S

from .beats import Beats
from .outcome import Error
from .profiles import Profile
from .reading import Reading
from .rounds import REPORTS, Round, few, fewer
from .stages import Trial


def calibrated(
    seen: Round, profile: Profile, beats: Beats, clients: tuple[int, float], processes: int
) -> Costs:
    """Return the costs of everything.

    clients: connections to Redis, of a worker's main process and of each of its others.
    processes: of all servers.

    CPU times are as if the machine had been as fast all the while as when `two` ran.
    """
    one, two = seen.one, seen.two
    pace_s = two.ran.round_s

    def a_second(reading: Reading) -> Cost:
        return reading.cost(pace_s) * (1 / reading.at)

    worker_s = _of_a_worker(beats, a_second(seen.staffed))
    # The first notebooks cost more, for processes that sleep less wake up faster: a line by two
    # numbers of them, of which what is there without any gets the rest.
    idle, more = a_second(two.idle), profile.crowd - two.size.notebooks
    notebook_s = ((a_second(seen.crowd) - idle) * (1 / more)).least()
    both_s = (idle - notebook_s * two.size.notebooks).least()
    server_s = (both_s - worker_s).least() * (1 / processes)

    def of_jobs(reading: Reading, jobs: int) -> Cost:
        still = both_s + notebook_s * two.size.notebooks
        return (reading.cost(pace_s) - still * reading.at).least() * (1 / jobs)

    jobs = two.size.jobs
    batched, single = of_jobs(two.submitted, jobs), of_jobs(seen.alone, few(profile))
    request = ((single - batched) * (1 / (1 - 1 / two.batch))).least()
    accepted = (batched - request * (1 / two.batch)).least()
    told, run = _told(of_jobs(one.ran, one.size.jobs), of_jobs(two.ran, jobs), two)
    known = request * (1 / two.batch) + accepted + run + told * two.readers
    report = (of_jobs(seen.reported, fewer(profile)) - known).least()
    gated, connected = two.memory["gated"], one.memory["connected"]
    queued, finished = two.memory["queued"], two.memory["finished"]
    of_main, of_slot = clients
    return Costs(
        request=request,
        accepted=accepted,
        run=run,
        told=told,
        report=report * (1 / REPORTS / two.readers),
        notebook_s=notebook_s,
        worker_s=worker_s,
        server_s=server_s,
        queued_bytes=(queued["used"] - gated["used"]) / jobs,
        kept_bytes=(finished["used"] - gated["used"]) / jobs,
        socket_redis_bytes=connected["used by clients"] / connected["clients"],
        socket_bytes=(connected["server"] - seen.bare["server"]) / one.size.notebooks,
        process_bytes=seen.bare["server"] / processes,
        worker_clients=of_main,
        slot_clients=of_slot,
    )


def _of_a_worker(beats: Beats, staffed: Cost) -> Cost:
    """Return what one costs in a second: of Redis by what thousands asked of it."""
    asked = beats.a_beat * (1 / BEAT_S) + beats.a_wait * (1 / LISTEN_S)
    return replace(asked, worker_us=staffed.worker_us)


def _told(one: Cost, two: Cost, trial: Trial) -> tuple[Cost, Cost]:
    """Part what a job costs into what each reader adds, and the rest.

    What servers and proxy do while jobs run is all for readers. Counts differ by exactly what one
    reader more costs; CPU time of Redis is parted as its own statistics part it.
    """
    more = (two - one).least()
    us = trial.ran.scripts_us
    share = us["xread"] / (us["xread"] + us["evalsha"])
    told = replace(
        more,
        redis_us=two.redis_us * share / trial.readers,
        server_us=two.server_us / trial.readers,
        proxy_us=two.proxy_us / trial.readers,
        worker_us=0.0,
        aof_bytes=0.0,
    )
    return told, (two - told * trial.readers).least()


LEAST_S = 0.5
"""CPU time below this is not told from noise: others use the machine, and caches are cold."""


LEAST_BYTES = 2e6
"""Less memory than this is not told from steps: Redis makes its tables twice as large at a time."""


def foretold(
    trial: Trial, costs: Costs, processes: int, pace_s: float, *, with_times: bool
) -> list[Error]:
    """Return how far the predictions for a size are from what was measured.

    pace_s: how fast the machine was when the costs were taken; see `Reading.cost`.
    with_times: judge CPU times, too.
    """
    still = costs.server_s * processes + costs.worker_s + costs.notebook_s * trial.size.notebooks
    n = trial.size.jobs
    submit = costs.request * (n / trial.batch) + costs.accepted * n + still * trial.submitted.at
    run = (costs.run + costs.told * trial.readers) * n + still * trial.ran.at
    told = (submit + run).as_dict()
    seen = (trial.submitted.cost(pace_s) + trial.ran.cost(pace_s)).as_dict()
    errors = []
    for name, measured in seen.items():
        is_time = name.endswith("_us")
        is_large = not is_time or measured >= 1e6 * LEAST_S
        judged = is_large and (with_times or not is_time)
        errors.append(Error(trial.size.name, name, told[name], measured, judged))
    gated = trial.memory["gated"]
    for place, each in (("queued", costs.queued_bytes), ("finished", costs.kept_bytes)):
        grown = trial.memory[place]["used"] - gated["used"]
        figure = f"Redis' memory for jobs that are {place}"
        errors.append(Error(trial.size.name, figure, each * n, grown, grown >= LEAST_BYTES))
    server = trial.memory["connected"]["server"]
    sockets = costs.process_bytes * processes + costs.socket_bytes * trial.size.notebooks
    errors.append(Error(trial.size.name, "server memory, connected", sockets, server, True))
    idle = still * trial.idle.at
    for name in ("server_us", "redis_commands"):
        measured = trial.idle.cost(pace_s).as_dict()[name]
        # In a few seconds of idleness the sweepers of all processes come round more or less often.
        judged = with_times and (name != "server_us" or measured >= 1e6 * LEAST_S)
        errors.append(
            Error(trial.size.name, f"idle: {name}", idle.as_dict()[name], measured, judged)
        )
    return errors
