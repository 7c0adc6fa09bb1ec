"""Redis over TLS: a real one, a stack on it, and what is said where the two sides do not agree."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from tls import Certificates, tls_redis, tls_server
from typer.testing import CliRunner

import taskkit
from taskkit.accounts.folder import Folder
from taskkit.cli import app
from taskkit.config.redis_address import redis_address
from taskkit.doctor.chart import Chart
from taskkit.doctor.finding import Verdict
from taskkit.doctor.keeping import check_persistence
from taskkit.ledger import agree, examine, open_ledger
from taskkit.protocol.errors import Unavailable
from taskkit.stack.identity import free_port
from taskkit_server.upkeep.dispatch import Dispatch

pytestmark = pytest.mark.stack


class Encrypted(NamedTuple):
    """A Redis on TLS, and certificates for it."""

    url: str
    certificates: Certificates


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Those of an authority of this module's own."""
    tls_server()  # skips where there is none
    made = Certificates(tmp_path_factory.mktemp("tls"))
    made.make_authority()
    made.make("redis", "IP:127.0.0.1")
    made.make("worker")
    return made


@pytest.fixture(scope="module")
def encrypted(
    certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Encrypted]:
    """One that asks for no certificates."""
    with tls_redis(tmp_path_factory.mktemp("redis"), certificates) as url:
        yield Encrypted(url, certificates)


@pytest.fixture(scope="module")
def asking(
    certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Encrypted]:
    """One that asks for certificates."""
    folder = tmp_path_factory.mktemp("redis")
    with tls_redis(folder, certificates, asks_for_certificates=True) as url:
        yield Encrypted(url, certificates)


def test_a_stack_runs_jobs_over_tls(encrypted: Encrypted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ledger and broker, of server and of worker, by the settings alone."""
    url = redis_address(encrypted.url, ca_file=encrypted.certificates.ca)
    monkeypatch.setenv("TASKKIT_REDIS_URL", url)
    with taskkit.LocalStack(workers=2) as stack, closing(stack.client()) as client:
        assert list(client.map(abs, range(-20, 0))) == list(range(20, 0, -1))
        job = client.submit(lambda: __import__("time").sleep(60))
        assert job.cancel() or job.done()


def test_a_certificate_of_its_own_opens_what_asks_for_one(asking: Encrypted) -> None:
    """To ledger and broker; without it both are turned away, in words."""
    ours = asking.certificates
    cert, key = ours.cert("worker"), ours.key("worker")
    url = redis_address(asking.url, ca_file=ours.ca, cert_file=cert, key_file=key)
    open_ledger(url).check()
    assert Dispatch(url).empty_of(["default"]) == ["default"]
    without = redis_address(asking.url, ca_file=ours.ca)
    told = set()
    for _ in range(10):  # what Redis says of it may be lost with the connection that it closes
        with pytest.raises(Unavailable) as refused:
            open_ledger(without).check()
        told.add("a certificate of this process" in str(refused.value))
    assert True in told
    with pytest.raises(Unavailable):
        Dispatch(without).empty_of(["default"])


def test_accounts_are_kept_at_a_redis_that_asks_for_certificates(
    certificates: Certificates, tmp_path: Path
) -> None:
    """The commands show one as server and workers do, and say so where it is missing."""
    port = free_port()
    folder = Folder(tmp_path / "accounts")
    folder.begin(f"rediss://127.0.0.1:{port}/0", (7, 0))
    told = ["--folder", str(folder.path), "--redis-ca-file", str(certificates.ca)]
    shown = ["--redis-cert-file", str(certificates.cert("worker"))]
    shown += ["--redis-key-file", str(certificates.key("worker"))]
    run = CliRunner().invoke
    with tls_redis(
        tmp_path / "redis",
        certificates,
        f"aclfile {folder.users}",
        asks_for_certificates=True,
        port=port,
    ):
        made = run(app, ["account", "create", "gpu1", *told, *shown])
        assert made.exit_code == 0, made.output
        cert, key = certificates.cert("worker"), certificates.key("worker")
        address = folder.address("gpu1")
        known = redis_address(address, ca_file=certificates.ca, cert_file=cert, key_file=key)
        agree(known)
        assert run(app, ["account", "update", *told, *shown]).exit_code == 0
        unseen = run(app, ["account", "revoke", "gpu1", *told])
        assert unseen.exit_code == 1
        assert "Redis has not read it" in " ".join(unseen.output.split())
        agree(known)
        again = run(app, ["account", "revoke", "gpu1", *told, *shown])
        assert again.exit_code == 0, again.output
        with pytest.raises(Unavailable):
            agree(known)
        admin = folder.address("admin")
        assert run(app, ["account", "rotate", "admin", *told]).exit_code == 1
        assert folder.address("admin") == admin, "by which alone Redis can be told"
        assert run(app, ["account", "rotate", "admin", *told, *shown]).exit_code == 0
        assert run(app, ["account", "update", *told, *shown]).exit_code == 0


Spoil = Callable[[Encrypted, Path], str]
"""Returns an address with something wrong."""


def _unknown(there: Encrypted, _folder: Path) -> str:
    return redis_address(there.url)


def _of_another_authority(there: Encrypted, folder: Path) -> str:
    others = Certificates(folder)
    others.make_authority("others")
    return redis_address(there.url, ca_file=others.ca)


def _another_name(there: Encrypted, _folder: Path) -> str:
    url = there.url.replace("127.0.0.1", "localhost")
    return redis_address(url, ca_file=there.certificates.ca)


def _no_authority(there: Encrypted, folder: Path) -> str:
    (folder / "empty.crt").write_text("")
    return redis_address(there.url, ca_file=folder / "empty.crt")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_unknown, "not known here"),
        (_of_another_authority, "not known here"),
        (_another_name, "is of another name than the address has"),
        (_no_authority, "redis.ca_file holds no certificate"),
    ],
)
def test_who_is_not_whom_he_says_is_not_spoken_to(
    encrypted: Encrypted, tmp_path: Path, spoil: Spoil, words: str
) -> None:
    """By ledger and broker; ledger and doctor say why, and the doctor that it cannot work so."""
    url = spoil(encrypted, tmp_path)
    with pytest.raises(Unavailable, match=words):
        agree(url)
    with pytest.raises(Unavailable):
        Dispatch(url).empty_of(["default"])
    finding, _ = check_persistence(Chart(environment={"TASKKIT_REDIS_URL": url}))
    assert finding.verdict is Verdict.BROKEN
    assert words in finding.said


def test_a_certificate_that_is_over_is_said_to_be(
    certificates: Certificates, tmp_path: Path
) -> None:
    """Not that Redis does not answer."""
    old = Certificates(tmp_path / "tls")
    old.make_authority()
    try:
        old.make("redis", "IP:127.0.0.1", days=-1)
    except subprocess.CalledProcessError:
        pytest.skip("this openssl makes no certificate that is over")
    over = pytest.raises(Unavailable, match="has expired: renew it")
    with tls_redis(tmp_path / "redis", old) as url, over:
        agree(redis_address(url, ca_file=old.ca))


def test_a_port_without_tls_is_told_from_none(redis_url: str) -> None:
    """A Redis in plain text waits for the end of a line that never comes."""
    url = redis_address(redis_url.replace("redis://", "rediss://"))
    with pytest.raises(Unavailable, match="is it the port for redis://"):
        agree(url)


def test_who_hangs_up_in_the_midst_is_asked_again(encrypted: Encrypted) -> None:
    """As a Redis that is started anew does: nothing is known to be wrong, and no server stops."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def hang_up() -> None:
            listening.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        url = redis_address(f"rediss://127.0.0.1:{port}/0", ca_file=encrypted.certificates.ca)
        with pytest.raises(Unavailable):
            examine(url)
        thread.join(10)


def test_the_doctor_goes_by_the_settings_of_a_worker_s_host(encrypted: Encrypted) -> None:
    """Which has no server to ask, but Redis."""
    told = {
        "TASKKIT_REDIS_URL": encrypted.url,
        "TASKKIT_REDIS_CA_FILE": str(encrypted.certificates.ca),
    }
    finding, _ = check_persistence(Chart(environment=told))
    assert finding.verdict is Verdict.GOOD, finding
