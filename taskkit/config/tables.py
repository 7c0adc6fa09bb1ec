"""Every setting: its table, name, type and default, and what it means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ..blobs import MAX_BLOB_BYTES
from ..logs import Format
from ..protocol.options import DEFAULT_QUEUE
from .broker_table import Broker
from .kinds import (
    Count,
    Limit,
    Place,
    Queue,
    Seconds,
    Secret,
    ServerUrl,
    Tag,
    Variable,
    each_once,
)
from .names import PREFIX
from .redis_table import Redis
from .table import Table


class Server(Table):
    """What serves notebooks, programs and the page."""

    host: str = Field(
        default="127.0.0.1", description="The address to listen on; `up`: this machine's"
    )
    port: int = Field(default=5000, ge=0, le=65_535, description="The port to listen on")
    token: Annotated[Place | None, Secret(), Variable("TASKKIT_TOKEN")] = Field(
        default=None, description="What opens the server to its owner; `taskkit up` makes one"
    )
    open: bool = Field(
        default=False, description="Whether requests from this machine need no token"
    )
    plain_http: bool = Field(
        default=False, description="Whether to listen beyond this machine without encryption"
    )
    allowed_hosts: tuple[Place, ...] = Field(
        default=(), description="Further names by which browsers reach it"
    )
    threads: int = Field(default=128, ge=2, description="Requests and sockets served at once")
    max_sockets: Count = Field(
        default=96,
        description="Sockets beyond this are refused; below `threads`, for requests need some",
    )
    max_sockets_per_user: Count = Field(
        default=64, description="One user's sockets beyond this are refused"
    )
    public_url: ServerUrl | None = Field(
        default=None, description="Where browsers find the page, if not where clients send requests"
    )
    sweep_s: Seconds = Field(
        default=2.0, description="How often dead attempts and lost wake-ups are looked for"
    )
    retention_days: Annotated[float, Field(gt=0, le=3650)] = Field(
        default=7.0, description="How long a final job, its output and its result are kept"
    )
    processes: Count = Field(
        default=1, description="Processes that serve, each with so many threads and sockets"
    )
    log_format: Annotated[Format, Variable("TASKKIT_LOG_FORMAT")] = Field(
        default="text", description="How its log is written: for people, or as JSON"
    )
    access_log: bool = Field(default=False, description="Whether the log tells of each request")
    trust_redis: bool = Field(
        default=False, description="Whether Redis is used without a look at what it may lose"
    )
    blobs_cache: Path | None = Field(
        default=None,
        description="A folder for copies of large values that are at a URL; one in the user's "
        "cache unless it is told",
    )

    @model_validator(mode="after")
    def _threads_for_requests(self) -> Self:
        if self.max_sockets >= self.threads:
            raise ValueError(
                f"max_sockets ({self.max_sockets}) must be below threads ({self.threads}): each "
                "socket holds a thread, and requests need some"
            )
        return self


class Hub(Table):
    """The JupyterHub of which the server is a service."""

    service: bool = Field(
        default=False, description="Whether it is one; the Hub's own variables say the rest"
    )
    scopes: tuple[Place, ...] = Field(
        default=("submit", "read", "cancel"), description="What each user of the Hub may do"
    )
    code_users: tuple[Place, ...] = Field(
        default=(), description="Who of them may submit functions, too; * for all"
    )


class Worker(Table):
    """What runs jobs."""

    concurrency: Annotated[int | None, Field(ge=1)] = Field(
        default=None, description="Jobs at once; one a core unless it is told"
    )
    max_concurrency: Annotated[int | None, Field(ge=1)] = Field(
        default=None, description="How many it may grow to while jobs wait; it does not else"
    )
    shrink_after_s: Seconds = Field(default=30.0, description="Idle for so long, it shrinks again")
    queues: Annotated[tuple[Queue, ...], AfterValidator(each_once)] = Field(
        default=(DEFAULT_QUEUE,),
        min_length=1,
        description="The queues that it serves, the preferred one first",
    )
    tags: Annotated[tuple[Tag, ...], AfterValidator(each_once)] = Field(
        default=(), description="What it has that jobs may ask for, such as gpu"
    )
    tasks: tuple[Place, ...] = Field(
        default=(), description="Modules, files or folders with named tasks"
    )
    token: Annotated[Place | None, Secret(), Variable("TASKKIT_TOKEN")] = Field(
        default=None,
        description="What opens the server, where large values are fetched from its address",
    )
    sandbox: Literal["off", "limits", "box"] = Field(
        default="off", description="How jobs are confined; see docs/security.md"
    )
    sandbox_user: str | None = Field(
        default=None, description="Whom jobs run as, where the worker is root"
    )
    sandbox_paths: tuple[Place, ...] = Field(
        default=(),
        description="In a box: folders and files that jobs may read; with `:rw` at the end, write",
    )
    sandbox_network: bool = Field(default=True, description="In a box: whether jobs reach others")
    sandbox_cpu_s: Seconds | None = Field(
        default=None, description="In a box: CPU time that each process of a job may take"
    )
    beat_s: Annotated[float, Field(gt=0, le=10)] = Field(
        default=5.0, description="How often leases, which last 30 s, are renewed"
    )
    finish_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        default=5.0, description="How long running jobs may go on when it is stopped"
    )
    log_format: Annotated[Format, Variable("TASKKIT_LOG_FORMAT")] = Field(
        default="text", description="How its log is written: for people, or as JSON"
    )
    remote_control: bool = Field(
        default=False,
        description="Whether Celery's remote control is on, as Flower wants; costs jobs when Redis "
        "ends",
    )
    interrupt_s: Seconds = Field(
        default=2.0, description="How long a stopped job has to end by itself before it is killed"
    )
    blobs_cache: Path | None = Field(
        default=None,
        description="A folder for copies of large values that are at a URL; one in the user's "
        "cache unless it is told",
    )
    pulse: Path | None = Field(
        default=None,
        description="A file that is renewed every `beat_s` while the worker goes round, for who "
        "starts it again where it does not",
    )


class Blobs(Table):
    """Large values; the same for the server and its workers."""

    place: Annotated[Place | None, Secret(is_url=True), Variable("TASKKIT_BLOBS")] = Field(
        default=None,
        description="The folder or URL where they are kept; of `taskkit up`, its own folder",
    )
    max_bytes: Count = Field(default=MAX_BLOB_BYTES, description="Larger ones are refused")


class Limits(Table):
    """What one user may take of the server; without a number, as much as there is."""

    max_queued_jobs: Limit = Field(default=None, description="Jobs that wait at once")
    max_running_jobs: Limit = Field(default=None, description="Jobs that run at once")
    max_stored_bytes: Limit = Field(default=None, description="Bytes of large values that are kept")
    requests_per_s: Seconds | None = Field(default=None, description="Requests in a second")
    share_requests_per_s: Seconds = Field(default=50.0, description="Those by one link to jobs")
    max_share_days: Annotated[float, Field(ge=0, le=3650)] = Field(
        default=90.0, description="How long a link to jobs may last; 0: there are none"
    )


class Client(Table):
    """What notebooks and the commands on jobs go by."""

    url: Annotated[ServerUrl | None, Variable("TASKKIT_URL")] = Field(
        default=None, description="The server to use; without one, the stack that runs here"
    )
    token: Annotated[Place | None, Secret(), Variable("TASKKIT_TOKEN")] = Field(
        default=None, description="Your token for that server"
    )
    progress: Annotated[Literal["live", "plain", "none"], Variable("TASKKIT_PROGRESS")] = Field(
        default="live",
        description="What cells show of jobs: panels, a line of text, or only the repr",
    )


class Configuration(BaseSettings):
    """All that can be told."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    redis: Redis = Redis()
    broker: Broker = Broker()
    server: Server = Server()
    worker: Worker = Worker()
    blobs: Blobs = Blobs()
    hub: Hub = Hub()
    limits: Limits = Limits()
    client: Client = Client()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One of them, as it is told and shown."""

    table: str
    key: str
    variable: str
    default: Any
    description: str
    secret: Secret | None

    @property
    def name(self) -> str:
        """``table.key``."""
        return f"{self.table}.{self.key}"


def settings() -> Iterator[Setting]:
    """Yield all settings, in the order in which they are told."""
    for table, of_table in Configuration.model_fields.items():
        model = of_table.annotation
        if not (isinstance(model, type) and issubclass(model, Table)):
            raise TypeError(f"{table} is no table")
        for key, field in model.model_fields.items():
            own = [mark.name for mark in field.metadata if isinstance(mark, Variable)]
            secrets = [mark for mark in field.metadata if isinstance(mark, Secret)]
            yield Setting(
                table=table,
                key=key,
                variable=own[0] if own else f"{PREFIX}{table}_{key}".upper(),
                default=field.default,
                description=field.description or "",
                secret=secrets[0] if secrets else None,
            )


SETTINGS = tuple(settings())
