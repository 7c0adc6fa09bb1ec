"""Runs jobs: a Celery prefork worker whose every right to write comes from the ledger."""
