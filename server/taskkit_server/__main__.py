"""``python -m taskkit_server``: one server process under gunicorn, until it is stopped."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import signal
import socket
import sys
from typing import Any

from . import lean  # noqa: F401

# isort: split
from celery.platforms import set_pdeathsig
from gunicorn.app.base import BaseApplication

from taskkit.ledger import open_ledger
from taskkit.protocol.errors import Unavailable

from .app import create_app
from .dispatch import Dispatch
from .inspection import LateInspection, inspect
from .settings import LOOPBACK, Settings
from .sweeper import Sweeper

SWITCH_INTERVAL_S = 0.0002
"""Threads hand an event on to one another; Python's 5 ms default let them convoy (measured: 5.4 ms
against 3.6 ms for a job that does nothing)."""


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with its settings from ours."""

    def __init__(self, settings: Settings, *, is_inspected: bool) -> None:
        self._settings = settings
        self._is_inspected = is_inspected
        super().__init__()

    def load_config(self) -> None:
        """Set what gunicorn would read from a file."""
        settings = self._settings
        for name, value in {
            "bind": f"{settings.host}:{settings.port}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": settings.threads,
            "timeout": 60,
            "graceful_timeout": 3,
            "keepalive": 75,
            "accesslog": None,
            "loglevel": "warning",
            "control_socket_disable": True,
            "pre_fork": _share_memory,
            "post_fork": _die_with_the_master,
        }.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """Build the application in the process that serves it: threads do not survive a fork."""
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        ledger = open_ledger(self._settings.redis_url)
        dispatch = Dispatch(self._settings.redis_url)
        Sweeper(ledger, dispatch, self._settings.sweep_s).start()
        if not self._is_inspected:
            LateInspection(self._settings.redis_url, _stop_the_master).start()
        return create_app(self._settings, ledger, dispatch)


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _share_memory(_server: object, _worker: object) -> None:
    # What the collector does not touch in the child stays one page for both. Source: `gc.freeze`.
    gc.collect()
    gc.freeze()


def _die_with_the_master(_server: object, _worker: object) -> None:
    # gunicorn's worker would end when the master is gone, but not before its last socket closes.
    set_pdeathsig("SIGKILL")


def _stop_the_master() -> None:
    os.kill(os.getppid(), signal.SIGTERM)


def main(argv: list[str] | None = None) -> None:
    """Run a server with the settings of the command line and the environment."""
    parser = argparse.ArgumentParser(prog="taskkit server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--open", action="store_true", help="no token needed from this machine")
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME")
    parser.add_argument(
        "--trust-redis", action="store_true", help="whoever starts this has looked at its settings"
    )
    args = parser.parse_args(argv)
    url, token = os.environ.get("TASKKIT_REDIS_URL"), os.environ.get("TASKKIT_TOKEN")
    if not url:
        sys.exit("taskkit server: TASKKIT_REDIS_URL is not set; it says where Redis is")
    if not token and not args.open:
        sys.exit(
            "taskkit server: set TASKKIT_TOKEN to the token that clients shall bring, or let this "
            "machine in without one by --open"
        )
    if not _is_free(args.host, args.port):
        sys.exit(
            f"taskkit server: port {args.port} of {args.host} is in use by another program, or "
            "not to be had; choose another by --port"
        )
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    settings = Settings(
        redis_url=url,
        token=token,
        is_open=args.open,
        host=args.host,
        port=args.port,
        allowed_hosts=LOOPBACK | {args.host, *args.allow_host},
        blobs=os.environ.get("TASKKIT_BLOBS"),
    )
    try:
        is_inspected = args.trust_redis or inspect(url)
    except Unavailable as error:
        sys.exit(f"taskkit server: {error}")
    Server(settings, is_inspected=is_inspected).run()


if __name__ == "__main__":
    main()
