"""What a card stands for, as bytes: what is needed to repeat a job, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from ..blobs.content import Buffer
from ..protocol import wire

FILES = {
    "function": "function.pickle",
    "arguments": "arguments.pickle",
    "result": "result.pickle",
}
"""What a part is called in a folder; of JSON with another ending."""

BLOBS = "blobs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Of one job; None for what is not kept any more, or is none."""

    function: bytes | None = None
    #: As it was sent, with what stands behind its pickle.
    arguments: bytes | None = None
    #: A pickled ``(args, kwargs)``; JSON of a named task.
    result: bytes | None = None
    #: As it was stored: JSON or a pickle.
    media_type: str = wire.PICKLE
    #: Of the result.
    blobs: Mapping[str, Buffer] = field(default_factory=dict)
    #: What is large of the others, by its BLAKE3.
    is_resolved: bool = False
    #: Whether the arguments hold results of other jobs that were given as jobs.
    missing: tuple[str, ...] = ()
    #: What is not among them, and why.

    def files(self, form: str) -> Iterator[tuple[str, str, bytes]]:
        """Yield each part that there is: what it is, the file's name, and its bytes.

        form: of the arguments, as the card has it.
        """
        kinds = {
            "function": wire.PICKLE,
            "arguments": wire.JSON if form == "json" else wire.PICKLE,
            "result": self.media_type,
        }
        for name, kind in kinds.items():
            body = getattr(self, name)
            if body is not None:
                file = FILES[name]
                yield name, file.replace(".pickle", ".json") if kind == wire.JSON else file, body

    def listed(self, form: str) -> dict[str, Any]:
        """Return what a saved card says of them: files, sizes and digests."""
        told: dict[str, Any] = {
            name: {"file": file, "sha256": sha256(body).hexdigest(), "size_bytes": len(body)}
            for name, file, body in self.files(form)
        }
        if "arguments" in told and self.is_resolved:
            told["arguments"]["is_resolved"] = True
        told[BLOBS] = [
            {"file": f"{BLOBS}/{digest}", "blake3": digest, "size_bytes": memoryview(body).nbytes}
            for digest, body in sorted(self.blobs.items())
        ]
        told["missing"] = list(self.missing)
        return told
