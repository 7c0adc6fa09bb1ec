"""CPU-heavy jobs from a notebook cell to Celery workers and back, live."""
