"""Cards of jobs: what the server tells, and what only their owner's Python can read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..blobs.store import Blobs
from ..protocol.errors import JobNotFound
from ..protocol.spec import unsealed
from .http import Http
from .sent import SentArguments

if TYPE_CHECKING:
    from ..provenance.card import Card
    from .carded import Carded, ItemCall


class Cards:
    """Of the jobs of one client; safe from any thread."""

    def __init__(
        self, http: Http, blobs: Blobs, behind: Callable[[Callable[[], None]], object]
    ) -> None:
        self._http = http
        self._blobs = blobs
        self._behind = behind
        #: Makes a call soon, in a thread of its own.
        self.sent = SentArguments()
        self._html: WeakKeyDictionary[Carded, str] = WeakKeyDictionary()
        self._asked: WeakKeyDictionary[Carded, threading.Event] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def of(self, job: Carded) -> Card:
        """Return a job's card; see `Carded.card`."""
        # Here, as in what follows: a client starts without what only cards need.
        from ..provenance.card import Card
        from ..provenance.redaction import redacted
        from .card_parts import CardParts
        from .filled import filled

        facts = self._http.get(f"/jobs/{job.id}/card")
        payload = self._payload(job, facts)
        parts = CardParts(self._http, self._blobs, facts, payload)
        return Card(redacted(filled(facts, payload, self._blobs)), parts.gathered)

    def of_item(self, job: Carded, item: ItemCall) -> Card:
        """Return the card of an item of a map, which a job carries."""
        from ..provenance.card import Card
        from ..provenance.redaction import redacted
        from .card_parts import CardParts
        from .filled import filled, of_call

        facts = self._http.get(f"/jobs/{job.id}/card")
        payload = self._payload(job, facts)
        parts = CardParts(self._http, self._blobs, facts, payload)
        if item.place is None:
            told = {**filled(facts, payload, self._blobs), "item": _said(item)}
            return Card(redacted(told), parts.gathered)
        told, own = of_call(facts, payload, self._blobs, item, job)
        return Card(redacted({**told, "item": _said(item)}), lambda: parts.gathered_of(own))

    def html(self, job: Carded, changed: Callable[[], None], *, wait_s: float) -> str | None:
        """Return a final job's card as HTML; see `Carded.card_html`."""
        with self._lock:
            asked = self._asked.get(job)
            is_first = asked is None
            if asked is None:
                asked = self._asked[job] = threading.Event()
        if is_first:
            self._behind(lambda: self._bring(job, asked, changed))
        asked.wait(wait_s)
        with self._lock:
            return self._html.get(job)

    def _bring(self, job: Carded, asked: threading.Event, changed: Callable[[], None]) -> None:
        html = ""
        try:
            from ..panels.card_table import fold_html

            html = fold_html(self.of(job))
        except Exception:  # noqa: BLE001  # the edge of a thread: a panel does without
            html = ""
        finally:
            with self._lock:
                self._html[job] = html
            asked.set()
            changed()

    def _payload(self, job: Carded, facts: Mapping[str, Any]) -> bytes | None:
        """Return what a job of a function was given; None where nobody has it any more."""
        if facts["arguments"]["form"] != "pickle":
            return None
        held = self.sent.of(job)
        if held is not None:
            return bytes(unsealed(held)[1])
        if not facts["arguments"]["is_kept"]:
            return None
        with suppress(JobNotFound):
            return self._http.fetch(f"/jobs/{job.id}/arguments")[1]
        return None


def _said(item: ItemCall) -> dict[str, Any]:
    return {"index": item.item, "of": item.items, "place": item.place}
