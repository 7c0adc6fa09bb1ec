"""The part of a client by which others are made of it, that submit with other options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Self

from ..protocol.options import JobOptions
from .environments import Fitted
from .link import Link
from .options import KEPT, Cache, Kept, RetryOn, checked


class Optioned:
    """Has options, and makes light copies with others."""

    _link: Link
    _hold: Any
    _key: str | None
    _is_worker_required: bool
    _is_any_environment: bool
    _cache: Cache
    _options: JobOptions

    def options(
        self,
        *,
        name: str | Kept = KEPT,
        session: str | Kept = KEPT,
        key: str | Kept | None = KEPT,
        retries: int | Kept = KEPT,
        retry_on: RetryOn | Kept = KEPT,
        timeout_s: float | Kept | None = KEPT,
        memory_mib: float | Kept | None = KEPT,
        queue: str | Kept = KEPT,
        priority: int | Kept = KEPT,
        cpus: int | Kept | None = KEPT,
        tags: str | Iterable[str] | Kept = KEPT,
        python: str | Kept = KEPT,
        packages: Mapping[str, str] | Kept = KEPT,
        require_worker: bool | Kept = KEPT,
        any_environment: bool | Kept = KEPT,
        cache: Cache | Kept = KEPT,
    ) -> Self:
        """Return a client that submits with these options, over the same connection.

        What is not given stays as it is with this client. For `map` they hold for each job.

        name: what panels call the job, and what `jobs` finds it by, instead of the task's name.
        session: the notebook that the job belongs to, for `reattach`.
        key: the job's own key. Submitting the same call again under it, from whichever kernel,
            returns the same job; another call under it is refused (`KeyReused`). For `map`, each
            item has its place added, so that a longer list makes new jobs of the new items only.
        retries: how often the job is tried again after it raised; the waits in between double.
        retry_on: after which exceptions: a class, a qualified name, or several; after any where
            there are none. Those that derive from one are meant, too.
        timeout_s: how long one attempt may run; then the job raises `JobTimedOut`.
        memory_mib: how much memory its process may take on top of what it has before; its worker
            keeps that much of its own for it.
        queue: where it waits, for workers that serve this queue (`taskkit worker --queues gpu`).
        priority: of your own jobs in a queue, those with the highest begin first; -100 to 100.
        cpus: how many of its worker's cores it takes; the threads of numerical libraries are so
            many. Without, it takes one process' share.
        tags: what its worker must have been given (`taskkit worker --tags gpu`), all of them.
        python, packages: which minor version of Python its worker must run, and which
            distributions it must have, such as ``{"numpy": "==1.26.*"}``.
        require_worker: refuse it (`NoWorkerFits`) where no worker is there that could run it now;
            otherwise it waits for one, and its panel says what for.
        any_environment: have any worker with this Python run it, whatever packages it has; else
            those of the packages that it uses must be of the same series as here.
        cache: run it only where it is not known: else it is the job of an equal call, and has its
            result. Equal are the function's code and that of the functions it calls, the globals
            that they read, arguments, and versions of packages; see docs/cache.md. With "renew" it
            is run in any case, and later calls get that result.

        >>> patient = Client().options(name="fit", retries=2, retry_on=OSError, timeout_s=60)
        >>> patient.submit(pow, 2, 10).title
        'fit'

        Raises:
            TypeError, ValueError: An option cannot be; the message names it.
        """
        given = checked(
            {
                "name": name,
                "session": session,
                "key": key,
                "retries": retries,
                "retry_on": retry_on,
                "timeout_s": timeout_s,
                "memory_mib": memory_mib,
                "queue": queue,
                "priority": priority,
                "cpus": cpus,
                "tags": tags,
                "python": python,
                "packages": packages,
                "require_worker": require_worker,
                "any_environment": any_environment,
                "cache": cache,
            }
        )
        other = object.__new__(type(self))
        other._link, other._hold = self._link, self._hold
        other._key = given.pop("key", self._key)
        other._is_any_environment = given.pop("any_environment", self._is_any_environment)
        other._is_worker_required = given.pop("require_worker", self._is_worker_required)
        other._cache = given.pop("cache", self._cache)
        if other._key is not None and other._cache:
            raise ValueError("a job is known by its key or by what it is, not both: key or cache")
        other._options = replace(self._options, **given)
        return other

    def _fitted(self) -> Fitted:
        environments = self._link.environments
        return environments.by_python_alone if self._is_any_environment else environments.fitted
