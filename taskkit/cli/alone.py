"""`taskkit worker` and `taskkit server`: one part alone, here or on another machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ..protocol.errors import NotReachable, RequestError
from .configured import File, configured
from .extras import require

if TYPE_CHECKING:
    from ..stack.running import RunningStack

Url = Annotated[
    str | None,
    typer.Option(
        help="The stack's Redis, e.g. rediss://NAME:PASSWORD@HOST:6379/0, or by TASKKIT_REDIS_URL.",
    ),
]

CaFile = Annotated[
    Path | None,
    typer.Option(
        help="Who signed the certificate of Redis, for rediss://; TASKKIT_REDIS_CA_FILE.",
        dir_okay=False,
    ),
]
CertFile = Annotated[
    Path | None,
    typer.Option(help="A certificate of its own, where Redis asks for one.", dir_okay=False),
]
KeyFile = Annotated[
    Path | None, typer.Option(help="The key of that certificate, mode 0600.", dir_okay=False)
]
Plain = Annotated[
    bool,
    typer.Option("--plain-redis", help="Redis on another machine, without encryption."),
]
LogFormat = Annotated[str | None, typer.Option(help="text or json; TASKKIT_LOG_FORMAT holds else.")]


def worker(
    url: Url = None,
    concurrency: Annotated[
        int | None,
        typer.Option("--concurrency", "-c", min=1, help="Jobs at once.", show_default="one a core"),
    ] = None,
    tasks: Annotated[
        list[str] | None,
        typer.Option("--tasks", help="A module, file or folder with named tasks; repeatable."),
    ] = None,
    queues: Annotated[
        str | None,
        typer.Option(
            help="The queues that it serves, e.g. gpu,default: the preferred one first.",
            show_default="default",
        ),
    ] = None,
    grace: Annotated[
        float | None,
        typer.Option(
            min=0, help="Seconds that running jobs get when it is stopped.", show_default="5"
        ),
    ] = None,
    log_format: LogFormat = None,
    remote_control: Annotated[
        bool, typer.Option("--remote-control", help="As Flower wants; costs jobs when Redis ends.")
    ] = False,
    sandbox: Annotated[
        str | None,
        typer.Option(help="How jobs are confined: off, limits or box; see docs/security.md."),
    ] = None,
    sandbox_user: Annotated[
        str | None, typer.Option(help="Whom jobs run as, where the worker is root.")
    ] = None,
    sandbox_paths: Annotated[
        list[str] | None,
        typer.Option(
            "--sandbox-path", help="What boxed jobs may read, with :rw at the end write; repeat it."
        ),
    ] = None,
    sandbox_network: Annotated[
        bool | None,
        typer.Option(
            "--sandbox-network/--no-sandbox-network",
            help="Whether boxed jobs reach the network.",
            show_default="on",
        ),
    ] = None,
    sandbox_cpu_s: Annotated[
        float | None, typer.Option(min=0, help="CPU seconds of each process of a boxed job.")
    ] = None,
    redis_ca_file: CaFile = None,
    redis_cert_file: CertFile = None,
    redis_key_file: KeyFile = None,
    plain_redis: Plain = False,
    config: File = None,
) -> None:
    """Run one more worker, for the stack of this machine or for another's."""
    require("worker")
    words = [word for task in tasks or () for word in ("--tasks", task)]
    words += _given("--concurrency", concurrency) + _given("--grace", grace)
    words += _given("--queues", queues) + _given("--log-format", log_format)
    words += _encryption(redis_ca_file, redis_cert_file, redis_key_file, plain=plain_redis)
    words += ["--remote-control"] if remote_control else []
    words += _given("--sandbox", sandbox) + _given("--sandbox-user", sandbox_user)
    words += [word for path in sandbox_paths or () for word in ("--sandbox-path", path)]
    if sandbox_network is not None:
        words += ["--sandbox-network" if sandbox_network else "--no-sandbox-network"]
    words += _given("--sandbox-cpu-s", sandbox_cpu_s)
    told = configured({"redis.url": ("--url", url)}, config)
    if told.redis.url is not None:
        become("taskkit_worker", told.redis.url, words)
    stack = running_stack()
    # What the user names instead holds.
    if told.blobs.place is None:
        os.environ["TASKKIT_BLOBS"] = stack.blobs
    if stack.signing_keys and not os.environ.get("TASKKIT_SIGNING_KEYS"):
        os.environ.setdefault("TASKKIT_SIGNING_KEYS_FILE", stack.signing_keys)
    become("taskkit_worker", stack.redis_url, words)


def server(
    url: Url = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65_535, help="Port to listen on.", show_default="5000"),
    ] = None,
    is_open: Annotated[
        bool, typer.Option("--open", help="Take requests from this machine without a token.")
    ] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A further name by which browsers reach it; repeatable."),
    ] = None,
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="Beyond this machine, without encryption.")
    ] = False,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes that serve.", show_default="1")
    ] = None,
    log_format: LogFormat = None,
    access_log: Annotated[bool, typer.Option("--access-log", help="Log each request.")] = False,
    is_service: Annotated[
        bool, typer.Option("--jupyterhub", help="As a service of JupyterHub, for its users.")
    ] = False,
    hub_scope: Annotated[
        list[str] | None,
        typer.Option(help="What they may do; repeatable.", show_default="submit, read and cancel"),
    ] = None,
    code_user: Annotated[
        list[str] | None,
        typer.Option(help="Who of them may submit functions, * for all; repeatable."),
    ] = None,
    redis_ca_file: CaFile = None,
    redis_cert_file: CertFile = None,
    redis_key_file: KeyFile = None,
    plain_redis: Plain = False,
    config: File = None,
) -> None:
    """Run the server alone, on a Redis that runs elsewhere."""
    require("server", *(["hub"] if is_service else []))
    told = configured({"redis.url": ("--url", url)}, config)
    if told.redis.url is None:
        raise RequestError("Say which Redis to use: --url redis://… or TASKKIT_REDIS_URL.")
    words = _given("--host", host) + _given("--port", port) + (["--open"] if is_open else [])
    words += [word for name in allow_host or () for word in ("--allow-host", name)]
    words += ["--plain-http"] if plain_http else []
    words += _encryption(redis_ca_file, redis_cert_file, redis_key_file, plain=plain_redis)
    words += _given("--processes", processes) + _given("--log-format", log_format)
    words += ["--access-log"] if access_log else []
    words += ["--jupyterhub"] if is_service else []
    words += [word for name in hub_scope or () for word in ("--hub-scope", name)]
    words += [word for name in code_user or () for word in ("--code-user", name)]
    become("taskkit_server", told.redis.url, words)


def _encryption(ca: Path | None, cert: Path | None, key: Path | None, *, plain: bool) -> list[str]:
    words = _given("--redis-ca-file", ca) + _given("--redis-cert-file", cert)
    return words + _given("--redis-key-file", key) + (["--plain-redis"] if plain else [])


def _given(name: str, value: object) -> list[str]:
    return [] if value is None else [name, str(value)]


def become(module: str, redis_url: str, words: list[str]) -> NoReturn:
    """Replace this process by ``python -m module``; the URL, with its password, by environment."""
    environment = {**os.environ, "TASKKIT_REDIS_URL": redis_url}
    environment.pop("TASKKIT_REDIS_URL_FILE", None)
    sys.stdout.flush()
    command = [sys.executable, "-m", module, *words]
    os.execve(sys.executable, command, environment)  # noqa: S606 — our own command, no shell wanted


def running_stack() -> RunningStack:
    """Return the stack that runs here.

    Raises:
        NotReachable: None does.
    """
    from ..stack.running import RunningStack

    require("server")
    stack = RunningStack.find()
    if stack is None:
        raise NotReachable(
            "No stack is running here: start one with `taskkit up`, "
            "or say where its Redis is: --url redis://…"
        )
    return stack
