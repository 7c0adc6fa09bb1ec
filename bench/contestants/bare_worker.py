"""A process of `bare_parts`: takes a job from a list, runs it, puts its result into another."""

from __future__ import annotations

import os
import pickle

from .bare_values import JOBS, packed, patient, unpacked


def main() -> None:
    """Run jobs until the process is ended."""
    client, folder = patient(os.environ["BENCH_REDIS_URL"]), os.environ["BENCH_FOLDER"]
    while True:
        _, job = client.blpop(JOBS)
        results, id, function, args = pickle.loads(job)
        value = function(*map(unpacked, args))
        client.rpush(results, pickle.dumps((id, packed(value, folder))))


if __name__ == "__main__":
    main()
