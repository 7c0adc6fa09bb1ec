"""The whole application on a ledger in memory, asked for anything."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterable
from selectors import DefaultSelector
from typing import Any

from gunicorn.config import Config
from gunicorn.http.errors import ParseException
from gunicorn.http.parser import RequestParser
from parsers import TOKEN, Check
from structures import Source, body, text

from taskkit.ledger.memory import MemoryLedger
from taskkit.protocol import wire
from taskkit.protocol.spec import LOCAL_OWNER, JobSpec
from taskkit.protocol.workers import TaskInfo, WorkerInfo
from taskkit_server.app import create_app
from taskkit_server.live.upgrades import MESSAGE_BYTES
from taskkit_server.metrics.counts import Metrics
from taskkit_server.process.heads import HEAD_BYTES, HeadsFirst
from taskkit_server.process.http_worker import PROBLEMS, NotHttp, answer_to
from taskkit_server.settings import Settings

READ = ["/jobs", "/events", "/jobs/{id}", "/jobs/{id}/output", "/queues", "/workers", "/tasks"]
READ += [
    "/jobs/{id}/panel",
    "/jobs/{id}/result",
    "/tokens",
    "/hello",
    "/openapi.json",
    "/",
    "/docs",
]
WRITE = ["/jobs", "/tokens", "/tasks", "/blobs/missing", "/jobs/{id}/cancel", "/jobs/{id}/retry"]
QUERY = ["limit", "cursor", "before", "name", "state", "since", "until", "session", "q", "log"]
QUERY += ["epoch", "after", "at", "follow", "false", "queued", "2026-11-26T00:00:00Z", "jobs"]
HEADERS = [
    "Accept",
    "Idempotency-Key",
    "If-None-Match",
    "Range",
    "Content-Type",
    "Origin",
    "Cookie",
]
HEADERS += ["Taskkit-Protocol", "X-Request-ID", "Authorization", "traceparent", "Upload-Offset"]
HEADERS += ["Upload-Complete", "Content-Encoding", "Accept-Encoding", "Upgrade", "If-Range"]
WORDS = [
    "task",
    "arguments",
    "positional",
    "function",
    "payload",
    "python",
    "after",
    "blobs",
    "key",
]
WORDS += ["options", "jobs", "functions", "name", "demo", "user", "scopes", "expires_s", "note"]
WORDS += ["digests", "session", "retries", "retry_on", "timeout_s", "memory_mib", "queue", "read"]
DEMO = TaskInfo(
    name="demo",
    parameters=("name",),
    schema={"type": "object", "properties": {"name": {"type": "string"}}},
)


class Dispatch:
    """Publishes nothing."""

    def ring(self) -> None: ...

    def trouble(self) -> str:
        return ""

    def message(self, queue: str) -> str:
        return queue

    def wake(self, due: object) -> bool:
        return True

    def empty_of(self, queues: Iterable[str]) -> list[str]:
        return [*queues]

    def waiting(self, queue: str) -> int:
        return 0


class CarelessLedger(MemoryLedger):
    """Takes what is looked for, and keys, for words."""

    def page(self, owner: str, **asked: Any) -> Any:
        if (matching := asked.get("matching")) is not None:
            asserted_word("".join((matching.text, matching.name or "", matching.session or "")))
        return super().page(owner, **asked)

    def submit(self, owner: str, requests: Any, **more: Any) -> Any:
        for key, _ in requests:
            asserted_word(key)
        return super().submit(owner, requests, **more)


def asserted_word(text: str) -> None:
    """Raise where a text is more than letters and digits."""
    assert not text or text.isalnum(), text


class Application:
    """One server, begun anew now and then, for memory has no end of jobs."""

    def __init__(self, make_ledger: type[MemoryLedger]) -> None:
        self._make_ledger = make_ledger
        self._asked = 0
        self._begin()

    def _begin(self) -> None:
        ledger = self._make_ledger()
        ledger.join(
            WorkerInfo(name="w", host="h", pid=7, processes=2, python="3.11.7", tasks=(DEMO,))
        )
        [made] = ledger.submit(LOCAL_OWNER, [("first", JobSpec(task="demo"))])
        self.id = made.record.id
        self.metrics = Metrics()
        settings = Settings(redis_url="", token=TOKEN)
        self.app = create_app(settings, ledger, Dispatch(), metrics=self.metrics)  # type: ignore[arg-type]

    def ask(self, method: str, path: str, data: bytes, headers: list[tuple[str, str]]) -> int:
        """Ask, see that the answer is one that clients understand, and return its status."""
        self._asked += 1
        if self._asked % 500 == 0:
            self._begin()
        given = [("Host", "localhost"), ("Authorization", f"Bearer {TOKEN}"), *headers]
        path = path.replace("{id}", self.id)
        answer = self.app.test_client().open(
            path, method=method, data=data, headers=given, buffered=True
        )
        status: int = answer.status_code
        assert status < 500, (method, path, data, headers, answer.text)
        if status >= 400 and method != "HEAD":
            problem = json.loads(answer.data)
            assert answer.content_type == wire.PROBLEM, (path, answer.content_type)
            assert problem["status"] == status
            assert problem["code"]
        elif answer.is_json and answer.data:
            json.loads(answer.data, parse_constant=_refuse)
        return status


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def _header(source: Source) -> tuple[str, str]:
    name = HEADERS[source.ConsumeIntInRange(0, len(HEADERS) - 1)]
    raw = source.ConsumeBytes(source.ConsumeIntInRange(0, 60)).decode("latin-1")
    return name, raw.replace("\r", "").replace("\n", "").replace("\0", "")


def requests(make_ledger: type[MemoryLedger] = MemoryLedger) -> Check:
    """Whatever is asked of a route that reads is answered, or refused with a problem."""
    application = Application(make_ledger)

    def check(source: Source) -> None:
        path = READ[source.ConsumeIntInRange(0, len(READ) - 1)]
        headers = [_header(source) for _ in range(source.ConsumeIntInRange(0, 2))]
        parts = []
        for _ in range(source.ConsumeIntInRange(0, 4)):
            name = QUERY[source.ConsumeIntInRange(0, len(QUERY) - 1)]
            raw = source.ConsumeBytes(source.ConsumeIntInRange(0, 30))
            # As it comes over the wire: percent signs of the fuzzer's own are among it.
            parts.append(f"{name}=" + "".join(map(_in_address, raw)))
        query = "&".join(part for part in parts if not part.startswith("follow"))
        application.ask("GET", f"{path}?{query}", b"", headers)

    return check


def _in_address(byte: int) -> str:
    is_plain = 0x21 <= byte < 0x7F and byte not in b"#&"
    return chr(byte) if is_plain else f"%{byte:02x}"


def submissions(make_ledger: type[MemoryLedger] = MemoryLedger) -> Check:
    """Whatever is sent is accepted, or refused with a problem; nothing breaks."""
    application = Application(make_ledger)

    def check(source: Source) -> None:
        path = WRITE[source.ConsumeIntInRange(0, len(WRITE) - 1)]
        headers = [_header(source) for _ in range(source.ConsumeIntInRange(0, 2))]
        data = body(source, WORDS)
        if source.ConsumeIntInRange(0, 1):
            key = text(source, ["a", "b"]).encode("ascii", "ignore").decode()
            data = json.dumps({"task": "demo", "arguments": {"name": key}, "key": key}).encode()
        application.ask("POST", path, data, headers)

    return check


class Parted(HeadsFirst):
    """Its main loop stands still: what it would hand to a thread is kept, to be looked at."""

    def __init__(self, config: Config) -> None:
        super().__init__(0, 0, [], None, 30, config, _Silent())
        self.poller = DefaultSelector()
        self.handed: list[Any] = []

    def enqueue_req(self, conn: Any) -> None:
        self.handed.append(conn)


class _Silent:
    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


class CarelessParted(Parted):
    """Looks for the end of a head in each piece alone."""

    def _add(self, conn: Any, head: Any, piece: bytes) -> None:
        if b"\r\n\r\n" not in piece and b"\r\n\r\n" in bytes(head.received) + piece:
            head.received += piece
            return
        super()._add(conn, head, piece)


def heads(make_worker: type[Parted] = Parted) -> Check:
    """A head is whole, under way or refused, however it is cut, and gunicorn reads it or not."""
    config = Config()
    worker = make_worker(config)

    def outcome(pieces: list[bytes]) -> str:
        worker.handed.clear()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            from gunicorn.workers.gthread import TConn

            conn = TConn(config, ours, ("127.0.0.1", 1), ("127.0.0.1", 2))
            worker.nr_conns = 1
            worker._collect(conn)
            sent = b""
            for piece in pieces:
                if worker.handed or conn not in worker._heads:
                    break
                worker._add(conn, worker._heads[conn], piece)
                sent += piece
            if worker.handed:
                assert conn.received == sent
                assert len(sent) <= HEAD_BYTES + max(map(len, pieces))
                return "whole" + read(conn.received)
            if conn in worker._heads:
                assert len(worker._heads[conn].received) <= HEAD_BYTES
                worker._drop(conn)
                return "under way"
            theirs.setblocking(False)
            answer = theirs.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 4"), answer
            assert worker.nr_conns == 0
            return "refused"

    def read(received: bytes) -> str:
        head = received[: received.index(b"\r\n\r\n") + 4]
        try:
            next(RequestParser(config, iter([head]), ("127.0.0.1", 1)))
        except ParseException as error:
            answer = answer_to(PROBLEMS.get(type(error), NotHttp)(f"cannot be read: {error}"))
            status, told = answer.split(b"\r\n\r\n", 1)
            assert json.loads(told)["status"] == int(status.split()[1])
            return " and refused"
        except StopIteration:
            return " and nothing"
        return ""

    def check(source: Source) -> None:
        cuts = [source.ConsumeIntInRange(1, 40) for _ in range(source.ConsumeIntInRange(1, 6))]
        data = source.ConsumeBytes(source.remaining_bytes()) or b"\r\n\r\n"
        if not data.endswith(b"\r\n\r\n"):
            data += b"\r\n\r\n"
        head = data[: data.index(b"\r\n\r\n") + 4]
        pieces, at = [], 0
        while at < len(head):
            size = cuts[len(pieces) % len(cuts)]
            pieces.append(head[at : at + size])
            at += size
        assert outcome(pieces) == outcome([head]), head

    return check


def frames(is_planted: bool = False) -> Check:
    """A WebSocket ends with what came on it, and nothing that was known of it is left."""
    metrics = Metrics()
    settings = Settings(redis_url="", token=TOKEN)
    app = create_app(settings, MemoryLedger(), Dispatch(), metrics=metrics)  # type: ignore[arg-type]
    server = app.extensions["socketio"].server
    server.eio.ping_interval = 0
    if is_planted:
        from engineio.async_drivers._websocket_wsgi import SimpleWebSocketWSGI

        server.eio._async["websocket"] = SimpleWebSocketWSGI  # as it comes, unguarded

    def check(source: Source) -> None:
        sent = b""
        if source.ConsumeIntInRange(0, 2):
            sent += frame(f'40{{"token": "{TOKEN}"}}'.encode())
        for _ in range(source.ConsumeIntInRange(0, 4)):
            opcode = (1, 1, 1, 2, 8, 9, 10, source.ConsumeIntInRange(0, 15))[
                source.ConsumeIntInRange(0, 7)
            ]
            data = source.ConsumeBytes(source.ConsumeIntInRange(0, 100))
            sent += frame(data, opcode, is_last=bool(source.ConsumeIntInRange(0, 7)))
        sent += source.ConsumeBytes(source.remaining_bytes())
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(sent[:MESSAGE_BYTES])
            theirs.shutdown(socket.SHUT_WR)
            serve(app, ours)
        for environ in list(server.environ):
            raise AssertionError(("a socket is known still", environ, sent))
        assert not metrics_of(metrics), sent

    return check


def metrics_of(metrics: Metrics) -> float:
    """Return how many sockets are counted as open."""
    return float(metrics.sockets._value.get())


def frame(payload: bytes, opcode: int = 1, *, is_last: bool = True) -> bytes:
    """Return a client's frame of up to 64 kB. Source: RFC 6455, section 5.2."""
    size = (
        bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2)
    )
    return bytes([(0x80 if is_last else 0) | opcode]) + size + b"\0\0\0\0" + payload


def serve(app: Any, connection: socket.socket) -> None:
    """Have the application serve a WebSocket until it ends, as gunicorn does."""
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/socket.io/",
        "QUERY_STRING": "EIO=4&transport=websocket",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "HTTP_UPGRADE": "websocket",
        "HTTP_CONNECTION": "Upgrade",
        "HTTP_SEC_WEBSOCKET_VERSION": "13",
        "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
        "wsgi.url_scheme": "http",
        "gunicorn.socket": connection,
    }
    try:
        app.wsgi_app(environ, lambda *_: None)
    except StopIteration:  # how the driver tells gunicorn that all is over
        return
