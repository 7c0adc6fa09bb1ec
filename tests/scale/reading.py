"""What was spent between two moments, as it is counted and as the model of costs has it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from taskkit.capacity import Cost


@dataclass(frozen=True, slots=True)
class Reading:
    """Counters at a moment, or what they grew by."""

    at: float
    cpu_s: dict[str, float]
    redis: dict[str, float]
    rounds: int = 0
    rounds_s: float = 0.0
    #: Of `Pace`: how many were done meanwhile, and the CPU time of all.
    scripts_us: dict[str, float] = field(default_factory=dict)
    #: By command, what Redis says that it took.

    def since(self, before: Reading) -> Reading:
        """Return what the counters grew by."""
        return Reading(
            self.at - before.at,
            {role: self.cpu_s[role] - before.cpu_s.get(role, 0.0) for role in self.cpu_s},
            {name: value - before.redis[name] for name, value in self.redis.items()},
            self.rounds - before.rounds,
            self.rounds_s - before.rounds_s,
            {name: us - before.scripts_us.get(name, 0.0) for name, us in self.scripts_us.items()},
        )

    @property
    def round_s(self) -> float:
        """How long a round took, in CPU time: the less, the faster the machine was."""
        return self.rounds_s / self.rounds if self.rounds else math.nan

    def cost(self, round_s: float = math.nan) -> Cost:
        """Return the same as the model has it.

        round_s: have CPU times as if a round had taken so long; nan leaves them as they are.
        """
        as_if = round_s / self.round_s
        us = 1e6 * (1.0 if math.isnan(as_if) else as_if)
        return Cost(
            redis_us=us * self.redis["cpu_s"],
            redis_commands=self.redis["commands"],
            to_redis_bytes=self.redis["in"],
            from_redis_bytes=self.redis["out"],
            aof_bytes=self.redis["aof"],
            server_us=us * self.cpu_s["server"],
            proxy_us=us * self.cpu_s["proxy"],
            worker_us=us * self.cpu_s["worker"],
        )


def mean(readings: Sequence[Reading]) -> Reading:
    """Return what several of the same took on average."""
    n, first = len(readings), readings[0]
    return Reading(
        sum(one.at for one in readings) / n,
        {role: sum(one.cpu_s[role] for one in readings) / n for role in first.cpu_s},
        {name: sum(one.redis[name] for one in readings) / n for name in first.redis},
        sum(one.rounds for one in readings),
        sum(one.rounds_s for one in readings),
        {
            name: sum(one.scripts_us.get(name, 0.0) for one in readings) / n
            for name in first.scripts_us
        },
    )
