"""``python -m taskkit_server``: one server process under gunicorn, until it is stopped."""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from gunicorn.app.base import BaseApplication

from taskkit.config.plain import plain
from taskkit.config.redis_words import add_redis_words, redis_words
from taskkit.lean import hold_collector, release_collector
from taskkit.logs import FORMATS, configure
from taskkit.protocol.errors import Misconfigured, RequestError, Unavailable
from taskkit.scrubbing import forget
from taskkit.signing_keys import take_keys

from .metrics import folder as metrics_folder
from .settings import OF_A_STACK, Settings, of_a_stack
from .upkeep.inspection import Inspection

logger = logging.getLogger("taskkit_server")

CONNECTIONS = 1500
"""Open at once, at most: heads being read, connections kept, and threads at work."""

# What serves is imported where it serves: this process only listens, and needs 40 MB less.


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with its settings from ours."""

    def __init__(self, settings: Settings, late: Inspection | None) -> None:
        self._settings = settings
        self._late = late
        self._metrics = metrics_folder.prepare()
        super().__init__()

    def load_config(self) -> None:
        """Set what gunicorn would read from a file."""
        settings = self._settings
        for name, value in {
            "bind": f"{settings.host}:{settings.port}",
            "worker_class": "taskkit_server.process.heads.HeadsFirst",
            "workers": settings.processes,
            "threads": settings.threads,
            "timeout": 60,
            "graceful_timeout": 3,
            "keepalive": 75,
            "worker_connections": CONNECTIONS,
            "accesslog": None,
            "loglevel": "warning",
            "control_socket_disable": True,
            "post_fork": _die_with_the_master,
            "child_exit": self._forget,
            "logger_class": "taskkit_server.process.gunicorn_log.RootLogger",
        }.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """Build the application, in the process that serves it."""
        hold_collector()
        from .process.serving import application

        app = application(self._settings, self._late)
        release_collector()
        return app

    def _forget(self, _server: object, worker: Any) -> None:
        metrics_folder.forget(self._metrics, worker.pid)


def _is_inspected(inspection: Inspection) -> bool:
    """Return whether Redis could be looked at; end this process where it may lose jobs."""
    if inspection.is_trusted:
        return False  # what is left to do is for the process that serves: this one stays small
    try:
        return inspection.inspect()
    except (Unavailable, Misconfigured) as error:
        sys.exit(f"taskkit server: {error}")


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _die_with_the_master(_server: object, _worker: object) -> None:
    from .process.serving import allow_files, die_with_the_master

    die_with_the_master()
    allow_files(2 * CONNECTIONS)


def main(argv: list[str] | None = None) -> None:
    """Run a server with what arguments, environment and `taskkit.toml` say."""
    try:
        keys = take_keys(os.environ)
        told = _told(argv)
        settings = replace(told.settings, signing_keys=keys)
    except (Misconfigured, RequestError) as error:
        sys.exit(f"taskkit server: {error}")
    forget()
    if not _is_free(settings.host, settings.port):
        sys.exit(
            f"taskkit server: port {settings.port} of {settings.host} is in use by another "
            "program, or not to be had; choose another by --port"
        )
    configure(settings.log_format)
    for warning in told.warnings:
        logger.warning(warning)
    inspection = Inspection(
        redis_url=settings.redis_url,
        retention_s=settings.retention_s,
        is_trusted=told.is_redis_trusted,
    )
    Server(settings, None if _is_inspected(inspection) else inspection).run()


class _Told(NamedTuple):
    settings: Settings
    is_redis_trusted: bool
    warnings: tuple[str, ...] = ()


def _told(argv: list[str] | None) -> _Told:
    parser = argparse.ArgumentParser(prog="taskkit server", description=__doc__)
    parser.add_argument("--config", type=Path, metavar="FILE", help="instead of ./taskkit.toml")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument(
        "--open", action="store_true", default=None, help="no token needed from this machine"
    )
    parser.add_argument("--allow-host", action="append", metavar="NAME")
    parser.add_argument(
        "--trust-redis",
        action="store_true",
        default=None,
        help="whoever starts this has looked at its settings",
    )
    parser.add_argument(
        "--plain-http",
        action="store_true",
        default=None,
        help="beyond this machine, without encryption",
    )
    parser.add_argument("--processes", type=int, help="that serve; each has its threads")
    parser.add_argument("--log-format", choices=FORMATS)
    parser.add_argument("--access-log", action="store_true", default=None, help="log each request")
    parser.add_argument(
        "--jupyterhub",
        action="store_true",
        default=None,
        help="as a service of JupyterHub, for its users",
    )
    parser.add_argument("--hub-scope", action="append", metavar="SCOPE", help="what they may do")
    parser.add_argument(
        "--code-user",
        action="append",
        metavar="NAME",
        help="who of them may submit functions; * for all",
    )
    add_redis_words(parser)
    args = parser.parse_args(argv)
    arguments = {
        **redis_words(args),
        "server.host": ("--host", args.host),
        "server.port": ("--port", args.port),
        "server.open": ("--open", args.open),
        "server.allowed_hosts": ("--allow-host", args.allow_host),
        "server.trust_redis": ("--trust-redis", args.trust_redis),
        "server.plain_http": ("--plain-http", args.plain_http),
        "server.processes": ("--processes", args.processes),
        "server.log_format": ("--log-format", args.log_format),
        "server.access_log": ("--access-log", args.access_log),
        "hub.service": ("--jupyterhub", args.jupyterhub),
        "hub.scopes": ("--hub-scope", args.hub_scope),
        "hub.code_users": ("--code-user", args.code_user),
    }
    if args.config is None:
        settings = of_a_stack(plain(os.environ, arguments, OF_A_STACK))
        if settings is not None:
            return _Told(settings, bool(args.trust_redis))
    # Here, for they take a while to import, and stay.
    from taskkit.config.loading import load

    from .configured import settings_of

    loaded = load(os.environ, arguments, path=args.config)
    told = loaded.configuration
    return _Told(settings_of(told), told.server.trust_redis, loaded.warnings)


if __name__ == "__main__":
    main()
