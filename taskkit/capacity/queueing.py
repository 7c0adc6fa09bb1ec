"""How long jobs wait: by formula where they come at random, else by simulation."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass


def erlang_c(servers: int, offered: float) -> float:
    """Return the probability that who comes must wait.

    offered: work that comes in a second, in seconds: arrivals a second times the mean duration.

    Source: Erlang (1917), by the recursion of Erlang's B formula, which does not overflow.

    >>> round(erlang_c(10, 8.0), 3)
    0.409

    """
    if offered >= servers:
        return 1.0
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = offered * blocked / (n + offered * blocked)
    busy = offered / servers
    return blocked / (1 - busy * (1 - blocked))


def mean_wait_s(servers: int, arrivals_per_s: float, mean_s: float) -> float:
    """Return how long is waited on average in M/M/c; infinity where more comes than can be done."""
    offered = arrivals_per_s * mean_s
    if offered >= servers:
        return float("inf")
    return erlang_c(servers, offered) * mean_s / (servers - offered)


@dataclass(frozen=True, slots=True)
class Station:
    """A place on the way that jobs pass in the order in which they come to it."""

    name: str
    servers: int
    service_s: Sequence[float]
    #: Of each job; where they are fewer than the jobs, they come round again.


@dataclass(frozen=True, slots=True)
class Passed:
    """What a simulation saw."""

    waits_s: dict[str, list[float]]
    #: By station, of each job that passed it.
    ended_at: list[float]
    #: When each job left the last station.
    busy: dict[str, float]
    #: The share of its servers' time that each station worked, until the last job had left it.


def simulate(arrivals: Sequence[float], stations: Sequence[Station]) -> Passed:
    """Send jobs through stations one after the other; return what became of them.

    Jobs may overtake one another in a station of several servers, and come to the next in the order
    in which they left. A station may come twice: its second passage is another station by the same
    name, and shares its servers.

    Source: Kiefer and Wolfowitz, Trans. AMS 78 (1955) 1, for one station; events in order of time.
    """
    free = {station.name: [0.0] * station.servers for station in stations}
    worked = dict.fromkeys(free, 0.0)
    last = dict.fromkeys(free, 0.0)
    waits: dict[str, list[float]] = {name: [] for name in free}
    ended = [0.0] * len(arrivals)
    # Who comes where, in the order of time; at the same time in the order of jobs.
    coming = [(at, job, 0) for job, at in enumerate(arrivals)]
    heapq.heapify(coming)
    while coming:
        at, job, place = heapq.heappop(coming)
        if place == len(stations):
            ended[job] = at
            continue
        station = stations[place]
        begins = max(at, heapq.heappop(free[station.name]))
        took = station.service_s[job % len(station.service_s)]
        heapq.heappush(free[station.name], begins + took)
        waits[station.name].append(begins - at)
        worked[station.name] += took
        last[station.name] = max(last[station.name], begins + took)
        heapq.heappush(coming, (begins + took, job, place + 1))
    busy = {
        name: worked[name] / (len(free[name]) * last[name]) if last[name] else 0.0 for name in free
    }
    return Passed(waits, ended, busy)
