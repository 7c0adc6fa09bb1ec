"""The two-dimensional Ising model by Monte Carlo."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

import taskkit


@taskkit.task
def ising(
    size: Annotated[int, Field(ge=2, le=1024, multiple_of=2)] = 64,
    temperature: Annotated[float, Field(ge=0.1, le=10)] = 2.0,
    sweeps: Annotated[int, Field(ge=100, le=1_000_000)] = 1000,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> dict[str, float]:
    """Simulate the 2-D Ising model and return its energy and magnetisation.

    A periodic lattice of `size` x `size` spins, no field, in units where the coupling J and
    Boltzmann's constant are 1, so that `temperature` is k_B T / J (critical: 2.269). All spins
    start up; `sweeps` // 5 sweeps of Metropolis updates warm up, `sweeps` more are measured.

    Returns ``energy`` (per spin, -2 to 2) and ``magnetisation`` (its absolute value per spin, 0 to
    1), each with its standard error from 20 block means, ``energy_error`` and
    ``magnetisation_error``. Near the critical temperature a block must be long against the
    correlation time, which grows like `size`**2.17 sweeps, or the errors come out too small.

    Source: Metropolis et al., J. Chem. Phys. 21 (1953) 1087; for the errors Flyvbjerg and
    Petersen, J. Chem. Phys. 91 (1989) 461.

    >>> result = ising(size=16, temperature=1.0, sweeps=100)
    >>> -2 <= result["energy"] < -1.98
    True
    """
    from ..lattice import simulate

    return simulate(size, temperature, sweeps, seed)
