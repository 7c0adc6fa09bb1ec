"""Certificates made as docs/deploy/hosts.md makes them, and a Redis that speaks TLS."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from taskkit.stack.identity import free_port

ROOT = Path(__file__).parents[1]
UNPACKED = ROOT / "build" / "tls-redis"
"""Where `tools/tls_redis.sh` puts one."""

LIMIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Certificates:
    """The files of one authority of a test's own."""

    folder: Path

    @property
    def ca(self) -> Path:
        """The authority's certificate."""
        return self.folder / "ca.crt"

    def cert(self, name: str) -> Path:
        """A host's certificate."""
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        """And its key."""
        return self.folder / f"{name}.key"

    def make_authority(self, name: str = "taskkit") -> None:
        """Make the authority."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650"),
            *("-subj", f"/CN={name}", "-keyout", "ca.key", "-out", "ca.crt"),
        )

    def make(self, name: str, *alternatives: str, days: int = 825) -> None:
        """Make a host's key and certificate, e.g. for ``DNS:redis.lab`` and ``IP:10.0.0.5``."""
        self._openssl(
            *("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}"),
            *("-keyout", f"{name}.key", "-out", f"{name}.csr"),
        )
        names = self.folder / f"{name}.ext"
        names.write_text(f"subjectAltName={','.join(alternatives)}\n" if alternatives else "")
        self._openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key"),
            *("-CAcreateserial", "-days", str(days), "-extfile", f"{name}.ext"),
            *("-out", f"{name}.crt"),
        )

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)


def tls_server() -> list[str]:
    """Return the command of a Redis or Valkey that speaks TLS; skip the test where none is."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    found = _candidates()
    if not found:
        pytest.skip("no Redis that speaks TLS is here: tools/tls_redis.sh fetches one")
    return found[0]


def why_no_tls() -> str:
    """Return why there is no Redis that speaks TLS, or ""."""
    if shutil.which("openssl") is None:
        return "openssl is not installed"
    return "" if _candidates() else "no Redis that speaks TLS is here: tools/tls_redis.sh"


def _candidates() -> list[list[str]]:
    commands = [
        [path] for name in ("valkey-server", "redis-server") if (path := shutil.which(name))
    ]
    unpacked = UNPACKED / "usr" / "bin" / "redis-server"
    if unpacked.exists():
        libraries = ":".join(str(path) for path in UNPACKED.glob("usr/lib/*-linux-gnu"))
        commands.append(["env", f"LD_LIBRARY_PATH={libraries}", str(unpacked)])
    return [command for command in commands if _speaks_tls(command)]


def _speaks_tls(command: Sequence[str]) -> bool:
    # Without a certificate, one that knows of TLS complains of that, and another of TLS itself.
    words = [*command, "--port", "0", "--tls-port", str(free_port()), "--save", ""]
    try:
        ran = subprocess.run(words, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return "tls-cert-file" in ran.stdout


@contextmanager
def tls_redis(
    folder: Path,
    certificates: Certificates,
    *settings: str,
    asks_for_certificates: bool = False,
    bind: str = "127.0.0.1",
    port: int | None = None,
    prefix: Sequence[str] = (),
) -> Iterator[str]:
    """Run a Redis on TLS alone, which keeps all that it accepts; give its address.

    prefix: before its command, to run it elsewhere.
    """
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    lines = (
        f"bind {bind}",
        "port 0",
        f"tls-port {port}",
        f"tls-cert-file {certificates.cert('redis')}",
        f"tls-key-file {certificates.key('redis')}",
        f"tls-ca-cert-file {certificates.ca}",
        f"tls-auth-clients {'yes' if asks_for_certificates else 'no'}",
        f"dir {folder}",
        *("appendonly yes", "appendfsync always", "maxmemory-policy noeviction", 'save ""'),
        *settings,
    )
    conf = folder / "redis.conf"
    conf.write_text("".join(f"{line}\n" for line in lines))
    log = folder / "redis.log"
    with log.open("ab") as file:
        server = subprocess.Popen([*prefix, *tls_server(), str(conf)], stdout=file, stderr=file)
    try:
        url = f"rediss://{bind}:{port}/0"
        _await(url, certificates, server, log)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)


def _await(
    url: str, certificates: Certificates, server: subprocess.Popen[bytes], log: Path
) -> None:
    own = (
        {
            "ssl_certfile": str(certificates.cert("redis")),
            "ssl_keyfile": str(certificates.key("redis")),
        }
        if certificates.key("redis").exists()
        else {}
    )
    client = redis.Redis.from_url(url, ssl_cert_reqs="none", ssl_check_hostname=False, **own)
    limit, pause = time.monotonic() + LIMIT_S, 0.02
    while True:
        try:
            client.ping()
            client.close()
            return
        except redis.AuthenticationError:
            return
        except (redis.ConnectionError, OSError):
            if server.poll() is not None or time.monotonic() > limit:
                pytest.fail(f"Redis did not start: {_tail(log)}")
            time.sleep(pause)


def _tail(log: Path) -> str:
    return re.sub(r"\n+", "\n", log.read_text())[-2000:] if log.exists() else os.strerror(2)
