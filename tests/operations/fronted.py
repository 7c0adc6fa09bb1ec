"""Two servers behind a real nginx, with the configuration that is in `deploy/nginx`."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import pytest
import urllib3
from running import TOKEN, Running, running, running_worker
from waiting import wait_until

from taskkit.stack.identity import free_port

CONF = Path(__file__).parents[2] / "deploy" / "nginx" / "taskkit.conf"

NAME = "localhost"
"""Stands for taskkit.example."""

MAIN = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{}}
http {{
    default_type application/octet-stream;
    access_log {folder}/access.log;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/taskkit.conf;
}}
"""


def missing_nginx() -> NoReturn:
    """Skip what needs it; where CI is, fail."""
    what = "nginx or openssl is not on PATH (Debian: apt-get install nginx openssl)"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}; CI must run these tests: sh tools/nginx.sh")
    pytest.skip(what)


def nginx_binary() -> str:
    """Return where nginx is; Debian has it where only root looks."""
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))
    found = shutil.which("nginx", path=path)
    if found is None or shutil.which("openssl") is None:
        missing_nginx()
    return found


@dataclass
class Fronted:
    """nginx, the servers behind it, and what they share."""

    folder: Path
    redis_url: str
    ports: tuple[int, int]
    port: int
    plain_port: int
    certificate: Path
    servers: dict[int, ExitStack] = field(default_factory=dict)
    #: By their ports; those that run.
    started: int = 0

    @property
    def url(self) -> str:
        """nginx's address."""
        return f"https://{NAME}:{self.port}"

    def start(self, port: int) -> Running:
        """Start one of the servers; return when it answers."""
        self.started += 1
        log = self.folder / f"server-{self.started}.log"
        until_stopped = ExitStack()
        words = ("--port", str(port), "--trust-redis", "--allow-host", NAME)
        server = until_stopped.enter_context(
            running(
                "taskkit_server",
                log,
                *words,
                TASKKIT_REDIS_URL=self.redis_url,
                TASKKIT_TOKEN=TOKEN,
                TASKKIT_BLOBS=str(self.folder / "blobs"),
            )
        )
        server.url = f"http://127.0.0.1:{port}"
        self.servers[port] = until_stopped

        def answers() -> bool:
            assert server.process.poll() is None, server.text()
            try:
                return server.get("/health/live").status == 200
            except urllib3.exceptions.HTTPError:
                return False

        wait_until(answers)
        self.running[port] = server
        return server

    running: dict[int, Running] = field(default_factory=dict)
    #: By their ports.

    def kill(self, port: int) -> None:
        """End one of the servers as a lack of memory would."""
        self.running.pop(port).process.kill()
        self.servers.pop(port).close()

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        reads: bool = True,
        **headers: str,
    ) -> urllib3.BaseHTTPResponse:
        """Ask through nginx, over a connection of its own."""
        given = {"Authorization": f"Bearer {TOKEN}", "Connection": "close"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        with urllib3.PoolManager(ca_certs=str(self.certificate), retries=False) as pool:
            return pool.request(
                method,
                self.url + path,
                headers=given,
                body=body,
                timeout=60,
                redirect=False,
                preload_content=reads,
            )


def configured(
    folder: Path, ports: tuple[int, int], port: int, plain_port: int, whole: str = MAIN
) -> Path:
    """Write the repository's file for this place, and nothing of it changed beside places.

    Returns the file of a whole configuration, which includes it.
    """
    text = CONF.read_text()
    for place, here in (
        ("127.0.0.1:5000", f"127.0.0.1:{ports[0]}"),
        ("127.0.0.1:5001", f"127.0.0.1:{ports[1]}"),
        ("listen 80;", f"listen 127.0.0.1:{plain_port};"),
        ("listen 443 ", f"listen 127.0.0.1:{port} "),
        ("taskkit.example", NAME),
        ("/etc/nginx/tls", str(folder)),
    ):
        assert place in text, place
        text = text.replace(place, here)
    (folder / "taskkit.conf").write_text(text)
    main = folder / "nginx.conf"
    main.write_text(whole.format(folder=folder))
    return main


def make_certificate(folder: Path) -> Path:
    """Make a certificate for `NAME`, as the configuration names it."""
    certificate = folder / "taskkit.crt"
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    name = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-days", "2"]
    files = ["-keyout", str(folder / "taskkit.key"), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", *key, *name, *files]
    subprocess.run(command, check=True, capture_output=True)
    return certificate


@contextmanager
def nginx(main: Path) -> Iterator[None]:
    """Run nginx until the end of the block."""
    folder = main.parent
    command = [nginx_binary(), "-p", str(folder), "-c", str(main), "-e", str(folder / "start.log")]
    if os.getuid() == 0:  # else it would serve as a user who may not look into this folder
        command += ["-g", "user root;"]
    with (folder / "nginx.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until(lambda: process.poll() is not None or (folder / "nginx.pid").exists())
        assert process.poll() is None, (folder / "nginx.log").read_text()
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def fronted(folder: Path, redis_url: str) -> Iterator[Fronted]:
    """Run two servers, a worker and nginx before them, as users meet them."""
    nginx_binary()
    ports, port, plain_port = (free_port(), free_port()), free_port(), free_port()
    main = configured(folder, ports, port, plain_port)
    (folder / "blobs").mkdir()
    front = Fronted(folder, redis_url, ports, port, plain_port, make_certificate(folder))
    with ExitStack() as both:
        both.callback(lambda: [stack.close() for stack in front.servers.values()])
        for one in ports:
            front.start(one)
        both.enter_context(
            running_worker(
                redis_url,
                folder / "worker.log",
                "--concurrency=2",
                TASKKIT_BLOBS=str(folder / "blobs"),
            )
        )
        both.enter_context(nginx(main))
        yield front
