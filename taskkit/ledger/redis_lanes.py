"""Which workers serve which lanes, and what workers have installed; see `scripts/lanes.lua`.

Whether a worker fits is a pure question. The server asks it of a lane that is new, for all workers,
and each worker of lanes that are new to it: whichever was there first, the other finds it.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..protocol import wire
from ..protocol.fit import fits
from ..protocol.needs import Advert, Needs, needs_from
from ..protocol.workers import WorkerInfo
from .connection import refusals
from .keys import Keys

FRESH_S = 60.0
"""For how long a server takes it that the workers of a lane are known: those that come since seek
lanes themselves, and a lane is forgotten only when it was not used for long."""

MOST_ENVIRONMENTS = 64


class RedisLanes:
    """The part of the ledger on Redis that matches workers and lanes."""

    def __init__(
        self, redis: Any, keys: Keys, run: Callable[..., Any], begin: tuple[str, int]
    ) -> None:
        self._begin = begin
        #: How an attempt begins, and for how long it has its lease.
        self._redis = redis
        self._keys = keys
        self._run = run
        self._lock = threading.Lock()
        self._known: dict[str, float] = {}
        #: Lanes whose workers were looked for, and when.
        self._adverts: dict[str, Advert] = {}
        #: Of the workers that have joined through this ledger.
        self._judged: dict[str, dict[bytes, bool]] = {}
        #: Of each, which lanes it fits.
        self._environments: dict[str, Mapping[str, str]] = {}

    def opened(self, needs: Iterable[Needs]) -> None:
        """See that jobs with these needs, which are submitted now, are found by those who fit."""
        now = time.monotonic()
        with self._lock:
            new = {
                one.lane: one
                for one in needs
                if now - self._known.get(one.lane, float("-inf")) > FRESH_S
            }
        if not new:
            return
        pairs: list[str] = []
        for name, advert in self.adverts().items():
            for lane, one in new.items():
                if fits(one, advert):
                    pairs += (name, lane)
        if pairs:
            self._run("serve", *self._begin, "", *pairs)
        with self._lock:
            self._known = {lane: at for lane, at in self._known.items() if now - at <= FRESH_S}
            self._known |= dict.fromkeys(new, now)

    def joined(self, worker: WorkerInfo, packages: Mapping[str, str] | None) -> None:
        """Note what a worker has that seeks from now on."""
        with self._lock:
            self._adverts[worker.name] = worker.advert(packages)
            self._judged[worker.name] = {}

    def seek(self, worker: str) -> None:
        """See `base.Ledger.seek`."""
        with self._lock:
            advert, judged = self._adverts.get(worker), self._judged.get(worker, {})
        if advert is None:
            return
        with refusals():
            lanes = set(self._redis.hkeys(self._keys.lanes))
            new = sorted(lanes - judged.keys())
            texts = self._redis.hmget(self._keys.lanes, new) if new else []
        found = {
            lane: fits(needs_from(text.decode()), advert)
            for lane, text in zip(new, texts, strict=True)
            if text is not None
        }
        serving = [lane.decode() for lane, is_fit in found.items() if is_fit]
        if serving:
            self._run(
                "serve",
                *self._begin,
                worker,
                *(part for lane in serving for part in (worker, lane)),
            )
        with self._lock:
            # One that was dropped may come again.
            kept = {lane: is_fit for lane, is_fit in judged.items() if lane in lanes}
            self._judged[worker] = kept | found

    def adverts(self) -> dict[str, Advert]:
        """Return what each worker that is there has, by its name."""
        with refusals():
            names = self._redis.zrange(self._keys.workers, 0, -1)
            pipe = self._redis.pipeline(transaction=False)
            for name in names:
                pipe.hget(self._keys.worker(name.decode()), "info")
            told = pipe.execute()
        found = {}
        for name, info in zip(names, told, strict=True):
            if info is not None:
                found[name.decode()] = self._advert(json.loads(info))
        return found

    def packages(self, environment: str) -> Mapping[str, str] | None:
        """See `base.Ledger.packages`."""
        if not environment:
            return None
        with self._lock:
            known = self._environments.get(environment)
        if known is not None:
            return known
        with refusals():
            text = self._redis.get(self._keys.environment(environment))
        if text is None:
            return None
        packages: Mapping[str, str] = json.loads(text)
        with self._lock:
            while len(self._environments) >= MOST_ENVIRONMENTS:
                del self._environments[next(iter(self._environments))]
            self._environments[environment] = packages
        return packages

    def _advert(self, info: Mapping[str, Any]) -> Advert:
        worker = wire.worker_from_wire(info)
        return worker.advert(self.packages(worker.environment))
