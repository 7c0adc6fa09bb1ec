"""A task that keeps one core busy with plain Python."""

from __future__ import annotations

from math import isqrt
from typing import Annotated

from pydantic import Field

import taskkit

SEGMENT = 2**18
"""How many numbers are sieved at once: what fits a core's cache, and a step of the progress bar."""


@taskkit.task
def primes(limit: Annotated[int, Field(ge=0, le=10**10)] = 10**8) -> int:
    """Count the primes up to a limit, itself included.

    A segmented sieve of Eratosthenes: time grows a little faster than `limit` (about 1 s for
    10**8), memory with its square root.

    Source: Bays and Hudson, "The segmented sieve of Eratosthenes and primes in arithmetic
    progressions to 10^12", BIT 17 (1977) 121. Published counts: OEIS A006880.

    >>> primes(100)
    25
    """
    small = _sieve(isqrt(limit))
    count = 0
    for start in taskkit.track(range(0, limit + 1, SEGMENT), message="sieving"):
        is_prime = bytearray(b"\x01") * min(SEGMENT, limit + 1 - start)
        if start == 0:
            is_prime[:2] = bytes(len(is_prime[:2]))
        for prime in small:
            first = max(prime * prime, -(-start // prime) * prime) - start
            _strike(is_prime, first, prime)
        count += is_prime.count(1)
    return count


def _sieve(limit: int) -> list[int]:
    """Return the primes up to `limit` in order."""
    is_prime = bytearray(b"\x01") * (limit + 1)
    for number in range(2, isqrt(limit) + 1):
        if is_prime[number]:
            _strike(is_prime, number * number, number)
    return [number for number in range(2, limit + 1) if is_prime[number]]


def _strike(is_prime: bytearray, first: int, step: int) -> None:
    """Mark every `step`-th number from `first` as composite."""
    is_prime[first::step] = bytes(len(range(first, len(is_prime), step)))
