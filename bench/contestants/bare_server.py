"""The server of `bare_parts`: puts into a list what it is given, and says how many they were."""

from __future__ import annotations

import os
import pickle

import redis
from flask import Flask, request

from .bare_values import JOBS

app = Flask(__name__)
_redis = redis.Redis.from_url(os.environ["BENCH_REDIS_URL"])


@app.post("/jobs")
def submit() -> str:
    """Accept jobs: they are on the disk when this is answered."""
    jobs = pickle.loads(request.get_data())
    if jobs:
        _redis.rpush(JOBS, *jobs)
    return str(len(jobs))
