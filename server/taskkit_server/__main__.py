"""``python -m taskkit_server``: one server process under gunicorn, until it is stopped."""

from __future__ import annotations

import argparse
import ipaddress
import logging
import os
import socket
import sys
from typing import Any

from gunicorn.app.base import BaseApplication

from taskkit.protocol.errors import RequestError
from taskkit.scrubbing import forget
from taskkit.signing_keys import take_keys

from .settings import LOOPBACK, Settings

CONNECTIONS = 1500
"""Open at once, at most: heads being read, connections kept, and threads at work."""

# What serves is imported where it serves: this process only listens, and needs 40 MB less.


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
            "worker_class": "taskkit_server.heads.HeadsFirst",
            "workers": 1,
            "threads": settings.threads,
            "timeout": 60,
            "graceful_timeout": 3,
            "keepalive": 75,
            "worker_connections": CONNECTIONS,
            "limit_request_line": 4094,
            "limit_request_fields": 64,
            "limit_request_field_size": 8190,
            "accesslog": None,
            "loglevel": "warning",
            "control_socket_disable": True,
            "post_fork": _die_with_the_master,
        }.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """Build the application, in the process that serves it."""
        from .serving import application

        return application(self._settings, is_inspected=self._is_inspected)


def _inspect(redis_url: str) -> bool:
    """Return whether Redis could be looked at; end this process where it may lose jobs."""
    from taskkit.protocol.errors import Unavailable

    from .inspection import inspect

    try:
        return inspect(redis_url)
    except Unavailable as error:
        sys.exit(f"taskkit server: {error}")


def _is_loopback(host: str) -> bool:
    if host in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name: who knows where it leads
        return False


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
    from .serving import allow_files, die_with_the_master

    die_with_the_master()
    allow_files(2 * CONNECTIONS)


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
    parser.add_argument(
        "--plain-http", action="store_true", help="beyond this machine, without encryption"
    )
    args = parser.parse_args(argv)
    if not (args.plain_http or _is_loopback(args.host)):
        sys.exit(
            f"taskkit server: at {args.host} others reach it, and tokens would travel in plain "
            "text: listen on 127.0.0.1 behind a proxy that speaks HTTPS, or, where every machine "
            "on the way is trusted, say --plain-http"
        )
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
    try:
        keys = take_keys(os.environ)
    except RequestError as error:
        sys.exit(f"taskkit server: {error}")
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    settings = Settings(
        redis_url=url,
        signing_keys=keys,
        token=token,
        is_open=args.open,
        host=args.host,
        port=args.port,
        allowed_hosts=LOOPBACK | {args.host, *args.allow_host},
        blobs=os.environ.get("TASKKIT_BLOBS"),
    )
    forget()
    is_inspected = args.trust_redis or _inspect(url)
    Server(settings, is_inspected=is_inspected).run()


if __name__ == "__main__":
    main()
