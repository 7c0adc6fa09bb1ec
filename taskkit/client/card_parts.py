"""What is needed to repeat a job, brought from where it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..blobs.content import Buffer, Content, pieces
from ..blobs.digest import digest_of
from ..blobs.store import Blobs
from ..protocol import wire
from ..protocol.errors import BlobNotFound, FunctionNotFound, JobNotFinished, JobNotFound
from ..provenance.facts import blobs_in
from ..provenance.parts import Parts
from ..travel import values
from ..travel.classes import OWN_CLASSES
from ..travel.functions import pickle_arguments
from ..travel.outgoing import Outgoing, arrived
from .filled import Given, OwnCall, given_in
from .http import Http

NOT_KEPT = (FunctionNotFound, JobNotFound, JobNotFinished)


class Held:
    """A store that holds what is written to it; see `Blobs`."""

    def __init__(self) -> None:
        self.blobs: dict[str, Buffer] = {}

    def missing(self, digests: Iterable[str]) -> list[str]:
        """Return those that are not here."""
        return [digest for digest in dict.fromkeys(digests) if digest not in self.blobs]

    def write(self, digest: str, content: Content) -> None:
        """Hold a blob."""
        self.blobs[digest] = b"".join(pieces(content))

    def keep(self, content: Buffer) -> str:
        """Hold bytes, and return their digest."""
        digest = digest_of(content)
        self.blobs[digest] = content
        return digest

    def read(
        self,
        digest: str,
        *,
        size_bytes: int | None = None,  # noqa: ARG002
        is_checked: bool = False,  # noqa: ARG002
    ) -> memoryview:
        """Return a blob's bytes."""
        return memoryview(self.blobs[digest])


class CardParts:
    """Of one job, asked for when its card is saved."""

    def __init__(
        self, http: Http, blobs: Blobs, facts: Mapping[str, Any], payload: bytes | None
    ) -> None:
        self._http = http
        self._blobs = blobs
        self._facts = facts
        self._payload = payload
        self._missing: list[str] = []

    def gathered(self) -> Parts:
        """Return what is kept of the job."""
        self._missing = []
        parts = self._whole()
        if self._payload is not None and self._facts["job"]["after"]:
            parts = self._resolved(parts)
        return self._with_blobs(parts)

    def gathered_of(self, own: OwnCall) -> Parts:
        """Return that of one call of a job of many."""
        self._missing = []
        function = self._asked("function", "the function")
        parts = Parts(function=function)
        if own.given is not None:
            parts = self._given(parts, own.given)
        if own.encoded is not None:
            kind, body = own.encoded
            parts = replace(parts, media_type=kind, result=body)
        return self._with_blobs(parts)

    def _whole(self) -> Parts:
        form, is_named = self._facts["arguments"]["form"], self._facts["code"]["form"] != "function"
        function = None if is_named else self._asked("function", "the function")
        arguments = self._payload
        if form == "json":
            arguments = self._asked("arguments", "the arguments")
        elif arguments is None:
            self._missing.append("arguments: they are not kept any more")
        told, result = self._facts["result"], None
        if told is not None:
            result = self._asked("result", "the result")
        kind = told["media_type"] if told else wire.PICKLE
        return Parts(function=function, arguments=arguments, result=result, media_type=kind)

    def _asked(self, what: str, words: str) -> bytes | None:
        try:
            return self._http.fetch(f"/jobs/{self._facts['job']['id']}/{what}")[1]
        except NOT_KEPT as error:
            self._missing.append(f"{what}: {words} cannot be had ({error})")
            return None

    def _resolved(self, parts: Parts) -> Parts:
        """Put the results of jobs in their places: where it is repeated, there are no such jobs."""
        after = self._facts["job"]["after"]

        def result(place: int) -> Any:
            media_type, body = self._http.fetch(f"/jobs/{after[place]}/result")
            return values.decode(
                media_type, body, lambda one: arrived(one, self._blobs, OWN_CLASSES.load)
            )

        try:
            given = given_in(self._facts, self._payload or b"", self._blobs, results=result)
        except Exception as error:  # noqa: BLE001  # the edge around loading what user code made
            why = f"{type(error).__name__}: {error}"
            self._missing.append(f"arguments: the results that they hold cannot be had ({why})")
            return replace(parts, arguments=None)
        return self._given(parts, given)

    def _given(self, parts: Parts, given: Given) -> Parts:
        held = Held()
        try:
            pickled, _ = pickle_arguments(*given, Outgoing(held))
        except Exception as error:  # noqa: BLE001  # the edge around user code
            self._missing.append(f"arguments: they cannot be pickled again ({error})")
            return replace(parts, arguments=None)
        blobs = {**parts.blobs, **{digest: bytes(one) for digest, one in held.blobs.items()}}
        return replace(parts, arguments=pickled, blobs=blobs, is_resolved=True)

    def _with_blobs(self, parts: Parts) -> Parts:
        heads = (parts.function, parts.arguments, parts.result)
        needed = {one["blake3"] for head in heads if head for one in blobs_in(head)}
        if not parts.is_resolved:
            needed |= set(self._facts["arguments"].get("needs", ()))
        blobs = dict(parts.blobs)
        for digest in sorted(needed - blobs.keys()):
            try:
                blobs[digest] = self._blobs.read(digest, is_checked=True)
            except BlobNotFound:
                self._missing.append(f"blob {digest}: it is not kept any more")
        return replace(parts, blobs=blobs, missing=(*self._missing,))
