"""The part of a client that finds jobs again, whoever submitted them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from ..protocol import wire
from ..protocol.errors import RequestError
from ..protocol.options import JobOptions
from . import history
from .batch import Batch
from .history import Since, States
from .items import Items
from .job import Job
from .link import Link
from .session import short
from .shares import Share, shares
from .shipping import name_of

MOST_REATTACHED = 1000
"""How many jobs `reattach` returns at most, the newest."""


class Finder:
    """Asks the server for jobs by their id, by what they are, or by the notebook they belong to."""

    _link: Link
    _options: JobOptions

    @property
    def session(self) -> str:
        """What its jobs are found by after a restart; empty if nothing is known."""
        return self._options.session

    def job(self, job_id: str) -> Job[Any]:
        """Return the job of this id, from whichever client it came.

        Raises:
            JobNotFound: There is none.
        """
        return self._link.attach(wire.record_from_wire(self._link.http.get(f"/jobs/{job_id}")))

    def jobs(
        self,
        name: str | None = None,
        state: States | None = None,
        since: Since | None = None,
        session: str | None = None,
        limit: int = 100,
    ) -> list[Job[Any]]:
        """Return your newest jobs, newest first, from whichever clients they came.

        name: only those of this name or task.
        state: only those in this state, or in one of several.
        since: only those submitted after a time (without a zone: local time; text as in ISO 8601),
            or so long ago at most.
        session: only those of this session; None stands for all.

        >>> from datetime import timedelta
        >>> from taskkit import Client
        >>> client = Client()
        >>> job = client.options(name="newest").submit(pow, 2, 10)
        >>> job.result()
        1024
        >>> client.jobs("newest", state="succeeded", since=timedelta(minutes=5), limit=1)
        [<Job newest: succeeded>]

        A final one's result is brought when it is asked for.
        """
        asked = history.query(
            name=name, state=state, since=since, session=session, now=datetime.now(UTC)
        )
        found = history.records(self._link.http, asked, limit)
        return [self._link.attach(record) for record in found]

    def forget(self, task: Callable[..., Any] | str | None = None) -> None:
        """Have no job that is there stand for an equal call any more; see `options(cache=True)`.

        Of one function, or of the task of a name, or of all. The jobs and their results stay.
        """
        name = "" if task is None else quote(name_of(task), safe="")
        self._link.http.delete(f"/calls?task={name}" if name else "/calls")

    def shares(self) -> list[Share]:
        """Return the links by which others look at your jobs, the oldest first; see `Job.share`.

        Those that have ended are listed for a month. What a link is, is told only when it is made.

        >>> from taskkit import Client
        >>> [share.revoke() for share in Client().shares() if share.used_at is None]
        []
        """
        return shares(self._link.http)

    def reattach(self, session: str | None = None) -> Batch[Any]:
        """Return all jobs of this client's session, or of another, as one batch, oldest first.

        It needs nothing but the session: after a restart of the kernel, the first cell and this are
        enough. Of more than 1,000 jobs they are the newest; results are brought when asked for.

        >>> from taskkit import Client
        >>> client = Client(session="a notebook of 2026")
        >>> first = client.submit(pow, 2, 10).result()
        >>> list(Client().reattach("a notebook of 2026"))[-1]
        1024

        Raises:
            RequestError: The client has no session, and none is named.
        """
        session = self.session if session is None else session
        if not session:
            raise RequestError(
                "This client does not know which notebook it is in, and so not which jobs are its "
                "own: set TASKKIT_SESSION before they are submitted, or name a session by "
                "client.reattach('…'); client.jobs() lists the jobs of all."
            )
        jobs = self.jobs(session=session, limit=MOST_REATTACHED)
        return Batch(short(session), Items.alone(jobs[::-1]), self._link.connection, None)
