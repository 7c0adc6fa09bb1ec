"""Python runs this at its start where PYTHONPATH has this folder: the benchmark's hop profile."""

import os

if "BENCH_HOPS" in os.environ:
    from bench.hops.stamps import install

    install()
