"""``python -m taskkit_worker``: one worker, until it is stopped."""

from __future__ import annotations

import argparse
import builtins
import logging
import os
import sys
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from . import lean  # noqa: F401

# isort: split
import billiard.util
from celery import signals
from celery.apps import worker as celery_worker
from celery.exceptions import CPendingDeprecationWarning

from taskkit.config.loading import Loaded, load
from taskkit.config.redis_words import add_redis_words, redis_words
from taskkit.inside.display import notebooks_display
from taskkit.integrations.cores import shares
from taskkit.ledger import agree, open_ledger
from taskkit.logs import FORMATS, configure, log_apart
from taskkit.protocol.broker import broker_queue
from taskkit.protocol.errors import Misconfigured, RequestError, Unavailable
from taskkit.protocol.workers import WorkerInfo
from taskkit.scrubbing import forget
from taskkit.signing_keys import take_keys
from taskkit.tracing import begin_tracing

from . import tqdm_bars
from .app import create_app
from .attempt import Attempts
from .blob_sender import objection
from .catalogue import Catalogue
from .configured import settings_of
from .deaths import be_first_to_go
from .handover import Handover
from .keeper import Keeper
from .output import prepare_process
from .owned_blobs import OwnedBlobs
from .process import process
from .sandbox import LEVELS, enter, why_not
from .settings import Settings
from .shift import SharedFlag, Shift
from .tree import adopt_orphans

logger = logging.getLogger("taskkit_worker")


def main(argv: list[str] | None = None) -> int:
    """Run a worker with what it is told, see `taskkit.config`; return its exit code."""
    try:
        keys = take_keys(os.environ)
        told = _told(argv)
        settings = replace(settings_of(told.configuration), signing_keys=keys)
    except (Misconfigured, RequestError) as error:
        sys.exit(f"taskkit worker: {error}")
    sandbox, user = settings.sandbox, settings.sandbox_user
    if user and sandbox == "off":
        sys.exit("taskkit worker: --sandbox-user wants --sandbox limits")
    if sandbox != "off" and (objection := why_not(user)):
        sys.exit(f"taskkit worker: the sandbox cannot be had: {objection}")
    forget()
    configure(settings.log_format, worker=settings.name)
    for warning in told.warnings:
        logger.warning(warning)
    # What Celery would say of every message and every death, the ledger says better.
    logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)
    logging.getLogger("celery.worker.request").setLevel(logging.CRITICAL)
    # Before anything numerical is imported. What whoever starts the worker has set holds.
    for name, share in shares(settings.concurrency).items():
        os.environ.setdefault(name, share)
    os.environ.setdefault("MPLBACKEND", "module://taskkit.integrations.matplotlib")
    try:
        catalogue = Catalogue(settings.tasks)
    except Exception as error:  # noqa: BLE001  # the edge around the user's modules
        sys.exit(f"taskkit worker: the tasks cannot be loaded: {type(error).__name__}: {error}")
    return run(settings, catalogue)


def _told(argv: list[str] | None) -> Loaded:
    parser = argparse.ArgumentParser(prog="taskkit worker", description=__doc__)
    parser.add_argument("--config", type=Path, metavar="FILE", help="instead of ./taskkit.toml")
    parser.add_argument("--concurrency", type=int)
    parser.add_argument("--grace", type=float, metavar="SECONDS")
    parser.add_argument("--queues", metavar="NAME,NAME")
    parser.add_argument("--tasks", action="append", metavar="MODULE_FILE_OR_FOLDER")
    parser.add_argument("--log-format", choices=FORMATS)
    parser.add_argument(
        "--remote-control", action="store_true", default=None, help="as Flower wants; see the docs"
    )
    parser.add_argument("--sandbox", choices=LEVELS, help="how jobs are confined")
    parser.add_argument("--sandbox-user", metavar="NAME", help="whom jobs run as; needs root")
    add_redis_words(parser)
    args = parser.parse_args(argv)
    queues = args.queues and tuple(args.queues.split(","))
    arguments = {
        **redis_words(args),
        "worker.concurrency": ("--concurrency", args.concurrency),
        "worker.finish_s": ("--grace", args.grace),
        "worker.queues": ("--queues", queues),
        "worker.tasks": ("--tasks", args.tasks),
        "worker.log_format": ("--log-format", args.log_format),
        "worker.remote_control": ("--remote-control", args.remote_control),
        "worker.sandbox": ("--sandbox", args.sandbox),
        "worker.sandbox_user": ("--sandbox-user", args.sandbox_user),
    }
    return load(os.environ, arguments, path=args.config)


def _say_nothing(*_: object, **__: object) -> None:
    """Instead of Celery's own logging, and of its `safe_say`, which writes past all loggers."""


def run(settings: Settings, catalogue: Catalogue) -> int:
    """Run a worker until it is told to stop; return its exit code."""
    info = WorkerInfo(
        name=settings.name,
        host=settings.host,
        pid=os.getpid(),
        processes=settings.concurrency,
        python=settings.python,
        tasks=catalogue.infos(),
        queues=settings.queues,
    )
    # Before the first job, where Redis is there; else before this worker joins.
    try:
        agree(settings.redis_url)
    except Unavailable as error:
        logger.warning("%s; trying again", error)
    except Misconfigured as error:
        sys.exit(f"taskkit worker: {error}")
    place = settings.blobs or ""
    is_served = place.startswith(("http://", "https://"))
    if is_served and (wrong := objection(place, settings.token)):
        logger.warning(wrong)
    handover = Handover()
    keeper = Keeper(
        open_ledger(settings.redis_url, settings.signing_keys),
        info,
        process.deaths,
        handover,
        agree=partial(agree, settings.redis_url),
        beat_s=settings.beat_s,
        interrupt_s=settings.interrupt_s,
        finish_s=settings.finish_s,
    )

    is_stopping = SharedFlag()

    def on_process_start(**_: Any) -> None:
        # Whatever happens to the terminal is the main process's business; SIGINT here means a job.
        if settings.sandbox == "limits":
            enter(user=settings.sandbox_user)
        prepare_process()
        log_apart(settings.log_format, worker=settings.name)
        tqdm_bars.adopt()
        # As in a notebook, where functions come from that use it.
        vars(builtins).setdefault("display", notebooks_display)
        adopt_orphans()
        be_first_to_go()
        tracing = begin_tracing("taskkit-worker")
        os.environ.pop("OTEL_EXPORTER_OTLP_HEADERS", None)  # may hold a token
        if tracing:
            signals.worker_process_shutdown.connect(lambda **_: tracing.flush(), weak=False)
        keys = settings.signing_keys
        ledger, inquiry = (open_ledger(settings.redis_url, keys) for _ in range(2))
        attempts = Attempts(
            ledger,
            catalogue,
            settings.name,
            inquiry=inquiry,
            handover=handover,
            blobs=OwnedBlobs(settings.blobs, settings.blobs_cache, settings.token),
            queues=settings.queues,
            tracing=tracing,
            keys=keys,
        )
        process.shift = Shift(ledger, attempts, is_stopping.is_set, settings.queues)

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
    worker = create_app(settings.redis_url, is_watched=settings.is_watched).Worker(
        hostname=f"taskkit@{settings.name}",
        pool="taskkit_worker.pool:TaskPool",
        concurrency=settings.concurrency,
        queues=[broker_queue(queue) for queue in settings.queues],
        loglevel="INFO",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=not settings.is_watched,
        quiet=True,
    )
    # The pool's lines go where all others do.
    pool_logger = billiard.util.get_logger()
    pool_logger.propagate = True
    pool_logger.setLevel(logging.ERROR)
    celery_worker.safe_say = _say_nothing
    worker.start()
    keeper.stop("stopped")
    logger.info("worker %s has stopped", settings.name)
    return int(worker.exitcode or 0)


if __name__ == "__main__":
    sys.exit(main())
