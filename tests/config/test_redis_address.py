"""The address of Redis: what may be plain, and what encryption needs besides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import redis
from celery import Celery

from taskkit.config.loading import load, redis_of
from taskkit.config.redis_address import redis_address
from taskkit.protocol.errors import Misconfigured


def told(environment: Mapping[str, str]) -> str:
    """Return the address that variables tell."""
    return redis_of(load(environment, {}).configuration)


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1:6379/0", "redis://localhost", "redis://[::1]:1/0", "unix:///r.sock"]
)
def test_what_stays_on_this_machine_may_be_plain(url: str) -> None:
    """The address is left as it is."""
    assert redis_address(url) == url


@pytest.mark.parametrize("host", ["lab", "10.0.0.5", "localhost.evil.example", "[fe80::1]"])
def test_what_leaves_this_machine_may_not(host: str) -> None:
    """Passwords and results would travel in plain text; the refusal says what to do instead."""
    with pytest.raises(Misconfigured, match=r"rediss://.*TASKKIT_REDIS_PLAIN"):
        redis_address(f"redis://:hush@{host}:6379/0")


def test_whoever_trusts_the_way_says_so() -> None:
    """By a setting, which changes nothing else."""
    told_plain = {"TASKKIT_REDIS_URL": "redis://lab:6379/0", "TASKKIT_REDIS_PLAIN": "true"}
    assert told(told_plain) == "redis://lab:6379/0"


def test_library_and_broker_check_the_certificate(tmp_path: Path) -> None:
    """kombu would check none, unless the address says it; both take the same files."""
    ca, cert, key = (tmp_path / name for name in ("ca.crt", "w.crt", "w.key"))
    for path in (ca, cert, key):
        path.touch(mode=0o600)
    url = told(
        {
            "TASKKIT_REDIS_URL": "rediss://gpu:hush@lab:6380/3",
            "TASKKIT_REDIS_CA_FILE": str(ca),
            "TASKKIT_REDIS_CERT_FILE": str(cert),
            "TASKKIT_REDIS_KEY_FILE": str(key),
        }
    )
    files = {"ssl_ca_certs": str(ca), "ssl_certfile": str(cert), "ssl_keyfile": str(key)}
    given = redis.Redis.from_url(url).connection_pool.connection_kwargs
    assert given == {**given, "host": "lab", "port": 6380, "db": 3, "username": "gpu", **files}
    assert (given["ssl_cert_reqs"], given["ssl_check_hostname"]) == ("required", True)
    broker = Celery("t", broker=url, set_as_current=False).connection()
    assert (broker.hostname, broker.port, broker.virtual_host) == ("lab", 6380, "3")
    assert broker.ssl["ssl_cert_reqs"].name == "CERT_REQUIRED"
    assert broker.ssl["ssl_check_hostname"] is True
    assert broker.ssl == {**broker.ssl, **files}


def test_without_files_the_certificate_is_checked_all_the_same() -> None:
    """By those whom the machine believes."""
    url = redis_address("rediss://lab:6380/0")
    broker = Celery("t", broker=url, set_as_current=False).connection()
    assert broker.ssl["ssl_cert_reqs"].name == "CERT_REQUIRED"


def test_an_address_is_made_once(tmp_path: Path) -> None:
    """A part that is given one that was made already, and the settings too, uses it as it is."""
    (tmp_path / "ca.crt").touch()
    made = redis_address("rediss://lab:6380/0", ca_file=tmp_path / "ca.crt")
    assert redis_address(made, ca_file=tmp_path / "ca.crt") == made


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    """One that is missing, a certificate without its key, a key that others can read."""
    with pytest.raises(Misconfigured, match=r"ca\.crt cannot be read: No such file"):
        redis_address("rediss://lab", ca_file=tmp_path / "ca.crt")
    cert, key = tmp_path / "w.crt", tmp_path / "w.key"
    cert.touch()
    with pytest.raises(Misconfigured, match="go together"):
        redis_address("rediss://lab", cert_file=cert)
    key.touch(mode=0o644)
    key.chmod(0o644)
    with pytest.raises(Misconfigured, match="chmod 600"):
        redis_address("rediss://lab", cert_file=cert, key_file=key)
