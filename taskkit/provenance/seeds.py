"""Which of a job's arguments its chance depends on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_SEED = re.compile(r"(.*_)?(seed|random_state|rng|random_seed|seeds)", re.IGNORECASE)


def is_seed(name: str) -> bool:
    """Return whether an argument of this name is one.

    >>> [is_seed(name) for name in ("seed", "random_state", "noise_seed", "reseeded")]
    [True, True, True, False]
    """
    return _SEED.fullmatch(name) is not None


def seed_of(arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the arguments that are seeds, by name; None where none is called so.

    >>> seed_of({"n": 3, "seed": 7})
    {'seed': 7}
    """
    found = {name: value for name, value in arguments.items() if is_seed(name)}
    return found or None


def without_seed() -> str:
    """Return what a card says then."""
    return (
        "seed: no argument is called seed, random_state or rng; taskkit seeds nothing by itself, "
        "so that what the task draws by chance is drawn anew each time"
    )
