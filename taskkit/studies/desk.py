"""What a study needs of the client that began it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..client.job import Job
from ..client.link import Link
from ..client.shipping import Shipped
from ..client.submitter import Request
from ..protocol.options import JobOptions


class Order(Protocol):
    """Makes a job and the request for it."""

    def __call__(
        self,
        task: Callable[..., Any],
        args: Sequence[Any],
        key: str | None,
        shipped: Shipped,
        *,
        name: str,
        session: str,
    ) -> tuple[Job[Any], Request]:
        """As `Client.submit` does with these options, but for the sending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A client, as its studies see it."""

    link: Link
    options: JobOptions
    #: Of the jobs; names and sessions are the study's affair.
    shipped: Callable[[Callable[..., Any]], Shipped]
    order: Order
