"""Runs programs in a kernel (`kernel`), many a second, and judges what they say they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mutants import Mutant
from programs import Program

ANYWAY = ("version",)
"""Kinds of changes that count whatever the result."""

KERNEL = Path(__file__).with_name("kernel.py")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Told:
    """What came of a program."""

    key: str = ""
    unsure: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    result: str = ""
    trouble: str = ""
    #: Why it could not be run so far.


class Kernels:
    """Processes that run programs, each beginning with another order of sets."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._processes: dict[int, subprocess.Popen[str]] = {}

    def run(self, program: Program, *, seed: int = 1) -> Told:
        """Return what came of a program in the kernel of this hash seed."""
        process = self._processes.get(seed) or self._start(seed)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({**asdict(program), "site": str(self._site)}) + "\n")
        process.stdin.flush()
        return Told(**json.loads(process.stdout.readline()))

    def stop(self) -> None:
        """End them."""
        for process in self._processes.values():
            process.communicate(timeout=60)

    @property
    def _site(self) -> Path:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self._base / "lib" / version / "site-packages"

    def _start(self, seed: int) -> subprocess.Popen[str]:
        self._site.mkdir(parents=True, exist_ok=True)
        env: dict[str, Any] = {
            **os.environ,
            "PYTHONHASHSEED": str(seed),
            "PYTHONUSERBASE": str(self._base),
            "PYTHONPATH": str(ROOT),
            "OPENBLAS_NUM_THREADS": "1",
            "IPYTHONDIR": str(self._base / "ipython"),
        }
        self._processes[seed] = process = subprocess.Popen(  # our own
            [sys.executable, str(KERNEL)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=env,
        )
        return process


@contextmanager
def kernels(base: Path) -> Iterator[Kernels]:
    """Yield kernels that end with the block."""
    running = Kernels(base)
    try:
        yield running
    finally:
        running.stop()


@dataclass
class Verdict:
    """What a mutation suite has found."""

    false_hits: list[str] = field(default_factory=list)
    hits: Counter[str] = field(default_factory=Counter)
    misses: Counter[str] = field(default_factory=Counter)
    #: By kind, of those that do the same.
    caught: Counter[str] = field(default_factory=Counter)
    #: By kind, of those that do something else.
    alike: Counter[str] = field(default_factory=Counter)
    #: By kind, of changed programs that do the same for these arguments, and were run again.
    unrunnable: int = 0
    missed: list[str] = field(default_factory=list)
    #: Which of those that do the same were run again.

    def judge(self, base: Told, mutant: Mutant, told: Told, *, is_neutral: bool) -> None:
        """Count one."""
        is_hit = bool(told.key) and told.key == base.key
        if told.trouble:
            self.unrunnable += 1
            assert not is_neutral, f"{mutant.what}: {told.trouble}"
        elif told.result != base.result or mutant.kind in ANYWAY:
            assert not is_neutral, (mutant.kind, mutant.what, mutant.program, base, told)
            self.caught[mutant.kind] += 1
            if is_hit:
                self.false_hits.append(f"{mutant.program.name}, {mutant.kind}: {mutant.what}")
        elif is_neutral:
            (self.hits if is_hit else self.misses)[mutant.kind] += 1
            if not is_hit:
                self.missed.append(
                    f"{mutant.program.name}, {mutant.kind}: {told.unsure or differing(base, told)}"
                )
        elif not is_hit:
            self.alike[mutant.kind] += 1

    def report(self, promised: Iterable[str]) -> str:
        """Return the figures as text."""
        lines = [f"{sum(self.caught.values()):,} programs that do something else:"]
        lines += [f"  {kind}: {n}" for kind, n in sorted(self.caught.items())]
        lines.append(f"  FALSE HITS: {len(self.false_hits)}")
        lines += [f"    {one}" for one in self.false_hits]
        lines.append("programs that do the same, run again of how many (false misses):")
        for kind in sorted(self.hits | self.misses):
            of = self.hits[kind] + self.misses[kind]
            lines.append(f"  {kind}: {self.misses[kind]} of {of}")
        lines.append(f"  of the kinds promised: {self.rate(promised):.1%}")
        lines.append(f"changed, with the same result here, run again: {sum(self.alike.values())}")
        lines.append(f"changed, and cannot be run: {self.unrunnable}")
        return "\n".join(lines + [f"  missed: {one}" for one in self.missed])

    def rate(self, kinds: Iterable[str]) -> float:
        """Return the part of programs of some kinds that were run again for nothing."""
        chosen = set(kinds)
        misses = sum(n for kind, n in self.misses.items() if kind in chosen)
        hits = sum(n for kind, n in self.hits.items() if kind in chosen)
        return misses / max(1, misses + hits)


def differing(base: Told, told: Told) -> str:
    """Return the parts in which two programs differ."""
    names = base.parts.keys() | told.parts.keys()
    return ", ".join(sorted(n for n in names if base.parts.get(n) != told.parts.get(n)))
