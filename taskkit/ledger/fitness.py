"""What a Redis must be like to keep jobs, and what each setting that it may have can lose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..protocol.errors import Unavailable

OLDEST = (6, 2)
"""The first version of Redis whose commands the ledger gets by with."""

KEEPS_ALL = "noeviction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a Redis tells of itself. None: it does not tell, as managed ones often do not."""

    address: str
    #: Where it is, without a password.
    version: tuple[int, ...] | None = None
    #: Of Redis; Valkey names the one with which it is compatible.
    is_cluster: bool = False
    replica_of: str | None = None
    #: The address of its primary; None for a Redis that is one itself.
    max_memory_bytes: int = 0
    #: 0 for no limit.
    eviction: str = KEEPS_ALL
    #: What it does at that limit: its ``maxmemory-policy``.
    has_aof: bool = True
    #: Whether it writes an append-only file.
    fsync: str | None = None
    #: When that reaches the disk: its ``appendfsync``.
    pauses_fsync: bool | None = None
    #: Whether that is put off while the file is rewritten: its ``no-appendfsync-on-rewrite``.
    snapshots: str | None = None
    #: When it writes the whole of its memory: its ``save``; empty for never.


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a Redis may keep jobs."""

    refusal: str | None
    #: Why it may not, and what to do about it, in one sentence.
    warnings: tuple[str, ...]
    #: What it can lose though it may, a sentence each.

    def require(self) -> tuple[str, ...]:
        """Return the warnings.

        Raises:
            Unavailable: This Redis may not keep jobs.
        """
        if self.refusal is not None:
            raise Unavailable(self.refusal)
        return self.warnings


def judge(facts: Facts) -> Verdict:
    """Return what `facts` mean for jobs.

    >>> judge(Facts(address="db:6379", version=(5, 0, 7))).refusal
    'Redis at db:6379 is of version 5.0.7 and the ledger needs 6.2: upgrade it.'
    """
    here = f"Redis at {facts.address}"
    refusal = next(_objections(facts), None)
    return Verdict(
        refusal=None if refusal is None else f"{here} {refusal}",
        warnings=tuple(f"{here} {warning}" for warning in (*_eviction(facts), *_losses(facts))),
    )


def examine(url: str) -> Verdict:
    """Look at the Redis at `url` and judge it.

    Raises:
        Unavailable: It does not answer.
    """
    from .redis_facts import facts_of, refusal_of

    try:
        return judge(facts_of(url))
    except Unavailable as error:
        if refusal := refusal_of(error):
            return Verdict(refusal, ())
        raise


def _objections(facts: Facts) -> Iterator[str]:
    if facts.version is not None and facts.version < OLDEST:
        version, oldest = _dotted(facts.version), _dotted(OLDEST)
        yield f"is of version {version} and the ledger needs {oldest}: upgrade it."
    if facts.is_cluster:
        yield (
            "is a node of a cluster, where each holds a part of the keys, and the ledger's scripts "
            "need all of them in one place: use a Redis without cluster mode."
        )
    if facts.replica_of is not None:
        yield f"is a replica of {facts.replica_of}, which alone can be written: use that one."
    if facts.max_memory_bytes > 0 and facts.eviction != KEEPS_ALL:
        yield (
            f"drops jobs when its {_size(facts.max_memory_bytes)} of memory are full "
            f"(maxmemory-policy {facts.eviction}): set maxmemory-policy to {KEEPS_ALL}."
        )


def _eviction(facts: Facts) -> Iterator[str]:
    if facts.max_memory_bytes == 0 and facts.eviction != KEEPS_ALL:
        yield (
            "has no limit of memory, but would drop jobs at one "
            f"(maxmemory-policy {facts.eviction}): set maxmemory-policy to {KEEPS_ALL}."
        )


def _losses(facts: Facts) -> Iterator[str]:
    if not facts.has_aof:
        yield _without_aof(facts.snapshots)
        return
    match facts.fsync:
        case "always":
            if facts.pauses_fsync:
                yield (
                    "does not wait for the disk while it rewrites its append-only file: a power "
                    "cut or a crash of its machine can then lose whatever the kernel had not "
                    "written; set no-appendfsync-on-rewrite to no."
                )
        case "everysec":
            yield (
                "writes to the disk once a second (appendfsync everysec): a power cut or a crash "
                "of its machine can lose about the last two seconds of accepted jobs, the end of "
                "Redis alone loses none; set appendfsync to always to lose none at all."
            )
        case None:
            yield (
                "does not tell when it writes to the disk (CONFIG GET is refused): unless its "
                "appendfsync is always, a power cut or a crash of its machine can lose accepted "
                "jobs."
            )
        case other:
            yield (
                f"leaves it to the kernel when to write to the disk (appendfsync {other}): a power "
                "cut or a crash of its machine can lose whatever the kernel had not written, often "
                "half a minute of accepted jobs; set appendfsync to always to lose none."
            )


def _without_aof(snapshots: str | None) -> str:
    remedy = "set appendonly to yes and appendfsync to always."
    match snapshots:
        case None:
            return (
                "has no append-only file and does not tell of snapshots (CONFIG GET is refused): "
                f"its end can lose all jobs, or those since the last snapshot; {remedy}"
            )
        case "":
            return f"writes nothing to the disk: its end, also a restart, loses all jobs; {remedy}"
        case _:
            return (
                f"writes snapshots only (save {snapshots}): its death loses all that was accepted "
                f"since the last one; {remedy}"
            )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:,.0f} MiB" if size_bytes >= 2**20 else f"{size_bytes:,} bytes"
