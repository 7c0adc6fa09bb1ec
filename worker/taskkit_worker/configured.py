"""A worker's settings from what it was told."""

from __future__ import annotations

from dataclasses import replace

from taskkit.config.loading import redis_of
from taskkit.config.tables import Configuration
from taskkit.machine import cores

from .settings import Settings


def settings_of(told: Configuration) -> Settings:
    """Return the settings of one worker.

    Raises:
        Misconfigured: Nobody said where Redis is.
    """
    worker = told.worker
    settings = Settings(
        redis_url=redis_of(told),
        concurrency=worker.concurrency or cores(),
        max_concurrency=worker.max_concurrency,
        shrink_after_s=worker.shrink_after_s,
        queues=worker.queues,
        tags=worker.tags,
        tasks=worker.tasks,
        blobs=told.blobs.place,
        token=worker.token or "",
        sandbox=worker.sandbox,
        sandbox_user=worker.sandbox_user,
        sandbox_paths=worker.sandbox_paths,
        sandbox_network=worker.sandbox_network,
        sandbox_cpu_s=worker.sandbox_cpu_s,
        beat_s=worker.beat_s,
        finish_s=worker.finish_s,
        interrupt_s=worker.interrupt_s,
        log_format=worker.log_format,
        is_watched=worker.remote_control,
        pulse=worker.pulse and worker.pulse.expanduser(),
    )
    if worker.blobs_cache is None:
        return settings
    return replace(settings, blobs_cache=worker.blobs_cache.expanduser())
