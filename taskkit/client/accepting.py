"""`Accepting`: ties a job to its link once the server has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..protocol.jobs import JobRecord

if TYPE_CHECKING:
    from .job import Job
    from .link import Link


class Accepting:
    """For the submitter; see `Submitted`."""

    def __init__(self, link: Link, job: Job[Any]) -> None:
        self._link = link
        self._job = job

    def accept(self, record: JobRecord) -> None:
        """The server has the job."""
        self._link.adopt(self._job, record)

    def refuse(self, error: BaseException) -> None:
        """The server does not want it."""
        self._job.refuse(error)
