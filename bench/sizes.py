"""How much of each work is done, in a full run and in a quick one."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """One profile."""

    repeats: int = 3
    #: How often each contestant has its turn.
    warm_calls: int = 20
    round_trips: int = 300
    singles: int = 1000
    items: int = 10_000
    maps: int = 5
    #: How often these are mapped after the first time.
    rests: int = 64
    rest_s: float = 0.05
    array_bytes: int = 64_000_000
    arrays: int = 3
    shared_bytes: int = 256_000_000
    shared_jobs: int = 32
    updates: tuple[int, ...] = (1000, 1_000_000)
    queued: tuple[int, ...] = (1000, 10_000, 100_000)
    further: int = 250
    furthers: int = 9
    #: How many jobs more are submitted at each of these, and how often.
    clients: tuple[int, ...] = (1, 10, 90, 500)
    client_trips: int = 100
    hop_trips: int = 200


SIZES = {
    "full": Sizes(),
    "quick": Sizes(
        repeats=1,
        round_trips=100,
        items=4000,
        arrays=1,
        shared_bytes=64_000_000,
        shared_jobs=8,
        updates=(1000, 10_000),
        queued=(1000, 4000),
        clients=(1, 50),
        client_trips=40,
        hop_trips=50,
    ),
}
