"""What reads bytes of strangers, and what must hold of it whatever they are.

Each function makes a check of one input. `subject` is what is checked; `planted` is one with a
mistake that the check must find, or it would show nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from structures import Source, body, text, value

from taskkit.blobs.manifest import MAGIC, digests_of, read_manifest
from taskkit.config import files, loading
from taskkit.config.sources import by_variables
from taskkit.ledger import MemoryTokens
from taskkit.ledger.redis_log import _event
from taskkit.ledger.redis_records import record_from
from taskkit.protocol import wire
from taskkit.protocol.broker import WAKE, is_wake_up, woken
from taskkit.protocol.errors import (
    BadSignature,
    DecodeError,
    Misconfigured,
    PayloadTooLarge,
    Unauthorized,
)
from taskkit.protocol.events import EVENTS, Event
from taskkit.protocol.signed_spec import open_spec, sign_spec
from taskkit.protocol.signing import ID_CHARS, MARK, Keyring, bare
from taskkit.protocol.spec import JobSpec
from taskkit_server.access.auth import Auth, bearer
from taskkit_server.access.gate import Gate
from taskkit_server.contract.queries import _place, cursor
from taskkit_server.settings import Settings

Check = Callable[[Source], None]

TOKEN = "correct-horse-battery-staple"
KEYS = Keyring(["k" * 32, "o" * 32])
FIELDS = ["jobs", "seq", "at", "job", "type", "data", *EVENTS]
FIELDS += ["done", "total", "message", "bars", "name", "curves", "x", "y", "figures", "usage"]
FIELDS += ["result", "media_type", "size_bytes", "inline", "preview", "table", "columns", "rows"]
FIELDS += ["error", "traceback", "task", "options", "after", "attempt", "worker", "pid", "retry_at"]
HASH = ["state", "task", "seq", "created_at", "started_at", "attempt", "worker", "progress", "past"]
HASH += ["curves", "figures", "usage", "error", "result", "retry_at", "after", "options"]
HASH += ["output_chars", "finished_at"]


def _all(source: Source) -> bytes:
    return source.ConsumeBytes(source.remaining_bytes())


def authorization(subject: Callable[[str | None], str | None] = bearer) -> Check:
    """A header is a token's, or refused; one that is not the server's opens nothing."""
    auth = Auth(Settings(redis_url="", token=TOKEN), MemoryTokens())

    def check(source: Source) -> None:
        if source.ConsumeIntInRange(0, 1):
            token: str | None = source.ConsumeUnicode(200)
        else:
            header = _all(source).decode("latin-1")  # as WSGI has headers
            try:
                token = subject(header)
            except Unauthorized:
                return
            assert token, header
            assert token == token.strip()
            assert token in header
            assert subject(f"Bearer {token}") == token
        try:
            who = auth.identity(token, "127.0.0.1")
        except Unauthorized:
            return
        assert token == TOKEN, who

    return check


def careless_bearer(header: str | None) -> str | None:
    """Take what follows a blank, which need not be there."""
    if header is None or not header.lower().startswith("b"):
        raise Unauthorized("no")
    return header.split(" ")[1].strip() or None


def origins(subject: Callable[[str, str | None], bool] | None = None) -> Check:
    """Who passes the gate has named this server, and its page is of this very origin."""
    passed: list[Any] = []
    gate = Gate(lambda environ, _: passed.append(environ) or [b""], frozenset({"localhost", "::1"}))

    def let_in(host: str, origin: str | None) -> bool:
        passed.clear()
        environ = {"HTTP_HOST": host} | ({} if origin is None else {"HTTP_ORIGIN": origin})
        list(gate({**environ, "HTTP_SEC_WEBSOCKET_EXTENSIONS": "deflate"}, lambda *_: None))
        assert all("HTTP_SEC_WEBSOCKET_EXTENSIONS" not in one for one in passed)
        return bool(passed)

    opens = subject or let_in

    def check(source: Source) -> None:
        host, _, origin = _all(source).decode("latin-1").partition("\n")
        if opens(host, origin or None):
            name, _, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
            assert (name or host).lower() in ("localhost", "[::1]"), host
            assert not port.strip("0123456789") or not name, host
            assert not origin or origin.partition("//")[2].startswith(host), (host, origin)

    return check


def careless_gate(host: str, origin: str | None) -> bool:
    """Look at how a name begins."""
    return host.startswith("localhost") and (origin is None or origin.endswith(host))


def places(subject: Callable[[str], str] = _place) -> Check:
    """A place in a list is one that a list could end with, or refused; it comes back as it was."""

    def check(source: Source) -> None:
        try:
            place = subject(source.ConsumeUnicode(80))
        except ValueError as error:
            if type(error) is not ValueError:
                raise  # pydantic tells no other one well
            return
        assert subject(cursor(place)) == place

    return check


def careless_place(text: str) -> str:
    """Take it for ASCII."""
    text.encode("ascii")
    return _place(text)


def signatures(subject: type[Keyring] = Keyring) -> Check:
    """What was signed comes back, and is for nothing else; whatever else is refused."""
    ring = subject(["k" * 32, "o" * 32])

    def check(source: Source) -> None:
        place, mask = source.ConsumeIntInRange(0, 400), source.ConsumeIntInRange(1, 255)
        owner, body = source.ConsumeUnicode(8), _all(source)
        for data in (body, MARK + body, MARK + ring.keys[0].id.encode() + b":" + body):
            refuses(ring, data, owner)
        signed = ring.sign(body, "a job", owner)
        assert bytes(ring.open(signed, "a job", owner)) == bare(signed) == body
        refuses(ring, signed, owner + "x")
        changed = bytearray(signed)
        changed[place % len(changed)] ^= mask
        refuses(ring, bytes(changed), owner)
        refuses(ring, signed[: place % len(signed)], owner)
        spec = JobSpec(task="t", arguments=json.dumps({"n": list(body[:50])}))
        assert open_spec(sign_spec(spec, owner, KEYS), owner, KEYS) == spec

    return check


def refuses(ring: Keyring, data: bytes, owner: str) -> None:
    """See that this is not taken for signed."""
    try:
        ring.open(data, "a job", owner)
    except BadSignature:
        return
    raise AssertionError(data)


class CarelessKeyring(Keyring):
    """Reads the key's name as ASCII."""

    def open(self, signed: bytes, what: str, *whose: str) -> memoryview:
        if signed.startswith(MARK):
            signed[len(MARK) : len(MARK) + ID_CHARS].decode("ascii")
        return super().open(signed, what, *whose)


def wire_events(subject: Callable[[Any], Event] = wire.event_from_wire) -> Check:
    """An event is understood or refused; what is understood is sent on, and read again the same."""

    def check(source: Source) -> None:
        kind = list(EVENTS)[source.ConsumeIntInRange(0, len(EVENTS) - 1)]
        obj = value(source, FIELDS)
        if isinstance(obj, dict) and source.ConsumeIntInRange(0, 3):
            data = value(source, FIELDS)
            obj = {"seq": 1, "at": 2, "job": "j", "type": kind, "data": data, **obj}
        try:
            event = subject(obj)
        except DecodeError:
            return
        if type(event) is not Event:
            told = json.loads(json.dumps(wire.event_to_wire(event)))
            assert repr(subject(told)) == repr(event)  # by which NaN is NaN

    return check


def careless_event(obj: Any) -> Event:
    """Look at what is there before anything is known of it."""
    if isinstance(obj, dict) and isinstance(obj.get("data"), dict) and "error" in obj["data"]:
        obj["data"]["error"]["type"]
    return wire.event_from_wire(obj)


def kept_events(subject: Callable[[Any], Event] = _event) -> Check:
    """An entry of a stream in Redis is an event, or it cannot be read."""

    def check(source: Source) -> None:
        kind = text(source, list(EVENTS)).encode(errors="replace")
        at = str(source.ConsumeInt(9)).encode() if source.ConsumeIntInRange(0, 7) else b"x"
        job = source.ConsumeBytes(source.ConsumeIntInRange(0, 4))
        entry = {b"t": kind, b"j": job, b"a": at, b"d": body(source, FIELDS), b"e": b"1"}
        if not source.ConsumeIntInRange(0, 15):
            del entry[b"tjade"[source.ConsumeIntInRange(0, 3) :][:1]]
        try:
            event = subject((b"%d-0" % source.ConsumeIntInRange(0, 2**40), entry))
        except DecodeError:
            return
        json.dumps(wire.event_to_wire(event))

    return check


def careless_entry(entry: tuple[bytes, Mapping[bytes, bytes]]) -> Event:
    """Read its time before anything else."""
    int(entry[1].get(b"a", b"0"))
    return _event(entry)


def kept_records(subject: Callable[..., Any] = record_from) -> Check:
    """A job's hash in Redis is a record that can be told, or it cannot be read."""

    def check(source: Source) -> None:
        raw = {b"task": b"t", b"state": b"running", b"seq": b"3", b"created_at": b"9"}
        raw[b"attempt"] = b"1"
        for _ in range(source.ConsumeIntInRange(0, 6)):
            name = text(source, HASH).encode(errors="replace")
            raw[name] = body(source, FIELDS)
        try:
            record = subject("0" * 32, raw, source.ConsumeBytes(40))
        except DecodeError:
            return
        if record is not None:
            assert record.state

    return check


def careless_record(id: str, raw: Mapping[bytes, bytes], output: bytes) -> Any:
    """Count what came before."""
    len(raw.get(b"past", b"").decode().split("\t"))
    return record_from(id, raw, output)


def manifests(subject: Callable[[bytes], Any] = read_manifest) -> Check:
    """What names blobs is read or refused, and written again is the same."""

    def check(source: Source) -> None:
        words = ["blobs", "is_pickle_apart", "a" * 64]
        head = body(source, words)
        for data in (head, MAGIC + head, MAGIC + head + b"\nrest"):
            try:
                manifest, pickled = subject(data)
            except (DecodeError, PayloadTooLarge):
                continue
            again, behind = subject(manifest.head(pickled))
            assert again == manifest
            assert manifest.is_pickle_apart or behind == pickled
            assert set(digests_of(data)) == {blob.digest for blob in manifest.blobs}

    return check


def careless_manifest(data: bytes) -> Any:
    """Take a line's end for granted."""
    data.index(b"\n")
    return read_manifest(data)


def wake_ups(subject: Callable[[str], str] = woken) -> Check:
    """A message of the broker wakes a queue, or it is said that it is none."""

    def check(source: Source) -> None:
        words = ["headers", "task", "properties", "body_encoding", "base64", "body", WAKE]
        message = body(source, words).decode(errors="replace")
        if source.ConsumeIntInRange(0, 1):
            inner = body(source, words).decode(errors="replace")
            whole = {"headers": {"task": WAKE}, "properties": {}, "body": inner}
            message = json.dumps({**whole, "properties": value(source, words)})
        is_ours = is_wake_up(message)
        try:
            queue = subject(message)
        except DecodeError:
            return
        assert is_ours
        assert isinstance(queue, str)

    return check


def careless_wake_up(message: str) -> str:
    """Take it for an object."""
    try:
        json.loads(message)["headers"]
    except ValueError as error:
        raise DecodeError("no") from error
    return woken(message)


def configurations(folder: Path, subject: Callable[[Path], Any] = loading.check) -> Check:
    """A file of settings holds, or what is wrong with it is told; no secret of it is."""
    path = folder / "taskkit.toml"

    def check(source: Source) -> None:
        path.write_bytes(_all(source))
        try:
            subject(path)
        except Misconfigured:
            return

    return check


def careless_configuration(path: Path) -> Any:
    """Look for a table's address before it is known to be one."""
    file = files.read(path)
    if "redis" in file.tables:
        file.tables["redis"]["url"].startswith("redis")
    return loading.check(path)


def variables(subject: Callable[[Mapping[str, str]], Any] = by_variables) -> Check:
    """What the environment says is taken or told to be wrong."""

    def check(source: Source) -> None:
        lines = _all(source).decode(errors="replace").replace("\0", "").splitlines()
        given = dict(line.split("=", 1) for line in lines if "=" in line)
        told = subject(replace_files(given))
        assert all(isinstance(sentence, str) for sentence in told.wrong)

    return check


def replace_files(given: dict[str, str]) -> dict[str, str]:
    """Name no file that is there: a device would be read for ever."""
    return {name: "/nowhere/x" if name.endswith("_FILE") else text for name, text in given.items()}


def careless_variables(given: Mapping[str, str]) -> Any:
    """Take a port for a number."""
    int(given.get("TASKKIT_SERVER_PORT", "0"))
    return by_variables(given)
