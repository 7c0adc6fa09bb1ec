"""What workers call for each point of a study."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .optional import needed
from .points import Values
from .seeds import seed_of, sequence_of

SEEDS = ("seed", "rng")
"""What a function may ask for by the name of a parameter."""


@dataclass(frozen=True, slots=True)
class Calling:
    """A function of parameters by name, as a function of a point and a repeat."""

    func: Callable[..., Any]
    #: So called that it is seen through: the jobs are named after it.
    root: int
    wants: tuple[str, ...]
    #: Which of `SEEDS` it is given.

    def __call__(self, values: Values, digest: bytes, repeat: int) -> Any:
        """Call the function with a point's parameters and the seed that is this call's own."""
        given = dict(values)
        if self.wants:
            sequence = sequence_of(self.root, digest, repeat)
            if "seed" in self.wants:
                given["seed"] = seed_of(sequence)
            if "rng" in self.wants:
                random = needed("numpy", "a function with the parameter `rng`").random
                given["rng"] = random.default_rng(sequence)
        return self.func(**given)


def calling_of(func: Callable[..., Any], root: int, example: Values) -> Calling:
    """Return how a function is called, after a look at whether it can be called so at all.

    Raises:
        TypeError: It is no function, or has no such parameters.
    """
    if not callable(func):
        raise TypeError(f"a study needs a function, not {func!r:.200}")
    try:
        signature = inspect.signature(func)
    except ValueError:  # of some that are written in C nobody knows
        return Calling(func, root, ())
    named = {
        name
        for name, parameter in signature.parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    wants = tuple(name for name in SEEDS if name in named and name not in example)
    try:
        signature.bind(**example, **dict.fromkeys(wants))
    except TypeError as error:
        name = getattr(func, "__name__", repr(func))
        told = f"{name}{signature} cannot be called with {', '.join(example)}: {error}"
        raise TypeError(told) from None
    return Calling(func, root, wants)
