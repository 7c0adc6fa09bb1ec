"""How jobs and items of maps tell how they came about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..travel.chunks import Call

if TYPE_CHECKING:
    from ..provenance.card import Card
    from .service import Service


class ItemCall(NamedTuple):
    """An item of a map."""

    item: int
    items: int
    #: How many items the map has.
    place: int | None
    #: Within its job's calls; None where the job is the item's alone.
    call: Call | None
    #: What it is called with, where that is known here.


class Carded:
    """What a job has for that."""

    _service: Service

    def card(self) -> Card:
        """Return how the job came about: code, arguments, seed, environment, attempts, output.

        At any time, also of a job of another kernel; a final job's does not change any more, but
        for what is not kept. It says what it does not know. ``card.save("run.zip")`` keeps it with
        what is needed to repeat the job, which ``taskkit rerun run.zip`` does.

        >>> from taskkit import Client
        >>> job = Client().submit(pow, 2, 10)
        >>> job.result()
        1024
        >>> card = job.card()
        >>> card["code"]["qualname"], card["arguments"]["items"][1]["preview"]
        ('pow', '10')

        Raises:
            RequestError: The server refused the job.
            JobNotFound: It is not kept any more.
            NotReachable: The server is away.
        """
        return self._service.cards.of(self)

    def card_of_item(self, item: ItemCall) -> Card:
        """Return that of an item which the job carries. For the batch."""
        return self._service.cards.of_item(self, item)

    def card_html(self, *, wait_s: float = 0.0) -> str | None:
        """Return the card as a panel has it: "" where it is not to be had, None where it comes.

        It is waited for `wait_s` seconds at most; who watches is called when it comes later.
        """
        return self._service.cards.html(self, self._changed, wait_s=wait_s)

    if TYPE_CHECKING:

        @property
        def id(self) -> str: ...

        def result(self, timeout: float | None = None) -> Any: ...

        def _changed(self) -> None: ...
