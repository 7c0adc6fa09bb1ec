"""``python -m taskkit_worker``: one worker, until it is stopped."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskkit.lean import hold_collector

if __name__ == "__main__":
    hold_collector()  # until the pool is started

# isort: split
from . import lean  # noqa: F401

# isort: split
import billiard.util
from celery import signals
from celery.apps import worker as celery_worker
from celery.exceptions import CPendingDeprecationWarning

from taskkit.config.names import BY_FILE, SECRET_VARIABLES
from taskkit.integrations.cores import shares
from taskkit.ledger import agree, open_ledger
from taskkit.logs import configure, log_apart
from taskkit.machine import cores, memory_mib
from taskkit.protocol.broker import broker_queue, own_queue
from taskkit.protocol.errors import Misconfigured, RequestError, Unavailable
from taskkit.protocol.workers import WorkerInfo
from taskkit.scrubbing import forget
from taskkit.signing_keys import take_keys
from taskkit.tracing import begin_tracing
from taskkit.travel.installed import installed
from taskkit.travel.local_modules import local_modules

from .adapted import adapt
from .app import create_app
from .attempt import Attempts
from .catalogue import Catalogue
from .fitness import Fitness
from .growth import Growth
from .handover import Handover
from .keeper import Keeper
from .output import prepare_process
from .owned_blobs import OwnedBlobs
from .performance import Here, Inquiry, Performs
from .process import process
from .pulse import Pulse
from .sandbox import enter, why_not
from .series import Series
from .settings import Settings, slots
from .shift import LINGER_S, SharedFlag, Shift
from .surroundings import Surroundings
from .tree import adopt_orphans
from .words import told

if TYPE_CHECKING:
    from .box.boxes import Boxes

logger = logging.getLogger("taskkit_worker")

_FILES = [name for name in SECRET_VARIABLES if name.endswith(BY_FILE)]


def main(argv: list[str] | None = None) -> int:
    """Run a worker with what it is told, see `taskkit.config`; return its exit code."""
    # Their places, before they are forgotten.
    hidden = [Path(path) for path in map(os.environ.get, _FILES) if path]
    try:
        keys = take_keys(os.environ)
        settings, warned, file = told(argv)
        settings = replace(settings, signing_keys=keys)
    except (Misconfigured, RequestError) as error:
        sys.exit(f"taskkit worker: {error}")
    sandbox, user = settings.sandbox, settings.sandbox_user
    if user and sandbox == "off":
        sys.exit("taskkit worker: --sandbox-user wants --sandbox limits or box")
    if sandbox != "off" and (objection := why_not(user)):
        sys.exit(f"taskkit worker: the sandbox cannot be had: {objection}")
    forget()
    configure(settings.log_format, worker=settings.name)
    for warning in warned:
        logger.warning(warning)
    # What Celery would say of every message and every death, the ledger says better.
    logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)
    logging.getLogger("celery.worker.request").setLevel(logging.CRITICAL + 1)
    # Before anything numerical is imported. What whoever starts the worker has set holds.
    for name, share in shares(slots(settings)).items():
        os.environ.setdefault(name, share)
    os.environ.setdefault("MPLBACKEND", "module://taskkit.integrations.matplotlib")
    try:
        catalogue = Catalogue(settings.tasks)
    except Exception as error:  # noqa: BLE001  # the edge around the user's modules
        sys.exit(f"taskkit worker: the tasks cannot be loaded: {type(error).__name__}: {error}")
    if sandbox != "box":
        return run(settings, catalogue)
    from .box.boxes import open_boxes  # here, for most workers have no boxes, and one more MB

    try:
        boxes = open_boxes(settings, [*hidden, *filter(None, [file])])
    except Misconfigured as error:
        sys.exit(f"taskkit worker: {error}")
    with contextlib.closing(boxes):
        return run(settings, catalogue, boxes)


def _say_nothing(*_: object, **__: object) -> None:
    """Instead of Celery's own logging, and of its `safe_say`, which writes past all loggers."""


def _object(place: str, token: str) -> None:
    """Warn of a server of blobs that does not give them to this worker."""
    from .blob_sender import objection  # here, as where blobs are fetched: urllib3 is 1 MB

    if wrong := objection(place, token):
        logger.warning(wrong)


def run(settings: Settings, catalogue: Catalogue, boxes: Boxes | None = None) -> int:
    """Run a worker until it is told to stop; return its exit code.

    boxes: in which jobs run, where they do not in the pool's own processes.
    """
    info = WorkerInfo(
        name=settings.name,
        host=settings.host,
        pid=os.getpid(),
        processes=settings.concurrency,
        python=settings.python,
        tasks=catalogue.infos(),
        queues=settings.queues,
        cores=cores(),
        memory_mib=memory_mib(),
        tags=settings.tags,
        most_processes=slots(settings) if slots(settings) > settings.concurrency else None,
    )
    # Before the first job, where Redis is there; else before this worker joins.
    try:
        agree(settings.redis_url)
    except Unavailable as error:
        logger.warning("%s; trying again", error)
    except Misconfigured as error:
        sys.exit(f"taskkit worker: {error}")
    place = settings.blobs or ""
    if place.startswith(("http://", "https://")):
        _object(place, settings.token)
    handover, series = Handover(), Series()
    keeper = Keeper(
        open_ledger(settings.redis_url, settings.signing_keys),
        info,
        process.deaths,
        handover,
        agree=partial(agree, settings.redis_url),
        beat_s=settings.beat_s,
        interrupt_s=settings.interrupt_s,
        finish_s=settings.finish_s,
        pulse=Pulse(settings.pulse, settings.beat_s),
        series=series,
        packages=cache(installed),
        processes=lambda: int(worker.pool.num_processes),
    )

    is_stopping = SharedFlag()
    surroundings = Surroundings()

    def on_process_start(**_: Any) -> None:
        # Whatever happens to the terminal is the main process's business; SIGINT here means a job.
        if settings.sandbox == "limits":
            enter(user=settings.sandbox_user)
        prepare_process()
        log_apart(settings.log_format, worker=settings.name)
        adopt_orphans()
        if boxes is None:
            adapt()
        tracing = begin_tracing("taskkit-worker")
        os.environ.pop("OTEL_EXPORTER_OTLP_HEADERS", None)  # may hold a token
        if tracing:
            signals.worker_process_shutdown.connect(lambda **_: tracing.close(), weak=False)
        keys = settings.signing_keys
        ledger = open_ledger(settings.redis_url, keys)
        blobs = OwnedBlobs(settings.blobs, settings.blobs_cache, settings.token)
        performer: Performs
        if boxes is None:
            is_over = Inquiry(open_ledger(settings.redis_url, keys)).is_over
            performer = Here(
                catalogue,
                reports=ledger,
                source=ledger,
                blobs=blobs,
                is_over=is_over,
                surroundings=surroundings,
            )
        else:
            performer = boxes.performer(ledger, blobs)
            performer.prepare()
        attempts = Attempts(
            ledger,
            performer,
            settings.name,
            handover=handover,
            queues=settings.queues,
            wait_s=LINGER_S,
            tracing=tracing,
            keys=keys,
            fitness=Fitness(ledger.function),
            # Of a box it is not known when a job has begun.
            series=series if boxes is None else None,
        )
        process.handover = handover
        process.shift = Shift(
            ledger,
            attempts,
            is_stopping.is_set,
            settings.queues,
            worker=settings.name,
            is_left_over=settings.broker_url is not None,
        )

    def on_stop(**_: Any) -> None:
        is_stopping.set()
        keeper.begin_to_stop()

    def on_ready(**_: Any) -> None:
        keeper.start()
        logger.info("worker %s is up, %d processes", settings.name, settings.concurrency)

    signals.setup_logging.connect(_say_nothing, weak=False)
    signals.worker_process_init.connect(on_process_start, weak=False)
    signals.worker_ready.connect(on_ready, weak=False)
    signals.worker_shutting_down.connect(on_stop, weak=False)
    # Said on every loss of Redis; the setting that it asks for would kill the jobs that run.
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
    warnings.filterwarnings("ignore", message="You're running the worker with superuser")
    if settings.is_watched:
        logger.warning(
            "remote control is on: Celery 5.7.0 exits when Redis goes away while a job runs, which "
            "then begins again; have something start the worker again"
        )
    scale = info.most_processes and (info.most_processes, settings.concurrency)
    app = create_app(
        settings.redis_url,
        settings.broker_url,
        worker=settings.name,
        is_watched=settings.is_watched,
    )
    worker = app.Worker(
        hostname=f"taskkit@{settings.name}",
        pool="taskkit_worker.pool:TaskPool",
        concurrency=settings.concurrency,
        queues=[own_queue(settings.name), *map(broker_queue, settings.queues)],
        loglevel="INFO",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=not settings.is_watched,
        autoscale=scale,
        autoscaler_cls=partial(Growth, keepalive=settings.shrink_after_s),
        quiet=True,
    )
    # The pool's lines go where all others do.
    pool_logger = billiard.util.get_logger()
    pool_logger.propagate = True
    pool_logger.setLevel(logging.ERROR)
    celery_worker.safe_say = _say_nothing
    local_modules.look()  # once, before there are processes
    surroundings.prepare()
    worker.start()
    keeper.stop("stopped")
    logger.info("worker %s has stopped", settings.name)
    return int(worker.exitcode or 0)


if __name__ == "__main__":
    sys.exit(main())
