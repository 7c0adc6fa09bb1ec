"""A process with notebooks in it; does what it is told line by line, and answers each with one.

``python -m scale.driver``, with what it needs as JSON in the first line; `scale.fleet` starts it.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import aiohttp

from .notebook import Notebook, Seen

SUBMITTING = 4
"""How many of them send a request at the same time."""


class Driver:
    """Its notebooks, in the order in which they came."""

    def __init__(self, http: aiohttp.ClientSession, told: dict[str, Any]) -> None:
        self._http = http
        self._url: str = told["url"]
        self._users: list[tuple[str, str]] = told["users"]
        self._name: str = told["name"]
        self._seen = Seen()
        self._books: list[Notebook] = []
        self._numbers = count()
        self._expected = 0
        #: How many final events its notebooks are to hear of, all together.

    async def join(self, notebooks: int, per_s: float, readers: int) -> dict[str, Any]:
        """Let notebooks come until there are so many, one after the other, `readers` a user."""
        joining = []
        while len(self._books) < notebooks:
            n = len(self._books)
            user, token = self._users[n // readers % len(self._users)]
            book = Notebook(self._url, user, token, self._http, self._seen, page=n % 10 == 9)
            self._books.append(book)
            joining.append(asyncio.create_task(book.join()))
            await asyncio.sleep(1 / per_s)
        async with asyncio.timeout(120):
            await asyncio.gather(*joining)
        return await self.tell()

    async def leave(self, notebooks: int) -> dict[str, Any]:
        """Let the last ones go until there are so many."""
        gone, self._books = self._books[notebooks:], self._books[:notebooks]
        await asyncio.gather(*(book.leave() for book in gone))
        return await self.tell()

    async def submit(
        self, jobs: int, batch: int, task: str, arguments: dict[str, Any]
    ) -> dict[str, Any]:
        """Submit so many, in requests of `batch`, from all notebooks in turn."""
        requests = []
        while jobs > 0:
            some = min(batch, jobs)
            jobs -= some
            requests.append(
                [
                    {"task": task, "arguments": arguments, "key": f"{self._name}-{n}"}
                    for n, _ in zip(self._numbers, range(some), strict=False)
                ]
            )
        waiting = iter(enumerate(requests))
        made: set[str] = set()

        async def work() -> None:
            for n, request in waiting:
                book = self._books[n % len(self._books)]
                made.update(await book.submit(request))
                readers = sum(other.user == book.user for other in self._books)
                self._expected += readers * len(request)

        await asyncio.gather(*(work() for _ in range(SUBMITTING)))
        return {"made": len(made)}

    async def behind(self, heads: dict[str, int]) -> dict[str, Any]:
        """Say how many notebooks have not read up to their user's head."""
        return {"behind": sum(book.cursor.seq < heads.get(book.user, 0) for book in self._books)}

    async def tell(self) -> dict[str, Any]:
        """Say what was seen."""
        return {
            "open": sum(book.is_open for book in self._books),
            "expected": self._expected,
            "twice": sum(book.twice_final() for book in self._books),
            "counts": dict(self._seen.counts),
            "faults": self._seen.faults,
        }


async def main() -> None:
    """Do what comes on the standard input, until it ends."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    told = json.loads(await lines.readline())
    trusted = ssl.create_default_context(cafile=told["certificate"])
    connector = aiohttp.TCPConnector(ssl=trusted, limit=0)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        driver = Driver(http, told)
        while line := await lines.readline():
            asked = json.loads(line)
            verb: Callable[..., Awaitable[dict[str, Any]]] = getattr(driver, asked.pop("do"))
            try:
                answer = await verb(**asked)
            except Exception as error:  # noqa: BLE001  # the edge: its parent raises it
                answer = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(answer), flush=True)
        await driver.leave(0)


if __name__ == "__main__":
    asyncio.run(main())
