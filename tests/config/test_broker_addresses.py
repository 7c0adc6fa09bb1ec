"""The addresses of RabbitMQ and of sentinels: what may be plain, and what Celery is told."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from celery import Celery

from taskkit.config.loading import broker_of, load, redis_of
from taskkit.config.redis_address import redis_address
from taskkit.config.urls import masked
from taskkit.protocol.celery_settings import celery_settings
from taskkit.protocol.errors import Misconfigured
from taskkit.protocol.sentinel import sentinel_address

SENTINELS = "redis+sentinel://ada:pa%2Fss@a.lab:26379,10.0.0.2,[::1]:7/main/3"


def broker(**told: str) -> str | None:
    """Return RabbitMQ's address as variables tell it."""
    told = {f"TASKKIT_BROKER_{name.upper()}": value for name, value in told.items()}
    return broker_of(load({**told, "TASKKIT_REDIS_URL": "redis://"}, {}).configuration)


def test_redis_wakes_workers_where_nothing_is_told() -> None:
    """As ever."""
    assert broker() is None
    assert celery_settings("redis://r/1")["broker_url"] == "redis://r/1"


def test_rabbitmq_elsewhere_is_encrypted_or_said_to_be_plain() -> None:
    """Its password would be read on the way."""
    with pytest.raises(Misconfigured, match="amqps://"):
        broker(url="amqp://u:p@lab:5672/v")
    assert broker(url="amqp://u:p@lab:5672/v", plain="true") == "amqp://u:p@lab:5672/v"
    assert broker(url="amqp://u:p@127.0.0.1/v") == "amqp://u:p@127.0.0.1/v"
    with pytest.raises(Misconfigured, match=r"TASKKIT_BROKER_URL.*amqps://USER"):
        broker(url="redis://lab")


def test_certificates_go_with_the_address_and_are_checked(tmp_path: Path) -> None:
    """py-amqp checks a certificate and its name where it is told both."""
    ca, cert, key = (tmp_path / name for name in ("ca", "cert", "key"))
    for file in (ca, cert, key):
        file.touch(mode=0o600)
    files = {"ca_file": str(ca), "cert_file": str(cert), "key_file": str(key)}
    url = broker(url="amqps://u:p@lab:5671/v", **files)
    told = celery_settings("redis://r", url)
    assert told["broker_url"] == "amqp://u:p@lab:5671/v"
    assert told["broker_use_ssl"] == {
        "ca_certs": str(ca),
        "certfile": str(cert),
        "keyfile": str(key),
        "cert_reqs": ssl.CERT_REQUIRED,
        "server_hostname": "lab",
    }
    with pytest.raises(Misconfigured, match="go together"):
        broker(url="amqps://u:p@lab:5671/v", cert_file=str(cert))
    key.chmod(0o644)
    with pytest.raises(Misconfigured, match="chmod 600"):
        broker(url="amqps://u:p@lab:5671/v", **files)


def test_sentinels_are_told_in_one_address() -> None:
    """Hosts with or without a port, the name of the primary, the database."""
    found = sentinel_address(f"{SENTINELS}?sentinel_password=x&replicas=2")
    assert found.sentinels == (("a.lab", 26379), ("10.0.0.2", 26379), ("::1", 7))
    assert (found.master, found.db, found.username, found.password) == ("main", 3, "ada", "pa/ss")
    assert (found.sentinel_password, found.replicas) == ("x", 2)
    assert "pa/ss" not in repr(found)


@pytest.mark.parametrize(
    "url", ["redis+sentinel://a:1,b:2", "redis+sentinel://a:x/m", "redis+sentinel:///m"]
)
def test_an_address_that_lacks_something_is_refused_in_words(url: str) -> None:
    """With what one looks like."""
    with pytest.raises(Misconfigured, match=r"looks like redis\+sentinel://"):
        redis_of(load({"TASKKIT_REDIS_URL": url}, {}).configuration)


def test_sentinels_elsewhere_are_said_to_be_plain() -> None:
    """Each of them, and the replicas are elsewhere with them."""
    with pytest.raises(Misconfigured, match="travel in plain text"):
        redis_address("redis+sentinel://127.0.0.1:1,lab:2/main")
    url = redis_address("redis+sentinel://127.0.0.1:1,lab:2/main", may_be_plain=True, replicas=1)
    assert sentinel_address(url).replicas == 1
    with pytest.raises(Misconfigured, match="needs sentinels"):
        redis_address("redis://127.0.0.1:1/0", replicas=1)


def test_celery_finds_the_primary_by_the_same_sentinels() -> None:
    """As kombu reads them."""
    app = Celery("test", set_as_current=False)
    app.conf.update(celery_settings(f"{SENTINELS}?sentinel_password=x"))
    connection = app.connection_for_write()
    assert connection.transport_cls == "sentinel"
    assert len(connection.alt) == 3
    assert connection.virtual_host == "3"
    assert (connection.userid, connection.password) == ("ada", "pa/ss")
    options = app.conf.broker_transport_options
    assert options["master_name"] == "main"
    assert options["sentinel_kwargs"]["password"] == "x"


def test_no_password_of_sentinels_is_shown() -> None:
    """Neither of the primary nor of the sentinels themselves."""
    shown = masked(f"{SENTINELS}?sentinel_password=geheim&replicas=1")
    assert "pa%2Fss" not in shown
    assert "geheim" not in shown
    assert shown.endswith("&replicas=1")
    assert "geheim" not in masked("redis+sentinel://a:1/m?sentinel_password=geheim")
