"""Event logs on Redis streams: entry ids are ``<seq>-0``, without holes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..protocol import wire
from ..protocol.cursor import Cursor
from ..protocol.errors import DecodeError
from ..protocol.events import Event
from .connection import BLOCK_S, refusals
from .keys import Keys
from .terms import LogPage

COUNT = 200
"""How many events one reading of a followed log brings at most."""

_TYPE, _JOB, _AT, _DATA, _EPOCH = b"t", b"j", b"a", b"d", b"e"


class RedisLog:
    """Reads logs; only scripts write them."""

    def __init__(self, redis: Any, keys: Keys, run: Callable[..., Any]) -> None:
        self._redis = redis
        self._run = run
        self._keys = keys

    def head(self, log: str) -> Cursor:
        """Return the log's epoch and its newest seq."""
        with refusals():
            epoch, seq = self._redis.hmget(f"{self._keys.log(log)}:meta", "epoch", "seq")
        return Cursor(epoch.decode() if epoch else "", int(seq or 0))

    def read(self, log: str, after: Cursor, *, limit: int) -> LogPage:
        """Return up to `limit` events after a cursor."""
        key = self._keys.log(log)
        with refusals():
            pipe = self._redis.pipeline(transaction=True)
            pipe.hmget(f"{key}:meta", "epoch", "seq")
            pipe.xrange(key, min=f"{after.seq + 1}-0", count=limit)
            pipe.xrange(key, min=f"{after.seq}-0", max=f"{after.seq}-0")
            (epoch, seq), entries, last = pipe.execute()
        head = Cursor(epoch.decode() if epoch else "", int(seq or 0))
        if after.at and after.epoch == head.epoch and _is_another(after, head, last):
            self._run("renew", log, head.epoch)
            head = self.head(log)
            return LogPage(epoch=head.epoch, events=(), head=head.seq, is_gap=True)
        events = tuple(_event(entry) for entry in entries)
        first = events[0].seq if events else head.seq + 1
        is_gap = after.epoch not in ("", head.epoch) or first != after.seq + 1
        return LogPage(epoch=head.epoch, events=events, head=head.seq, is_gap=is_gap)

    def follow(self, cursors: Mapping[str, Cursor], *, timeout_s: float) -> dict[str, LogPage]:
        """Wait until one of several logs has events after its cursor; {} when the time is over."""
        streams = {self._keys.log(log): f"{cursor.seq}-0" for log, cursor in cursors.items()}
        block_ms = max(1, round(min(timeout_s, BLOCK_S) * 1000))
        with refusals():
            found = self._redis.xread(streams, count=COUNT, block=block_ms)
        if not found:
            return self._changed_epochs(cursors)
        names = {self._keys.log(log).encode(): log for log in cursors}
        pages = {}
        for key, entries in found:
            log = names[key]
            page = _page(cursors[log], entries)
            # Fewer than were asked for: they go to the log's end.
            is_end = len(entries) < COUNT
            pages[log] = page if is_end else replace(page, head=self.head(log).seq)
        return pages

    def _changed_epochs(self, cursors: Mapping[str, Cursor]) -> dict[str, LogPage]:
        # A log that was lost and began again counts from 1: a read after an old seq stays silent.
        pages = {}
        for log, cursor in cursors.items():
            head = self.head(log)
            if head.seq < cursor.seq or cursor.epoch not in ("", head.epoch):
                pages[log] = LogPage(epoch=head.epoch, events=(), head=head.seq, is_gap=True)
        return pages


def _is_another(after: Cursor, head: Cursor, last: Sequence[Any]) -> bool:
    """Return whether the event that was read last is not the log's at its place."""
    return head.seq < after.seq or any(_event(entry).at != after.at for entry in last)


def _page(after: Cursor, entries: Sequence[Any]) -> LogPage:
    events = tuple(_event(entry) for entry in entries)
    epoch = entries[0][1][_EPOCH].decode()
    is_gap = after.epoch not in ("", epoch) or events[0].seq != after.seq + 1
    return LogPage(epoch=epoch, events=events, head=events[-1].seq, is_gap=is_gap)


def _event(entry: tuple[bytes, Mapping[bytes, bytes]]) -> Event:
    id, fields = entry
    try:
        kind, data = fields[_TYPE].decode(), fields[_DATA].decode()
        at, job = int(fields[_AT]), fields[_JOB].decode()
    except (KeyError, ValueError) as error:
        raise DecodeError(f"entry {id!r} of a log cannot be read: {error!r}") from error
    return wire.event_from(kind, data, seq=int(id.split(b"-")[0]), at=at, job=job)
