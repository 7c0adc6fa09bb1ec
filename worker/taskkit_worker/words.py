"""What a worker is told: by arguments, environment and file."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from taskkit.config.plain import plain
from taskkit.config.redis_words import add_redis_words, redis_words
from taskkit.logs import FORMATS

from .growth import bounds
from .sandbox import LEVELS
from .settings import OF_A_STACK, Settings, of_a_stack


def told(argv: list[str] | None) -> tuple[Settings, tuple[str, ...], Path | None]:
    """Return what arguments, environment and file tell, what to warn of, and the file."""
    parser = argparse.ArgumentParser(
        prog="taskkit worker", description="One worker, until it is stopped."
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="instead of ./taskkit.toml")
    parser.add_argument("--concurrency", type=int)
    parser.add_argument("--autoscale", metavar="MIN,MAX")
    parser.add_argument("--grace", type=float, metavar="SECONDS")
    parser.add_argument("--queues", metavar="NAME,NAME")
    parser.add_argument("--tags", metavar="NAME,NAME")
    parser.add_argument("--tasks", action="append", metavar="MODULE_FILE_OR_FOLDER")
    parser.add_argument("--log-format", choices=FORMATS)
    parser.add_argument(
        "--remote-control", action="store_true", default=None, help="as Flower wants; see the docs"
    )
    parser.add_argument("--sandbox", choices=LEVELS, help="how jobs are confined")
    parser.add_argument("--sandbox-user", metavar="NAME", help="whom jobs run as; needs root")
    parser.add_argument("--sandbox-path", action="append", metavar="PATH[:rw]")
    for name, is_on in (("--sandbox-network", True), ("--no-sandbox-network", False)):
        parser.add_argument(name, dest="sandbox_network", action="store_const", const=is_on)
    parser.add_argument("--sandbox-cpu-s", type=float, metavar="SECONDS")
    add_redis_words(parser)
    args = parser.parse_args(argv)
    try:
        least, most = bounds(args.autoscale, args.concurrency)
    except ValueError as error:
        parser.error(str(error))
    queues = args.queues and tuple(args.queues.split(","))
    arguments = {
        **redis_words(args),
        "worker.concurrency": ("--concurrency", least),
        "worker.max_concurrency": ("--autoscale", most),
        "worker.finish_s": ("--grace", args.grace),
        "worker.queues": ("--queues", queues),
        "worker.tags": ("--tags", args.tags and tuple(args.tags.split(","))),
        "worker.tasks": ("--tasks", args.tasks),
        "worker.log_format": ("--log-format", args.log_format),
        "worker.remote_control": ("--remote-control", args.remote_control),
        "worker.sandbox": ("--sandbox", args.sandbox),
        "worker.sandbox_user": ("--sandbox-user", args.sandbox_user),
        "worker.sandbox_paths": ("--sandbox-path", args.sandbox_path),
        "worker.sandbox_network": ("--sandbox-network", args.sandbox_network),
        "worker.sandbox_cpu_s": ("--sandbox-cpu-s", args.sandbox_cpu_s),
    }
    if args.config is None:
        settings = of_a_stack(plain(os.environ, arguments, OF_A_STACK))
        if settings is not None:
            return settings, (), None
    # Here, for they take a while to import, and stay.
    from taskkit.config.loading import load

    from .configured import settings_of

    loaded = load(os.environ, arguments, path=args.config)
    return settings_of(loaded.configuration), loaded.warnings, loaded.file
