"""Values out of a fuzzer's bytes: so it mutates what a parser reads, and not only its brackets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol

MOST_DEPTH = 4


class Source(Protocol):
    """What `atheris.FuzzedDataProvider` has of this."""

    def ConsumeIntInRange(self, least: int, most: int) -> int: ...  # noqa: N802
    def ConsumeInt(self, size_bytes: int) -> int: ...  # noqa: N802
    def ConsumeBytes(self, most: int) -> bytes: ...  # noqa: N802
    def ConsumeUnicode(self, most: int) -> str: ...  # noqa: N802
    def ConsumeRegularFloat(self) -> float: ...  # noqa: N802
    def remaining_bytes(self) -> int: ...


class Bytes:
    """Such a source without atheris: reads from the front alone, and is poorer in what it gives."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def ConsumeBytes(self, most: int) -> bytes:  # noqa: N802
        taken, self._data = self._data[:most], self._data[most:]
        return taken

    def ConsumeInt(self, size_bytes: int) -> int:  # noqa: N802
        return int.from_bytes(self.ConsumeBytes(size_bytes), "little", signed=True)

    def ConsumeIntInRange(self, least: int, most: int) -> int:  # noqa: N802
        return least + int.from_bytes(self.ConsumeBytes(4), "little") % (most - least + 1)

    def ConsumeUnicode(self, most: int) -> str:  # noqa: N802
        return self.ConsumeBytes(most).decode("utf-16-le", "ignore")

    def ConsumeRegularFloat(self) -> float:  # noqa: N802
        return self.ConsumeInt(4) / 7

    def remaining_bytes(self) -> int:
        return len(self._data)


def text(source: Source, words: Sequence[str]) -> str:
    """Return one of the words, or anything, lone surrogates among it."""
    if source.ConsumeIntInRange(0, 1):
        return words[source.ConsumeIntInRange(0, len(words) - 1)]
    return source.ConsumeUnicode(source.ConsumeIntInRange(0, 40))


def value(source: Source, words: Sequence[str], depth: int = 0) -> Any:
    """Return a value that JSON can hold."""
    match source.ConsumeIntInRange(0, 8 if depth < MOST_DEPTH and source.remaining_bytes() else 5):
        case 0:
            return None
        case 1:
            return bool(source.ConsumeIntInRange(0, 1))
        case 2:
            return source.ConsumeInt(source.ConsumeIntInRange(1, 9))
        case 3:
            return source.ConsumeRegularFloat()
        case 4 | 5:
            return text(source, words)
        case 6:
            return [value(source, words, depth + 1) for _ in range(source.ConsumeIntInRange(0, 4))]
    return {
        text(source, words): value(source, words, depth + 1)
        for _ in range(source.ConsumeIntInRange(0, 6))
    }


def body(source: Source, words: Sequence[str]) -> bytes:
    """Return JSON, mostly; else the bytes as they are."""
    if source.ConsumeIntInRange(0, 3):
        return json.dumps(value(source, words)).encode()
    return source.ConsumeBytes(source.remaining_bytes())
