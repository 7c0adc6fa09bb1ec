"""Whether a worker fits what a job needs, and in words what is lacking.

One pure predicate: the server asks it when a job comes, a worker when it looks for jobs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from .needs import Advert, Needs, canonical
from .options import DEFAULT_QUEUE

MOST_NAMED = 3
"""How many versions, tags or queues one sentence names; of more, only how many there are."""


def fits(needs: Needs, advert: Advert) -> bool:
    """Return whether a worker with this advert may run a job with these needs.

    >>> fits(Needs(cpus=8), Advert(cores=2)), fits(Needs(cpus=2), Advert(cores=2))
    (False, True)
    """
    if advert.cores is None and not needs.is_plain:
        return False  # it would not find a lane
    return all(part.holds(advert) for part in _parts(needs))


def why_not(needs: Needs, advert: Advert) -> str:
    """Return what keeps one worker from such a job, in words; nothing where it fits.

    >>> why_not(Needs(cpus=8, tags=("gpu",)), Advert(cores=2))
    'needs 8 cores and the tag gpu; this worker has 2 cores and no tags'
    """
    if fits(needs, advert):
        return ""
    if advert.cores is None and not needs.is_plain:
        return "this worker does not say what it has: it is of an older release"
    lacking = [part for part in _parts(needs) if not part.holds(advert)]
    asked = _listed([part.asked for part in lacking])
    return f"needs {asked}; this worker has {_listed([part.had([advert]) for part in lacking])}"


def shortfall(needs: Needs, adverts: Sequence[Advert]) -> str:
    """Return what is lacking where none of the live workers fits, and what there is; else nothing.

    >>> shortfall(Needs(cpus=8), [Advert(cores=2), Advert(cores=2)])
    'waits for a worker with 8 cores; live: 2 workers, with 2 cores each (queue default)'
    """
    if any(fits(needs, advert) for advert in adverts):
        return ""
    parts = list(_parts(needs))
    if not adverts:
        # Where nobody is, whoever comes is most likely to have what most workers have.
        wanted = _listed([part.asked for part in parts if part.name != "queue"])
        of = "" if needs.queue == DEFAULT_QUEUE else f" of queue {needs.queue}"
        return f"waits for a worker{of}{wanted and f' with {wanted}'}; none is there"
    serving = [advert for advert in adverts if needs.queue in advert.queues]
    there = f"{_count(len(adverts), 'worker')}"
    if not serving:
        queues = _queues(adverts)
        return f"waits for a worker of queue {needs.queue}; live: {there} ({queues})"
    # Of those who serve the queue: what nobody has, else what nobody has together.
    nobody = [part for part in parts if not any(part.holds(advert) for advert in serving)]
    lacking = nobody or [part for part in parts if part.name != "queue"]
    asked = _listed([part.asked for part in lacking])
    had = _listed([part.had(serving) for part in lacking]) if nobody else "none with all of it"
    there = _count(len(serving), "worker")
    return f"waits for a worker with {asked}; live: {there}, with {had} ({_queues(serving)})"


def is_specifier(text: str) -> bool:
    """Return whether it says which versions will do.

    >>> is_specifier("==1.26.*"), is_specifier("1.26.4"), is_specifier(""), is_specifier("new")
    (True, True, True, False)
    """
    try:
        _specifiers(text)
    except InvalidSpecifier:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Part:
    """One of a job's needs."""

    name: str
    asked: str
    holds: Callable[[Advert], bool]
    had: Callable[[Sequence[Advert]], str]


def _parts(needs: Needs) -> Iterator[_Part]:
    queue, cpus, memory_mib = needs.queue, needs.cpus, needs.memory_mib
    yield _Part("queue", f"the queue {queue}", lambda a: queue in a.queues, _queues)
    if cpus is not None:
        yield _Part(
            "cpus", _count(cpus, "core"), lambda a: cpus <= (a.cores or 0), _range_of("core")
        )
    if memory_mib is not None:
        yield _Part(
            "memory_mib",
            f"{math.ceil(memory_mib):,} MiB",
            # Where the system does not tell, the attempt's own limit must do.
            lambda a: a.memory_mib is None or memory_mib <= a.memory_mib,
            _memory,
        )
    for tag in needs.tags:
        yield _Part("tags", f"the tag {tag}", _has_tag(tag), _tags)
    if needs.python:
        minor = needs.python
        yield _Part("python", f"Python {minor}", lambda a: a.python_minor == minor, _pythons)
    for name, spec in sorted(needs.packages.items()):
        yield _package(canonical(name), spec)


def _has_tag(tag: str) -> Callable[[Advert], bool]:
    return lambda advert: tag in advert.tags


def _package(name: str, spec: str) -> _Part:
    def holds(advert: Advert) -> bool:
        return _is_version(_version(advert, name), spec)

    def had(adverts: Sequence[Advert]) -> str:
        versions = sorted({version for a in adverts if (version := _version(a, name))})
        return f"{name} {_or(versions)}" if versions else f"no {name}"

    bare = spec[2:] if spec.startswith("==") and not spec.startswith("===") else spec
    return _Part("packages", f"{name} {bare}".strip(), holds, had)


def _version(advert: Advert, name: str) -> str | None:
    return (advert.packages or {}).get(name)


def _is_version(version: str | None, spec: str) -> bool:
    if version is None:
        return False
    try:
        return _specifiers(spec).contains(Version(version), prereleases=True)
    except (InvalidVersion, InvalidSpecifier):
        return version == spec.removeprefix("===").removeprefix("==")


@lru_cache(maxsize=1024)
def _specifiers(text: str) -> SpecifierSet:
    try:
        return SpecifierSet(f"=={Version(text)}")
    except InvalidVersion:
        return SpecifierSet(text)


def _queues(adverts: Sequence[Advert]) -> str:
    names = sorted({queue for advert in adverts for queue in advert.queues})
    return f"{'queue' if len(names) == 1 else 'queues'} {_or(names)}"


def _range_of(noun: str) -> Callable[[Sequence[Advert]], str]:
    def had(adverts: Sequence[Advert]) -> str:
        counts = Counter(advert.cores or 0 for advert in adverts)
        each = " each" if len(adverts) > 1 else ""
        if len(counts) == 1:
            return f"{_count(next(iter(counts)), noun)}{each}"
        return f"{_count(max(counts), noun)} at most"

    return had


def _memory(adverts: Sequence[Advert]) -> str:
    most = max(advert.memory_mib or 0 for advert in adverts)
    return f"{most:,} MiB{' at most' if len(adverts) > 1 else ''}"


def _tags(adverts: Sequence[Advert]) -> str:
    names = sorted({tag for advert in adverts for tag in advert.tags})
    return f"the {'tag' if len(names) == 1 else 'tags'} {_or(names)}" if names else "no tags"


def _pythons(adverts: Sequence[Advert]) -> str:
    return f"Python {_or(sorted({advert.python_minor for advert in adverts}))}"


def _or(names: Sequence[str]) -> str:
    told = ", ".join(names[:MOST_NAMED])
    return told if len(names) <= MOST_NAMED else f"{told} and {len(names) - MOST_NAMED} more"


def _listed(words: Iterable[str]) -> str:
    """Return them as one list, each once.

    >>> _listed(["8 cores", "the tag gpu", "the tag big"])
    '8 cores, the tag gpu and the tag big'
    """
    each = list(dict.fromkeys(words))
    if len(each) > 2 * MOST_NAMED:
        each = [*each[: 2 * MOST_NAMED], f"{len(each) - 2 * MOST_NAMED} more"]
    return " and ".join(filter(None, (", ".join(each[:-1]), *each[-1:])))


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
