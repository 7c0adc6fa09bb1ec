"""The settings of Redis, where ledger and queue are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from .kinds import RedisUrl, Secret
from .table import Table


class Redis(Table):
    """Where ledger and queue are."""

    url: Annotated[RedisUrl | None, Secret(is_url=True)] = Field(
        default=None,
        description="The Redis to use, as redis://:PASSWORD@HOST:6379/0, or with sentinels as in "
        "docs/deploy/redis.md; `taskkit up` without one starts its own",
    )
    ca_file: Path | None = Field(
        default=None,
        description="Of a rediss:// address, whose certificates are believed besides those that "
        "this machine believes anyway",
    )
    cert_file: Path | None = Field(
        default=None, description="This process's own certificate, where Redis asks for one"
    )
    key_file: Path | None = Field(
        default=None, description="The private key of that certificate, mode 0600"
    )
    plain: bool = Field(
        default=False, description="Whether redis:// may leave this machine, without encryption"
    )
    replicas: int = Field(
        default=0,
        ge=0,
        description="With sentinels: how many replicas must have a job or a result before it is "
        "promised",
    )
    fsync: Literal["always", "everysec"] = Field(
        default="always",
        description="When the Redis of `taskkit up` puts accepted jobs on the disk: before the "
        "answer, or once a second",
    )
