"""The example tasks, against published values."""

from __future__ import annotations

import itertools
import math
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hearing import Hearing

from taskkit.inside.place import listening
from taskkit.protocol.errors import InvalidArguments
from taskkit_worker.catalogue import Catalogue
from taskkit_worker.tasks.demo import demo
from taskkit_worker.tasks.ising import ising
from taskkit_worker.tasks.primes import SEGMENT, primes

Report = tuple[float, float | None, str]


@contextmanager
def reports() -> Iterator[list[Report]]:
    """Collect what a task reports within the block."""
    hearing = Hearing()
    with listening(hearing):
        yield hearing.reports


def arithmetic_geometric_mean(a: float, b: float) -> float:
    """Return what repeated arithmetic and geometric means of two numbers tend to."""
    while abs(a - b) > 1e-14:
        a, b = (a + b) / 2, math.sqrt(a * b)
    return a


def onsager_energy(temperature: float) -> float:
    """Return the energy per spin of an infinite lattice. Source: Onsager 1944, equation 116.

    The elliptic integral in it is K = pi / (2 agm(1, k')), and its complementary modulus k' is the
    absolute value of the factor before it. Source: Abramowitz and Stegun, 17.6.3.
    """
    x = 2 / temperature
    factor = 2 * math.tanh(x) ** 2 - 1
    return -(1 + factor / arithmetic_geometric_mean(1.0, abs(factor))) / math.tanh(x)


def yang_magnetisation(temperature: float) -> float:
    """Return the spontaneous magnetisation per spin. Source: Yang, Phys. Rev. 85 (1952) 808."""
    return float((1 - math.sinh(2 / temperature) ** -4) ** (1 / 8))


def enumerated_energy(size: int, temperature: float) -> float:
    """Return the energy per spin of a small periodic lattice, summed over all its states."""
    states = np.array(list(itertools.product((-1, 1), repeat=size * size)), dtype=np.int8)
    spins = states.reshape(-1, size, size)
    bonds = spins * np.roll(spins, 1, axis=1) + spins * np.roll(spins, 1, axis=2)
    energies = -bonds.sum(axis=(1, 2), dtype=np.int64)
    weights = np.exp(-(energies - energies.min()) / temperature)
    return float((energies * weights).sum() / weights.sum()) / size**2


def test_the_yardstick_is_onsagers_at_the_critical_temperature() -> None:
    """At the critical temperature the exact energy is -sqrt(2)."""
    critical = 2 / math.log(1 + math.sqrt(2))
    assert onsager_energy(critical * (1 + 1e-9)) == pytest.approx(-math.sqrt(2), abs=1e-6)


@pytest.mark.parametrize("temperature", [2.0, 2.7])
def test_ising_has_onsagers_energy(temperature: float) -> None:
    """Below and above the critical temperature, within 4 standard errors of at most 0.002."""
    result = ising(size=64, temperature=temperature, sweeps=4000, seed=1)
    assert result["energy_error"] < 0.002
    assert abs(result["energy"] - onsager_energy(temperature)) < 4 * result["energy_error"]


def test_ising_has_yangs_magnetisation() -> None:
    """In the ordered phase, within 4 standard errors of at most 0.002."""
    result = ising(size=64, temperature=2.0, sweeps=4000, seed=1)
    assert result["magnetisation_error"] < 0.002
    assert (
        abs(result["magnetisation"] - yang_magnetisation(2.0)) < 4 * result["magnetisation_error"]
    )


@pytest.mark.parametrize(("size", "temperature"), [(2, 2.0), (4, 3.0)])
def test_ising_reaches_every_state_of_a_small_lattice(size: int, temperature: float) -> None:
    """Its energy is the sum over all states, within 4 standard errors of at most 0.01."""
    result = ising(size=size, temperature=temperature, sweeps=20_000, seed=1)
    assert result["energy_error"] < 0.01
    assert abs(result["energy"] - enumerated_energy(size, temperature)) < 4 * result["energy_error"]


def test_ising_errors_are_of_the_right_size() -> None:
    """Of 20 runs the energies scatter by what the runs say of their errors, within a factor 2."""
    runs = [ising(size=16, temperature=3.0, sweeps=500, seed=seed) for seed in range(20)]
    scatter = np.std([run["energy"] for run in runs], ddof=1)
    told = np.mean([run["energy_error"] for run in runs])
    assert 0.5 < scatter / told < 2


def test_ising_repeats_itself_for_the_same_seed_only() -> None:
    """A seed names one run."""
    first, again, other = (ising(size=8, sweeps=100, seed=seed) for seed in (5, 5, 6))
    assert first == again
    assert first != other


def test_ising_reports_each_sweep() -> None:
    """The warming up counts, too."""
    with reports() as seen:
        ising(size=4, temperature=2.5, sweeps=100)
    assert [done for done, _, _ in seen] == list(range(121))
    assert {(total, message) for _, total, message in seen} == {(120, "T = 2.5")}


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("size", 63),
        ("size", 0),
        ("size", 2048),
        ("temperature", 0),
        ("temperature", -1.0),
        ("sweeps", 10),
        ("seed", -1),
        ("seed", "x"),
    ],
)
def test_a_worker_refuses_what_ising_cannot_simulate(argument: str, value: object) -> None:
    """The message names the argument and no other."""
    with pytest.raises(InvalidArguments) as caught:
        Catalogue().call("ising", {argument: value})
    assert list(caught.value.details["arguments"]) == [argument]


@pytest.mark.parametrize(
    ("limit", "count"),
    [(0, 0), (1, 0), (2, 1), (10, 4), (100, 25), (10**6, 78_498), (10**7, 664_579)],
)
def test_primes_counts_as_published(limit: int, count: int) -> None:
    """Source: OEIS A006880 for the powers of ten."""
    assert primes(limit) == count


@pytest.mark.parametrize("limit", [SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT])
def test_primes_loses_none_between_segments(limit: int) -> None:
    """Where one segment ends and the next begins the count is that of trial division."""
    near = range(limit - 50, limit + 1)
    found = sum(all(n % d for d in range(2, math.isqrt(n) + 1)) for n in near)
    assert primes(limit) - primes(limit - 51) == found


def test_primes_reports_each_segment() -> None:
    """A bar that ends full."""
    with reports() as seen:
        primes(3 * SEGMENT)
    assert [(done, total) for done, total, _ in seen] == [(n, 4) for n in range(5)]


def test_demo_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    """Its lines tell the time, the worker's host and the name; it takes about 4 s."""
    began = time.monotonic()
    with reports() as seen:
        sentence = demo("Hello")
    assert time.monotonic() - began > 3.9
    host = re.escape(socket.gethostname())
    started, finished = capsys.readouterr().out.splitlines()
    assert re.fullmatch(rf"\d\d:\d\d:\d\d Worker {host} started  Task Hello", started)
    assert re.fullmatch(rf"\d\d:\d\d:\d\d Worker {host} finished Task Hello", finished)
    assert sentence == f"Task Hello took 4 s on {socket.gethostname()}."
    assert [(done, total) for done, total, _ in seen] == [(n, 20) for n in range(21)]
