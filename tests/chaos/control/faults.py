"""What is done to the stock build."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .scene import Scene

FROZEN_JOBS = 5
REDIS_DOWN_S = 2.0


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that happens to a build at work, in each of several rounds."""

    commit: Callable[[Scene], None]
    #: Breaks and mends.
    rounds: int
    pause_s: float
    #: Of the client after each request. Two processes run a job in 0.03 s.


def nothing(scene: Scene) -> None:
    """All goes well."""


def freeze_and_kill_worker(scene: Scene) -> None:
    """The worker's main process freezes, jobs are published, and it is killed; a new one comes."""
    scene.until_finished(scene.random.randint(1, 6))
    with scene.fault("worker"):
        scene.build.worker.freeze()
        scene.until_accepted(FROZEN_JOBS)
        scene.build.worker.kill()
        scene.build.until_worker_waits()


def kill_server(scene: Scene) -> None:
    """The web server is killed while jobs run; a new one comes."""
    scene.until_finished(scene.random.randint(1, 6))
    with scene.fault("server"):
        scene.build.server.kill()
        scene.build.until_server_listens()


def kill_redis(scene: Scene) -> None:
    """Redis is killed while jobs run; it comes back with its AOF."""
    scene.until_finished(scene.random.randint(1, 6))
    with scene.fault("redis"):
        scene.build.redis.kill(down_s=REDIS_DOWN_S)
        scene.build.until_redis_answers()


FAULTS = {
    "none": Fault(nothing, rounds=2, pause_s=0.01),
    # Slower than the worker, so that it waits in a BRPOP when it is frozen.
    "worker": Fault(freeze_and_kill_worker, rounds=4, pause_s=0.05),
    # Faster than the worker, so that it has something to tell while there is no server or Redis.
    "server": Fault(kill_server, rounds=3, pause_s=0.01),
    "redis": Fault(kill_redis, rounds=1, pause_s=0.01),
}
