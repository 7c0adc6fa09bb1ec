"""The part of jobs and batches that shows them to others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..protocol.errors import RequestError
from .shares import Expires, Share

if TYPE_CHECKING:
    from .service import Service


class Shareable:
    """Makes links to what has jobs."""

    def share(self, expires: Expires = None, note: str = "") -> Share:
        """Make a link by which whoever has it may look at this, and at nothing else.

        Its state and progress live, panel, output, figures and the result's preview; not the result
        itself, and nothing can be changed by it. ``print(share.url)`` shows the link.

        expires: a `timedelta`, or seconds; a month where it is not said. The server has a limit.
        note: what it is for; you see it where your shares are listed, the reader does not.

        >>> from datetime import timedelta
        >>> from taskkit import Client
        >>> job = Client().submit(pow, 2, 10)
        >>> share = job.share(expires=timedelta(days=7), note="for the group")
        >>> share.jobs == (job.id,)
        True
        >>> share.revoke()

        Of a map it shows the jobs that carry its items now.

        Raises:
            Forbidden: The token may not (it needs `read` and `submit`), or the server shares none.
            InvalidRequest: It would last longer than the server allows.
        """
        jobs = self._shown()
        if not jobs:
            raise RequestError("there is no job to share")
        ids = list(dict.fromkeys(job.id for job in jobs))
        return jobs[0].share_with(ids, expires, note)

    def _shown(self) -> Sequence[SharedJob]:
        raise NotImplementedError


class SharedJob(Shareable):
    """What a job has for that."""

    _service: Service

    if TYPE_CHECKING:

        @property
        def id(self) -> str: ...

    def share_with(self, ids: Sequence[str], expires: Expires, note: str) -> Share:
        """Make a share of this job and others. For the client."""
        return self._service.share(ids, expires, note)

    def _shown(self) -> Sequence[SharedJob]:
        return [self]
