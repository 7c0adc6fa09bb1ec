"""What the task `ising` computes; apart from it, so that only a worker that runs it loads NumPy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

import taskkit

BLOCKS = 20
"""Into how many stretches a run is cut to estimate its errors."""

PROPOSED = 0.9
"""The share of a colour's spins that are offered a flip at once.

Were it 1, flips that cost nothing would be certain, and a checkerboard of certain flips moves in
step: on small lattices some states would never be reached.
"""

Spins = npt.NDArray[np.int8]
Series = npt.NDArray[np.float64]


def simulate(size: int, temperature: float, sweeps: int, seed: int) -> dict[str, float]:
    """Return what `ising` does."""
    rng = np.random.default_rng(seed)
    # A site's four neighbours all have the other colour of a checkerboard: the sites of one colour
    # do not see one another and may be updated at once.
    black = np.ones((size, size // 2), dtype=np.int8)
    white = black.copy()
    chance = _chances(temperature)
    energies, magnetisations = np.empty(sweeps), np.empty(sweeps)
    warm_up = sweeps // 5
    for sweep in taskkit.track(range(-warm_up, sweeps), message=f"T = {temperature:g}"):
        _update(black, _field_on(white, first_row=0), chance, rng)
        _update(white, field := _field_on(black, first_row=1), chance, rng)
        if sweep >= 0:
            # Every bond joins a white site to a black one, so the white sites count each once.
            energies[sweep] = -np.sum(white * field, dtype=np.int64) / size**2
            total = np.sum(black, dtype=np.int64) + np.sum(white, dtype=np.int64)
            magnetisations[sweep] = abs(total) / size**2
    return {
        "energy": float(energies.mean()),
        "energy_error": _standard_error(energies),
        "magnetisation": float(magnetisations.mean()),
        "magnetisation_error": _standard_error(magnetisations),
    }


def _chances(temperature: float) -> npt.NDArray[np.float32]:
    """Return the chance of a flip by ``spin * field + 4``; the flip costs 2 J spin field."""
    cost = 2.0 * np.arange(-4, 5)
    chances: Series = PROPOSED * np.exp(-np.maximum(cost, 0.0) / temperature)
    return chances.astype(np.float32)


def _field_on(other: Spins, *, first_row: int) -> Spins:
    """Return the sum of the four neighbours of each site of one colour; `other` holds the other.

    A colour's row i keeps its columns j // 2. In even rows black stands on even columns, so the
    neighbour to the left is one place back in white's row, and in odd rows the one to the right is
    one place on; for white it is the other way round: `first_row` is 0 for black and 1 for white.
    """
    field = np.roll(other, 1, axis=0) + np.roll(other, -1, axis=0) + other
    field[first_row::2] += np.roll(other[first_row::2], 1, axis=1)
    field[1 - first_row :: 2] += np.roll(other[1 - first_row :: 2], -1, axis=1)
    return field


def _update(
    spins: Spins, field: Spins, chance: npt.NDArray[np.float32], rng: np.random.Generator
) -> None:
    """Offer each spin one Metropolis flip in the given field, in place."""
    is_flipped = rng.random(spins.shape, dtype=np.float32) < chance[spins * field + 4]
    np.negative(spins, out=spins, where=is_flipped)


def _standard_error(series: Series) -> float:
    """Return the standard error of the mean of a correlated series, from the means of blocks."""
    length = len(series) // BLOCKS
    means = series[-length * BLOCKS :].reshape(BLOCKS, length).mean(axis=1)
    return float(means.std(ddof=1) / np.sqrt(BLOCKS))
