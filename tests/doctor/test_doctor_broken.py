"""`taskkit doctor` where one hop is broken for real: it names that one and what to do."""

from __future__ import annotations

import http.server
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

import pytest
from meddler import Meddler, asks_for_websocket
from told import Doctor, of_stack
from waiting import wait_until

import taskkit
from taskkit.ledger import open_ledger
from taskkit.private import write_private
from taskkit.protocol.workers import WorkerInfo
from taskkit.stack.folders import Folders
from taskkit.stack.identity import Identity, free_port
from taskkit.stack.part import Part
from taskkit.stack.parts import Settings, plan_parts

pytestmark = pytest.mark.stack

TOKEN = "the-token-of-a-server-that-is-alone"


def port_of(stack: taskkit.LocalStack) -> int:
    """Return the server's port."""
    return int(stack.url.rpartition(":")[2])


def without_worker(settings: Settings, folders: Folders, identity: Identity) -> Sequence[Part]:
    """Return the parts of a stack less the worker."""
    return [part for part in plan_parts(settings, folders, identity) if part.name != "worker"]


def without_blobs(*names: str) -> Callable[[Settings, Folders, Identity], Sequence[Part]]:
    """Return the plan of a stack of which these parts have no TASKKIT_BLOBS."""

    def plan(settings: Settings, folders: Folders, identity: Identity) -> Sequence[Part]:
        return [
            replace(part, env={**part.env, "TASKKIT_BLOBS": None}) if part.name in names else part
            for part in plan_parts(settings, folders, identity)
        ]

    return plan


@contextmanager
def server(redis_url: str, *words: str) -> Iterator[int]:
    """Run a server alone; give its port."""
    port = free_port()
    command = [sys.executable, "-m", "taskkit_server", "--port", str(port), *words]
    environment = {**os.environ, "TASKKIT_REDIS_URL": redis_url, "TASKKIT_TOKEN": TOKEN}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
            yield port
        finally:
            process.terminate()


def test_no_stack(doctor: Doctor) -> None:
    """Neither a variable nor a file says where one is."""
    told = doctor.look()
    told.check_broken("connection", "TASKKIT_URL is not set", "`taskkit up`")
    told.check_unreached_from("address")
    assert told.verdict("clocks") == told.verdict("disk") == "not reached"
    assert told.verdict("kernel") == "good"


def test_no_stack_is_told_in_a_few_lines(doctor: Doctor) -> None:
    """What was not reached takes no line each."""
    ran = doctor.run()
    assert ran.returncode == 1
    assert "  · not reached address, server, redis," in ran.stdout
    assert re.search(r"\n  Broken: connection\. \(", ran.stdout)


def test_file_of_a_stack_that_is_gone(doctor: Doctor) -> None:
    """Its address is told, and that the file is to blame."""
    known = {"url": f"http://127.0.0.1:{free_port()}", "token": "gone-token", "pid": 2**22}
    write_private(doctor.runtime() / "connection.json", known)
    doctor.secrets = ("gone-token",)
    told = doctor.look()
    told.check_broken("connection", "was left by a stack that is gone", "`taskkit up`")
    told.check_unreached_from("address")


def test_file_that_others_can_write(doctor: Doctor, sound: taskkit.LocalStack) -> None:
    """It could lead anywhere, so it is not followed."""
    path = doctor.runtime() / "connection.json"
    write_private(path, {"url": sound.url, "token": sound.token})
    path.chmod(0o666)
    told = doctor.look()
    told.check_broken("connection", "others can write it", f"Remove {path}")
    told.check_unreached_from("address")


def test_address_that_is_none(doctor: Doctor) -> None:
    """The variable is named, and what one looks like; a password in it is not shown."""
    told = doctor.look(TASKKIT_URL="ftp://ada:hush@lab:21")
    told.check_broken("connection", "'ftp://lab:21'", "http://127.0.0.1:5000")
    told.check_unreached_from("address")


def test_token_with_a_line_break(doctor: Doctor, sound: taskkit.LocalStack) -> None:
    """Copied from a terminal that wrapped it."""
    told = doctor.look(TASKKIT_URL=sound.url, TASKKIT_TOKEN="one\ntwo")
    told.check_broken("connection", "the token of TASKKIT_TOKEN", "Copy it once more.")


def test_host_that_nobody_knows(doctor: Doctor) -> None:
    """A name that is none (RFC 6761 keeps `.invalid` for that)."""
    told = doctor.look(TASKKIT_URL="http://lab.invalid:5000")
    told.check_broken("address", "'lab.invalid'", "Correct the name in TASKKIT_URL")
    told.check_unreached_from("server")


def test_port_where_nobody_listens(at_home: Doctor) -> None:
    """The stack that does run here is told of."""
    told = at_home.look(TASKKIT_URL=f"http://127.0.0.1:{free_port()}")
    told.check_broken("address", "the stack that runs here is at", "Unset TASKKIT_URL")
    told.check_unreached_from("server")


def test_port_where_something_else_answers(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    """What that is, and that it is not taskkit."""
    other = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    monkeypatch.setattr(other.RequestHandlerClass, "log_message", lambda *_: None)
    threading.Thread(target=other.serve_forever, args=(0.01,), daemon=True).start()
    try:
        told = doctor.look(TASKKIT_URL=f"http://127.0.0.1:{other.server_address[1]}")
    finally:
        other.shutdown()
        other.server_close()
    told.check_broken("server", "something else than taskkit answers there: HTTP 404", "port")
    assert "SimpleHTTP" in told.hops["server"]["said"]
    told.check_unreached_from("redis")


def test_port_that_speaks_no_http(doctor: Doctor, redis_url: str) -> None:
    """The Redis itself, say."""
    told = doctor.look(TASKKIT_URL=redis_url.replace("redis://", "http://"))
    told.check_broken("server", "does not speak HTTP", "Set TASKKIT_URL to the server's own port")
    told.check_unreached_from("redis")


def test_https_where_there_is_none(doctor: Doctor, sound: taskkit.LocalStack) -> None:
    """The right address is told."""
    told = doctor.look(TASKKIT_URL=sound.url.replace("http", "https"))
    told.check_broken("server", "does not speak TLS", f"Set TASKKIT_URL to {sound.url}.")
    told.check_unreached_from("redis")


def test_certificate_that_nobody_signed(doctor: Doctor, tmp_path: Path) -> None:
    """Which trust is missing, and the variable that gives it."""
    key, made = tmp_path / "key.pem", tmp_path / "made.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=lab"]
    try:
        subprocess.run([*words, "-keyout", key, "-out", made], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    other = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    other.socket = context.wrap_socket(other.socket, server_side=True)
    threading.Thread(target=other.serve_forever, args=(0.01,), daemon=True).start()
    try:
        told = doctor.look(TASKKIT_URL=f"https://127.0.0.1:{other.server_address[1]}")
    finally:
        other.shutdown()
        other.server_close()
    told.check_broken("server", "certificate is not trusted: self", "SSL_CERT_FILE")
    told.check_unreached_from("redis")


def test_host_that_the_server_does_not_go_by(doctor: Doctor, sound: taskkit.LocalStack) -> None:
    """Reached by a forwarded port; the option that lets the name in is told, with the name."""
    with Meddler(port_of(sound), address="127.0.0.2") as forwarded:
        told = doctor.look(TASKKIT_URL=forwarded.url, TASKKIT_TOKEN=sound.token)
    told.check_broken("server", "'127.0.0.2'", "taskkit server --allow-host 127.0.0.2")
    told.check_unreached_from("redis")


def test_server_that_hangs(at_home: Doctor, sound: taskkit.LocalStack) -> None:
    """It takes connections, for the kernel does that, and answers nothing."""
    pid = sound.pids()["server"]
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    pids = [pid, *map(int, children)]
    try:
        for one in pids:
            os.kill(one, signal.SIGSTOP)
        told = at_home.look()
    finally:
        for one in pids:
            os.kill(one, signal.SIGCONT)
    told.check_broken("server", "answers nothing within 5 s", "`taskkit logs`")
    told.check_unreached_from("redis")


def test_redis_that_hangs(at_home: Doctor, sound: taskkit.LocalStack) -> None:
    """Stopped, as by a debugger or a machine that swaps."""
    pid = sound.pids()["redis"]
    try:
        os.kill(pid, signal.SIGSTOP)
        told = at_home.look()
    finally:
        os.kill(pid, signal.SIGCONT)
    told.check_broken("redis", "within 5 s", "`taskkit logs`")
    told.check_unreached_from("persistence")


def test_redis_that_is_away(doctor: Doctor) -> None:
    """A server alone, whose Redis never was there."""
    with server(f"redis://:hush-hush@127.0.0.1:{free_port()}/0") as port:
        doctor.secrets = ("hush-hush",)
        told = doctor.look(TASKKIT_URL=f"http://127.0.0.1:{port}", TASKKIT_TOKEN=TOKEN)
    told.check_broken("redis", "Redis does not answer", "TASKKIT_REDIS_URL")
    told.check_unreached_from("persistence")


def test_token_that_is_missing(doctor: Doctor, sound: taskkit.LocalStack) -> None:
    """Only the address is known."""
    told = doctor.look(TASKKIT_URL=sound.url)
    told.check_broken("token", "this server wants a token", "Set TASKKIT_TOKEN")
    told.check_unreached_from("versions")


def test_token_that_is_wrong(at_home: Doctor, sound: taskkit.LocalStack) -> None:
    """An old variable stands before the file that knows better."""
    told = at_home.look(TASKKIT_TOKEN="an-old-token")
    told.check_broken("token", "not one that this server knows", "Unset TASKKIT_TOKEN")
    told.check_unreached_from("versions")


def test_server_of_another_protocol(doctor: Doctor, sound: taskkit.LocalStack) -> None:
    """By a proxy that has it say so: there is one protocol only, so far."""

    def newer(piece: bytes) -> bytes:
        return piece.replace(b'"protocol":1', b'"protocol":9')

    with Meddler(port_of(sound), answers=newer) as proxy:
        told = doctor.look(TASKKIT_URL=proxy.url, TASKKIT_TOKEN=sound.token)
    told.check_broken("versions", "protocol 9", "pip install 'taskkit-notebook==")
    told.check_unreached_from("workers")


def test_no_worker_and_one_of_another_python(doctor: Doctor) -> None:
    """The second is a worker by what the ledger tells of it only; another Python is not here."""
    with taskkit.LocalStack(workers=1, plan=without_worker) as stack:
        told = doctor.look(**of_stack(stack))
        told.check_broken("workers", "none is there, so jobs wait", "`taskkit worker`")
        told.check_unreached_from("queue")

        ledger = open_ledger(stack.redis_url)
        ledger.join(WorkerInfo(name="w", host="lab", pid=1, processes=4, python="3.99.1"))
        told = doctor.look(**of_stack(stack))
        told.check_broken("workers", "they run Python 3.99", "Use a kernel with Python 3.99")
        told.check_unreached_from("queue")


def test_worker_of_another_python_among_others(doctor: Doctor, sound: taskkit.LocalStack) -> None:
    """Jobs that come to it fail, so it is told though others are there."""
    ledger = open_ledger(sound.redis_url)
    ledger.join(WorkerInfo(name="odd", host="lab", pid=1, processes=4, python="3.99.1"))
    try:
        told = doctor.look(**of_stack(sound))
    finally:
        ledger.leave("odd", "it was none")
    told.check_caution("workers", "some run Python 3.99", "Have all workers run Python 3.")


def test_worker_that_hangs(doctor: Doctor) -> None:
    """It is there for as long as its presence lasts, and begins nothing."""
    with taskkit.LocalStack(workers=1) as stack:
        pid = stack.pids()["worker"]
        group = [
            int(folder.name)
            for folder in Path("/proc").glob("[0-9]*")
            if _group_of(int(folder.name)) == os.getpgid(pid)
        ]
        try:
            for one in group:
                os.kill(one, signal.SIGSTOP)
            told = doctor.look(**of_stack(stack))
        finally:
            for one in group:
                os.kill(one, signal.SIGCONT)
    told.check_broken("queue", "was not begun within 15 s", "Start the workers again")
    told.check_unreached_from("job")


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def test_proxy_that_passes_no_websocket(doctor: Doctor, sound: taskkit.LocalStack) -> None:
    """Jobs work, news come late; what the proxy has to pass on is told."""
    with Meddler(port_of(sound), refuses=asks_for_websocket) as proxy:
        told = doctor.look(TASKKIT_URL=proxy.url, TASKKIT_TOKEN=sound.token)
        assert proxy.refused > 0
    told.check_caution("socket", "does not pass WebSockets: HTTP 403 from old-proxy", "`Upgrade`")
    assert told.verdict("log") == told.verdict("blobs") == "good"


def test_proxy_of_the_environment(doctor: Doctor, sound: taskkit.LocalStack) -> None:
    """It is for the world outside: requests and WebSocket go straight, and all is well."""
    dead = f"http://user:hush@127.0.0.1:{free_port()}"
    doctor.secrets = ("hush",)
    told = doctor.look(**of_stack(sound), http_proxy=dead)
    assert {told.verdict(hop) for hop in ("server", "job", "socket", "blobs")} == {"good"}


def test_clock_that_is_wrong(doctor: Doctor, sound: taskkit.LocalStack) -> None:
    """The server's, by a proxy that writes another Date; the ledger's is right, and not blamed."""

    def behind(piece: bytes) -> bytes:
        def later(found: re.Match[bytes]) -> bytes:
            told = parsedate_to_datetime(found[1].decode()) - timedelta(minutes=5)
            return b"Date: " + format_datetime(told.astimezone(UTC), usegmt=True).encode()

        return re.sub(rb"Date: ([^\r]+)", later, piece)

    assert b"Date: " in behind(b"Date: " + format_datetime(datetime.now(UTC), usegmt=True).encode())
    with Meddler(port_of(sound), answers=behind) as proxy:
        told = doctor.look(TASKKIT_URL=proxy.url, TASKKIT_TOKEN=sound.token)
    told.check_caution("clocks", "the server's clock is 5 min behind", "NTP")
    assert "ledger" not in told.hops["clocks"]["said"]
    assert told.hops["clocks"]["measured"]["server_ahead_s"] == pytest.approx(-300, abs=2)


def test_nobody_keeps_large_values(doctor: Doctor) -> None:
    """TASKKIT_BLOBS is unset everywhere: they travel in requests, up to a limit."""
    plan = without_blobs("server", "worker")
    with taskkit.LocalStack(workers=1, plan=plan) as stack:
        told = doctor.look(**of_stack(stack))
    told.check_caution("blobs", "keeps no large values apart", "Set TASKKIT_BLOBS")


def test_worker_without_the_servers_blobs(doctor: Doctor) -> None:
    """What the server keeps does not come to the job."""
    with taskkit.LocalStack(workers=1, plan=without_blobs("worker")) as stack:
        told = doctor.look(**of_stack(stack))
    told.check_broken("blobs", "did not come back from the worker", "TASKKIT_BLOBS for the workers")
