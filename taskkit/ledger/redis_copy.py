"""A ledger in Redis, copied as of one moment and restored in one step, through a connection.

Redis' own files would be simpler, but are out of reach of a client, and hold other people's keys.
"""

from __future__ import annotations

import re
import secrets
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import IO, Any, TypeVar

import redis

from ..protocol.errors import RequestError, Unavailable
from .connection import Connection, refusals
from .copies import PAUSE_S, TOKENS_APART, Entry, Facts, Restored, read_entries, write_entry
from .keys import Keys
from .redis import RedisLedger
from .redis_schema import agree

T = TypeVar("T")

AT_ONCE = 200
"""How many keys one round trip brings."""

IN_MEMORY = 64 * 2**20
"""How much of a copy is held in memory while writers wait; more goes to a temporary file."""

STAGED = "taskkit-restore:"
"""What the keys of a copy begin with before it takes the ledger's place."""

_FOR_EVER = re.compile(rb"u:[^:]+:(job:[0-9a-f]{32}:result|function:[0-9a-f]+)", re.DOTALL)
# Written once and never changed, and most of what a ledger weighs.

_PASSING = re.compile(
    rb"(workers|worker:.*|wake:.*|lane:.*|environment:.*|leases|health|queued:room|copying|outgoing)",
    re.DOTALL,
)
# Of processes that will have joined again, or are gone.

_JOB = re.compile(rb"u:([^:]+):job:([0-9a-f]{32})", re.DOTALL)
_LOG = re.compile(rb"u:([^:]+):log:meta", re.DOTALL)
_BLOBS = re.compile(rb"u:([^:]+):blobs", re.DOTALL)


class RedisCopier:
    """See `copies.Copier`."""

    def __init__(self, url: str, *, prefix: str = "tk:", pause_s: float = PAUSE_S) -> None:
        self._url = url
        self._prefix = prefix
        self._pause_s = pause_s
        self._redis: Any = Connection(url, (prefix,)).redis
        self._lock = f"{prefix}copying"
        self._facts: Facts | None = None

    def facts(self) -> Facts:
        if self._facts is None:
            raise RuntimeError("the copy is not made yet")
        return self._facts

    # Copying

    def copy(self) -> Iterator[Entry]:
        seen: set[bytes] = set()
        for names in _batches(self._names()):
            for_ever = [name for name in names if _FOR_EVER.fullmatch(name)]
            for entry in self._entries(for_ever):
                seen.add(entry.name)
                yield entry
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as spool:
            self._copy_while_paused(seen, spool)
            spool.seek(0)
            yield from read_entries(spool)

    def _copy_while_paused(self, seen: set[bytes], spool: IO[bytes]) -> None:
        with self._alone():
            began = time.monotonic()
            self._pause()
            try:
                facts = self._copy_rest(seen, spool, began)
            finally:
                with refusals():
                    self._redis.client_unpause()
            self._facts = replace(facts, paused_s=time.monotonic() - began)

    def _copy_rest(self, seen: set[bytes], spool: IO[bytes], began: float) -> Facts:
        with refusals():
            seconds, us = self._redis.time()
            stamp = self._redis.hget(Keys(self._prefix).schema, "form")
            version = self._redis.info("server").get("redis_version", "")
        blobs: dict[str, list[str]] = {}
        names = (name for name in self._names() if name not in seen)
        for some in _batches(names):
            for entry in self._entries([n for n in some if not _PASSING.fullmatch(n)]):
                write_entry(spool, entry)
                if owner := _BLOBS.fullmatch(entry.name):
                    blobs[owner[1].decode()] = self._members(entry.name)
            # What comes after the pause has ended by itself is of another moment.
            if time.monotonic() - began > self._pause_s:
                raise Unavailable(
                    f"the ledger could not be copied in the {self._pause_s:g} s for which its "
                    "writers may be held up; wait until less is queued, or copy the files of "
                    "Redis itself"
                )
        at = seconds * 1000 + us // 1000
        return Facts(at=at, form=int(stamp or 0), redis=str(version), paused_s=0, blobs=blobs)

    def _members(self, name: bytes) -> list[str]:
        with refusals():
            found = self._redis.zrange(self._prefix.encode() + name, 0, -1)
        return [digest.decode() for digest in found]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Refuse to copy beside another one, whose end would end this one's pause as well."""
        longest_ms = round(self._pause_s * 1000) + 2000
        with refusals():
            if not self._redis.set(self._lock, 1, nx=True, px=longest_ms):
                raise Unavailable("another backup is being made: try again when it is done")
        try:
            yield
        finally:
            with refusals():
                self._redis.delete(self._lock)

    def _pause(self) -> None:
        with refusals():
            try:
                # It ends by itself where this process dies.
                self._redis.client_pause(round(self._pause_s * 1000) + 1000, all=False)
            except redis.ResponseError as error:
                raise Unavailable(
                    f"Redis does not hold up its writers for a copy ({error}): allow its user the "
                    "commands CLIENT PAUSE and CLIENT UNPAUSE, or copy the files of Redis itself"
                ) from error

    def _names(self, prefix: str = "") -> Iterator[bytes]:
        """Yield the keys under a prefix, each once, without it."""
        prefix = prefix or self._prefix
        seen: set[bytes] = set()
        with refusals():
            for key in self._redis.scan_iter(match=f"{_escaped(prefix)}*", count=1000):
                name = key[len(prefix.encode()) :]
                if name not in seen:
                    seen.add(name)
                    yield name

    def _entries(self, names: Sequence[bytes]) -> Iterator[Entry]:
        with refusals():
            pipe = self._redis.pipeline(transaction=False)
            for name in names:
                key = self._prefix.encode() + name
                pipe.dump(key)
                pipe.pttl(key)
            parts = pipe.execute()
        for name, value, left_ms in zip(names, parts[::2], parts[1::2], strict=True):
            if value is not None and left_ms != -2:
                yield Entry(name, value, max(0, left_ms))

    # Restoring

    def restore(self, entries: Iterator[Entry], facts: Facts, *, overwrite: bool) -> Restored:
        self._remove(STAGED)  # of one that was killed
        staging = f"{STAGED}{secrets.token_hex(8)}:"
        try:
            return self._restore(entries, facts, staging, overwrite=overwrite)
        finally:
            self._remove(staging)

    def _restore(
        self, entries: Iterator[Entry], facts: Facts, staging: str, *, overwrite: bool
    ) -> Restored:
        if not overwrite:
            self._refuse_jobs(len(list(self._owners(self._prefix))))
        jobs: list[tuple[str, str]] = []
        logs: list[str] = []
        blobs: list[bytes] = []
        for some in _batches(entries):
            kept = [entry for entry in some if not _PASSING.fullmatch(entry.name)]
            self._write(staging, kept)
            for entry in kept:
                if job := _JOB.fullmatch(entry.name):
                    jobs.append((job[1].decode(), job[2].decode()))
                elif log := _LOG.fullmatch(entry.name):
                    logs.append(log[1].decode())
                elif _BLOBS.fullmatch(entry.name):
                    blobs.append(entry.name)
        agree(self._url, prefix=staging)
        staged = RedisLedger(self._url, prefix=staging)
        for name in logs:
            staged.run("renew", name, staged.head(name).epoch)
        self._let_no_time_pass(staging, blobs, facts.at)
        resumed = 0
        for those in _batches(jobs):
            cause = "the ledger was restored from a copy"
            resumed += staged.run("revive", cause, TOKENS_APART, *map(" ".join, those))
        self._refuse_jobs(
            RedisLedger(self._url, prefix=self._prefix).run("swap", staging, int(overwrite))
        )
        return Restored(jobs=len(jobs), resumed=resumed, logs=len(logs))

    def _write(self, staging: str, entries: Sequence[Entry]) -> None:
        try:
            with refusals():
                pipe = self._redis.pipeline(transaction=False)
                for entry in entries:
                    pipe.restore(staging.encode() + entry.name, entry.left_ms, entry.value)
                pipe.execute()
        except redis.ResponseError as error:
            raise RequestError(
                f"Redis cannot read the copy ({error}): restore it into a Redis of the version it "
                "was made from, or a newer one"
            ) from error

    def _let_no_time_pass(self, staging: str, blobs: Sequence[bytes], copied_at: int) -> None:
        """Have blobs be needed for as long from now as they were from the copy on."""
        with refusals():
            seconds, us = self._redis.time()
            passed_ms = max(0, seconds * 1000 + us // 1000 - copied_at)
            for name in blobs:
                key = staging.encode() + name
                until = dict(self._redis.zrange(key, 0, -1, withscores=True))
                self._redis.zadd(key, {digest: at + passed_ms for digest, at in until.items()})

    def _owners(self, prefix: str) -> Iterator[bytes]:
        return (
            name for name in self._names(prefix) if re.fullmatch(rb"u:[^:]+:jobs", name, re.DOTALL)
        )

    def _refuse_jobs(self, owners: int) -> None:
        if owners:
            raise RequestError(
                f"the ledger holds jobs, of {owners} user{'s' if owners > 1 else ''}, which would "
                "be gone: say --overwrite to put the copy in their place"
            )

    def _remove(self, staging: str) -> None:
        """Remove what is left of a restore that did not come to its end."""
        for names in list(_batches(self._names(staging))):
            with refusals():
                self._redis.unlink(*(staging.encode() + name for name in names))


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    """Yield as many at once as one round trip takes."""
    rest = iter(items)
    while some := list(islice(rest, AT_ONCE)):
        yield some


def _escaped(prefix: str) -> str:
    return re.sub(r"([*?\[\]\\^])", r"\\\1", prefix)
