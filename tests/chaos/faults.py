"""The faults, each a function that breaks something in a world while jobs are submitted."""

from __future__ import annotations

import random
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
from disks import full

from .clocks import Clock
from .hosts import Host
from .modes import (
    BlackHole,
    CutAfter,
    HalfOpen,
    Latency,
    Mode,
    Pass,
    Refuse,
    Reset,
    Throttle,
    Way,
)
from .storm import step
from .world import World


def pause(rng: random.Random, low_s: float, high_s: float) -> None:
    """Let the jobs go on for a moment of the dice's choice."""
    time.sleep(rng.uniform(low_s, high_s))


def kill_pool_processes(world: World, rng: random.Random, times: int) -> None:
    """Kill -9 a process that runs jobs; half of the time while its words to Redis take 30 ms,
    so that many a death falls into a finish under way."""
    for n in range(times):
        slow = n % 2 == 1
        world.proxies["worker"].switch(Latency(0.015) if slow else Pass())
        pause(rng, 0.3, 1.5)
        with world.fault("kill -9 a pool process"), suppress(psutil.NoSuchProcess, IndexError):
            rng.choice(world.pool()).kill()
    world.proxies["worker"].switch(Pass())


def kill_worker(world: World, rng: random.Random, times: int) -> None:
    """Kill -9 the worker's main process; every other time freeze it first, and let messages come
    to the one that will never read them."""
    for n in range(times):
        pause(rng, 1, 3)
        with world.fault("kill -9 the worker"):
            pid = world.pid("worker")
            if n % 2 == 1:
                world.kill("worker", signal.SIGSTOP)
                pause(rng, 0.5, 1.5)
            world.kill("worker")
            world.await_successor("worker", pid)


def freeze_worker(world: World, rng: random.Random, seconds: float) -> None:
    """SIGSTOP the worker and its pool past their leases, then SIGCONT; another one takes over."""
    world.extra_worker(concurrency=2)
    pause(rng, 2, 4)
    with world.fault("freeze the worker"):
        main = psutil.Process(world.pid("worker"))
        frozen = [main, *main.children(recursive=True)]
        for process in frozen:
            process.suspend()
        time.sleep(seconds)
        for process in frozen:
            process.resume()


def kill_server(world: World, rng: random.Random, times: int) -> None:
    """Kill -9 the server, while it accepts and while it pushes."""
    for _ in range(times):
        pause(rng, 0.5, 2)
        with world.fault("kill -9 the server"):
            world.await_successor("server", world.kill("server"))


def kill_redis(world: World, rng: random.Random, away_s: list[float]) -> None:
    """Kill -9 Redis, and keep it away for so long each time."""
    for seconds in away_s:
        pause(rng, 1, 3)
        with world.fault(f"no Redis for {seconds:g} s"), world.no_redis():
            time.sleep(seconds)


def break_links(world: World, rng: random.Random, times: int, longest_s: float) -> None:
    """Partition, half-open, reset, refuse, slow or cut one hop after the other."""
    modes: list[Mode] = [
        BlackHole(),
        BlackHole(Way.TO_CLIENT),
        HalfOpen(),
        Reset(),
        Refuse(),
        Latency(0.2),
        CutAfter(rng.randrange(1, 4000)),
    ]
    hops = sorted(world.proxies)
    plan = [(hop, mode) for mode in modes for hop in hops]
    rng.shuffle(plan)
    for hop, mode in plan[:times]:
        with world.fault(f"{mode} between {hop} and what it talks to"):
            world.proxies[hop].switch(mode)
            pause(rng, 0.5, longest_s)
            if mode == Refuse():
                world.proxies[hop].cut()
            world.proxies[hop].switch(Pass())
        pause(rng, 0.2, 1)


def restart_rolling(world: World, rng: random.Random, times: int) -> None:
    """SIGTERM server and worker in turn, as an upgrade does."""
    for n in range(times):
        pause(rng, 1, 2)
        part = ("server", "worker")[n % 2]
        with world.fault(f"restart the {part}"):
            world.await_successor(part, world.kill(part, signal.SIGTERM))


def fill_redis(world: World, rng: random.Random, times: int) -> None:
    """Let Redis have no memory left for a while, several times."""
    client = world.redis()
    before = client.config_get("maxmemory")["maxmemory"]
    for _ in range(times):
        pause(rng, 1, 2)
        with world.fault("no memory in Redis"):
            client.config_set("maxmemory", 1024 * 1024)
            pause(rng, 1, 3)
            client.config_set("maxmemory", before)
    client.close()


def fill_disk(world: World, rng: random.Random, disk: Path, times: int) -> None:
    """Let there be no room on the disk for a while, several times."""
    for _ in range(times):
        pause(rng, 1, 2)
        with world.fault("no room on the disk"), full(disk):
            pause(rng, 2, 4)


def repeat_messages(world: World, rng: random.Random, seconds: float) -> None:
    """Have every message of the queue there ten times."""
    from taskkit.protocol.broker import BROKER_QUEUE

    client = world.redis()
    deadline = time.monotonic() + seconds
    seen: set[bytes] = set()
    with world.fault("each message ten times"):
        while time.monotonic() < deadline:
            for message in set(client.lrange(BROKER_QUEUE, 0, -1)) - seen:
                seen.add(message)
                for _ in range(9):
                    client.lpush(BROKER_QUEUE, message)
            time.sleep(0.002)
    client.close()


def set_redis_back(world: World, rng: random.Random, *, is_flushed: bool) -> None:
    """Bring Redis back as it was some seconds ago; later, have it forget everything."""
    pause(rng, 2, 3)
    kept = world.redis_folder / "appendonlydir"
    copy = world.folder / "older"
    shutil.copytree(kept, copy)
    pause(rng, 2, 3)
    with world.fault("Redis as it was 2 s ago"), world.no_redis():
        # Whoever reads has read numbers by now that stand for other events soon.
        shutil.rmtree(kept)
        shutil.copytree(copy, kept)
    world.abandon_log()
    if is_flushed:
        pause(rng, 3, 4)
        with world.fault("Redis flushed"):
            world.abandon_log()
            client = world.redis()
            client.flushall()
            client.close()


def starve_a_reader(world: World, rng: random.Random, seconds: float) -> None:
    """Let one client read 1 B/s, and cut another off, while a third submits."""
    slow, cut = world.proxy_of_its_own(), world.proxy_of_its_own()
    world.witness(slow).client.submit(pow, 2, 2).result(60)
    world.witness(cut).client.submit(pow, 2, 2).result(60)
    with world.fault("a client that reads 1 B/s, and one that is cut off"):
        slow.switch(Throttle(1.0, Way.TO_CLIENT))
        cut.switch(Refuse())
        cut.cut()
        time.sleep(seconds)
        slow.switch(Pass())
        slow.cut()
        cut.switch(Pass())
    pause(rng, 0.1, 0.2)


def set_clocks(world: World, rng: random.Random, clocks: dict[str, Clock], times: int) -> None:
    """Let the clocks of server and worker jump by an hour, forth and back."""
    for n in range(times):
        pause(rng, 1, 2)
        part = rng.choice(sorted(clocks))
        with world.fault(f"the {part}'s clock jumps by an hour"):
            clocks[part].set(3600 if n % 2 == 0 else -3600)
    for clock in clocks.values():
        clock.set(0)


def cut_a_host_off(world: World, rng: random.Random, hosts: list[Host], seconds: float) -> None:
    """Unplug one of the hosts that have joined, for longer than a lease."""
    for host in hosts:
        proxy = world.proxy_of_its_own(to="redis", listen_on=host.address)
        world.extra_worker(prefix=host.prefix, redis_url=world.redis_url_at(proxy))
    pause(rng, 4, 6)
    with world.fault("a host is cut off"):
        hosts[0].cut_off()
        time.sleep(seconds)
        hosts[0].join_again()


def repeat_keys(world: World, keys: int) -> None:
    """Send the same submission under one key by 50 threads at once, for several keys."""
    witnesses = [world.witness() for _ in range(2)]
    for n in range(keys):
        with world.fault("one key 50 times at once"), ThreadPoolExecutor(50) as threads:
            for k in range(50):
                threads.submit(
                    witnesses[k % 2].submit, f"shared-{n}", step, str(world.facts), 1, 0.01
                )
