"""The processes that hold the notebooks, as one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

JOINING_PER_S = 40.0
"""How many come in a second, so that it is no storm."""


READERS = 2
"""How many notebooks a user has, unless it is said."""


class Fleet:
    """All notebooks. Each user's are in one process."""

    def __init__(self, processes: Sequence[subprocess.Popen[str]], users: list[str]) -> None:
        self._processes = processes
        self.users = users

    @property
    def pids(self) -> list[int]:
        """Of its processes."""
        return [process.pid for process in self._processes]

    def join(self, notebooks: int, readers: int = READERS) -> Counter[str]:
        """Have so many connected, `readers` a user; those that are too many leave first."""
        shares = _shared(notebooks, len(self._processes))
        self._each("leave", [{"notebooks": n} for n in shares])
        per_s = JOINING_PER_S / len(self._processes)
        self._each("join", [{"notebooks": n, "per_s": per_s, "readers": readers} for n in shares])
        return self.counts()

    def submit(
        self, jobs: int, batch: int, task: str = "scale_nothing", **arguments: object
    ) -> int:
        """Submit so many; return how many there are now of them."""
        shares = _shared(jobs, len(self._processes))
        asked = [{"jobs": n, "batch": batch, "task": task, "arguments": arguments} for n in shares]
        return sum(answer["made"] for answer in self._each("submit", asked))

    def behind(self, heads: dict[str, int]) -> int:
        """Return how many notebooks have not read up to these heads."""
        return sum(answer["behind"] for answer in self._all("behind", heads=heads))

    def counts(self) -> Counter[str]:
        """Return what they have met with, `open` and `twice` among it."""
        total: Counter[str] = Counter()
        for answer in self._all("tell"):
            total.update(answer["counts"])
            total.update({name: answer[name] for name in ("open", "twice")})
        return total

    def expected(self) -> int:
        """Return how many jobs were submitted, each once for every notebook of its user."""
        return sum(answer["expected"] for answer in self._all("tell"))

    def faults(self) -> list[str]:
        """Return what went wrong first, in words."""
        return [fault for answer in self._all("tell") for fault in answer["faults"]]

    def _all(self, verb: str, **words: object) -> list[dict[str, Any]]:
        return self._each(verb, [words] * len(self._processes))

    def _each(self, verb: str, words: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        for process, told in zip(self._processes, words, strict=True):
            assert process.stdin is not None
            process.stdin.write(json.dumps({"do": verb, **told}) + "\n")
            process.stdin.flush()
        answers = []
        for process in self._processes:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, f"a process of notebooks ended with {process.wait()}"
            answers.append(json.loads(line))
        for answer in answers:
            assert "error" not in answer, answer["error"]
        return answers


def _shared(total: int, among: int) -> list[int]:
    return [total // among + (n < total % among) for n in range(among)]


@contextmanager
def fleet(
    url: str,
    certificate: Path,
    drivers: int,
    tokens: dict[str, str],
    log: Path,
    environment: Callable[[], dict[str, str]],
) -> Iterator[Fleet]:
    """Start the processes; no notebook is there yet."""
    processes = []
    users = list(tokens.items())
    with log.open("wb") as errors:
        for n in range(drivers):
            process = subprocess.Popen(
                [sys.executable, "-m", "scale.driver"],
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            told = {"url": url, "certificate": str(certificate), "name": f"driver{n}"}
            assert process.stdin is not None
            process.stdin.write(json.dumps({**told, "users": users[n::drivers]}) + "\n")
            process.stdin.flush()
            processes.append(process)
    try:
        yield Fleet(processes, [user for user, _ in users])
    finally:
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()
        for process in processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
