"""The module that the stock Celery worker of the benchmark loads."""

from __future__ import annotations

import os

from .contestants import stock_celery

app = stock_celery(os.environ["BENCH_REDIS_URL"])
