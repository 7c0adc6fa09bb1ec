"""The settings of RabbitMQ, which wakes workers where Redis is not to do that."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from .kinds import BrokerUrl, Secret
from .table import Table


class Broker(Table):
    """What wakes workers, where Redis is not to; the same for servers and workers."""

    url: Annotated[BrokerUrl | None, Secret(is_url=True)] = Field(
        default=None,
        description="The RabbitMQ to use, as amqps://USER:PASSWORD@HOST:5671/VHOST; jobs stay in "
        "Redis",
    )
    ca_file: Path | None = Field(
        default=None,
        description="Of an amqps:// address, whose certificates are believed instead of those that "
        "this machine believes",
    )
    cert_file: Path | None = Field(
        default=None, description="This process's own certificate, where RabbitMQ asks for one"
    )
    key_file: Path | None = Field(
        default=None, description="The private key of that certificate, mode 0600"
    )
    plain: bool = Field(
        default=False, description="Whether amqp:// may leave this machine, without encryption"
    )
