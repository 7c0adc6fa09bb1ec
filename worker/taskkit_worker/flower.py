"""The Celery application of the workers, for Flower: ``celery -A taskkit_worker.flower flower``.

It reads where Redis is from `TASKKIT_REDIS_URL`. Flower sees wake-ups, one of which may run several
jobs; what became of a job is in the ledger.
"""

from __future__ import annotations

import os

from .app import create_app

app = create_app(os.environ.get("TASKKIT_REDIS_URL", "redis://127.0.0.1:6379/0"), is_watched=True)
