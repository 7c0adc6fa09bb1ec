"""Every Redis key of the ledger; `scripts/prelude.lua` has the same names."""

from __future__ import annotations

from dataclasses import dataclass

from .terms import JobRef


@dataclass(frozen=True, slots=True)
class Keys:
    """Key names under one prefix."""

    prefix: str

    def job(self, ref: JobRef) -> str:
        """Hash: a job's record and spec. Beside it ``:output`` and ``:result``, two strings."""
        return f"{self.prefix}u:{ref.owner}:job:{ref.id}"

    def keyed(self, owner: str, key: str) -> str:
        """String: the id of the job that was made under a key, and the digest of its spec."""
        return f"{self.prefix}u:{owner}:key:{key}"

    def forgotten(self, owner: str) -> str:
        """Hash: how often the calls of a task were forgotten; under "" those of all.

        ``call:SHA1`` is the job of a call, of its identity's key, what it is after, and how often
        that was; ``topic:DIGEST`` the last one that others are compared with. ``calls`` is a sorted
        set of the former, by when they were asked for last.
        """
        return f"{self.prefix}u:{owner}:forgotten"

    def jobs(self, owner: str) -> str:
        """Sorted set: ids of an owner's jobs by the time they were created."""
        return f"{self.prefix}u:{owner}:jobs"

    def final(self, owner: str, state: str) -> str:
        """Sorted set: ids of an owner's jobs in a final state, by when they are gone.

        It is made of the jobs, and made anew where it does not fit: an older release, which does
        not write it, may run beside this one.
        """
        return f"{self.prefix}u:{owner}:final:{state}"

    def session(self, owner: str, name: str) -> str:
        """Sorted set: as `jobs`, of those that belong to one session."""
        return f"{self.prefix}u:{owner}:session:{name}"

    def line(self, owner: str, queue: str) -> str:
        """Sorted set: ids of the jobs that may begin, by priority and as they were submitted."""
        return f"{self.prefix}u:{owner}:line:{queue}"

    def turns(self, queue: str) -> str:
        """Sorted set: the owners who have a job in line, by whose turn it is."""
        return f"{self.prefix}queue:{queue}:turns"

    def served(self, queue: str) -> str:
        """Hash: how many jobs were begun when an owner's last one was; under "" how many in all."""
        return f"{self.prefix}queue:{queue}:served"

    def log(self, name: str) -> str:
        """Stream: an owner's events. Beside it the hash ``:meta`` with its epoch and newest seq."""
        return f"{self.prefix}u:{name}:log"

    def blobs(self, owner: str) -> str:
        """Sorted set: the blobs that jobs need, by until when."""
        return f"{self.prefix}u:{owner}:blobs"

    def function(self, owner: str, digest: str) -> str:
        """String: a pickled function."""
        return f"{self.prefix}u:{owner}:function:{digest}"

    def sheet(self, owner: str, digest: str) -> str:
        """String: what many jobs share of how they ran, as JSON; see `terms.Sheet`."""
        return f"{self.prefix}u:{owner}:sheet:{digest}"

    def worker(self, name: str) -> str:
        """Hash: what a worker says of itself. Beside it the hash ``:leases``, lease -> pid, and the
        string ``:watched``, for as long as it need not be called again for `claim_more`."""
        return f"{self.prefix}worker:{name}"

    def wake(self, worker: str) -> str:
        """List: a push here ends a worker's wait for its next beat."""
        return f"{self.prefix}wake:{worker}"

    def orders(self, worker: str, pid: int) -> str:
        """List: what was handed to a process that waits. Beside it ``:waits:PID``, its queues.

        A queue has the list ``:waiting`` of such processes.
        """
        return f"{self.prefix}worker:{worker}:orders:{pid}"

    def environment(self, digest: str) -> str:
        """String: what workers of one image have installed, as JSON; gone with the last of them."""
        return f"{self.prefix}environment:{digest}"

    @property
    def lanes(self) -> str:
        """Hash: what the jobs of each lane need, as JSON. Beside it ``:used``, by when one was used
        last, ``:jobs``, how many active jobs each has, and ``:wakes``, a wake-up for each queue.

        ``lane:NAME:workers`` are those that serve it, ``worker:NAME:lanes`` the lanes of one.
        """
        return f"{self.prefix}lanes"

    @property
    def queues(self) -> str:
        """Set: names of all queues that ever held a job."""
        return f"{self.prefix}queues"

    @property
    def outgoing(self) -> str:
        """Sorted set: ``queue wake-up`` of those on their way to another broker, by until when."""
        return f"{self.prefix}outgoing"

    @property
    def counts(self) -> str:
        """Hash: how many jobs there are, by ``owner queue state``; of what is active.

        And under ``needy`` how many of all have needs."""
        return f"{self.prefix}counts"

    @property
    def limits(self) -> str:
        """Hash: how many jobs one owner may have, ``queued`` and ``running``."""
        return f"{self.prefix}limits"

    @property
    def workers(self) -> str:
        """Sorted set: names of workers by their last beat."""
        return f"{self.prefix}workers"

    @property
    def tasks(self) -> str:
        """String: the catalogue of the worker that joined last."""
        return f"{self.prefix}tasks"

    @property
    def schema(self) -> str:
        """Hash: the form of the keys, and the oldest code that can use it."""
        return f"{self.prefix}schema"

    @property
    def retention(self) -> str:
        """String: for how many ms a final job is kept."""
        return f"{self.prefix}retention_ms"

    @property
    def health(self) -> str:
        """String: written to learn whether Redis takes writes."""
        return f"{self.prefix}health"
