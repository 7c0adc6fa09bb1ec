"""Fuzzing by coverage, in short: what reads bytes of strangers holds, and each check can fail.

A long run is `make fuzz`.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from structures import Bytes
from targets import TARGETS

HERE = Path(__file__).parent
SEED = 20_261_126


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_random_bytes_are_harmless(name: str) -> None:
    """Also where atheris is not: without its eyes, and with each seed as it is."""
    check, chance = TARGETS[name].make(), random.Random(SEED)
    seeds = [path.read_bytes() for path in sorted((HERE / "corpus" / name).glob("*"))]
    assert seeds
    for data in [*seeds, *(chance.randbytes(chance.randrange(200)) for _ in range(50))]:
        check(Bytes(data))


def fuzzed(folder: Path, *words: str) -> tuple[int, dict[str, str]]:
    """Fuzz all targets briefly; return the exit code, and what is said of each."""
    pytest.importorskip("atheris", reason="atheris is not here: it has wheels for Linux on x86-64")
    command = [sys.executable, str(HERE), "--folder", str(folder), *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    told = dict(re.findall(r"^fuzz: (\w+): (sound|FOUND)", ran.stdout, re.MULTILINE))
    assert set(told) == set(TARGETS), ran.stdout + ran.stderr
    return ran.returncode, told


def ends(folder: Path) -> str:
    """Return the last that each target said."""
    return "\n".join(path.read_text(errors="replace")[-3000:] for path in folder.glob("*/log"))


@pytest.mark.timeout(600)
def test_nothing_is_found(tmp_path: Path) -> None:
    """In a few thousand runs of each, from its seeds."""
    code, told = fuzzed(tmp_path)
    assert (code, set(told.values())) == (0, {"sound"}), ends(tmp_path)


@pytest.mark.timeout(600)
def test_each_target_finds_a_mistake_that_was_planted(tmp_path: Path) -> None:
    """Or it would show nothing; what finds it is kept, to be looked at."""
    code, told = fuzzed(tmp_path, "--planted")
    assert code == 1
    assert {name for name, word in told.items() if word == "sound"} == set()
    assert {path.parent.name for path in tmp_path.glob("*/crash-*")} == set(TARGETS)
