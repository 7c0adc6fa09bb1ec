"""What a job's own process is given, and what it is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from taskkit.blobs import digest_of
from taskkit.blobs.folder import FolderStore
from taskkit.ledger import Claim, JobRef, Lease, StoredResult, Write
from taskkit.protocol import wire
from taskkit.protocol.errors import BadSignature, Unavailable
from taskkit.protocol.events import Event, OutputWritten, UsageReported
from taskkit.protocol.jobs import Usage
from taskkit.protocol.spec import JobSpec
from taskkit_worker.box.desk import Desk
from taskkit_worker.box.frames import PIECE_BYTES, Frame, GarbledError, Says

USAGE = Usage(memory_bytes=10, peak_bytes=20, cores=0.5)
GIVEN, OTHER = "1" * 32, "2" * 32


class Outside:
    """What a worker has, and one job does not."""

    def __init__(self) -> None:
        self.said: list[tuple[Lease, int, list[Event]]] = []
        self.answer = Write.DONE
        self.error: Exception | None = None

    def append(self, lease: Lease, number: int, events: Sequence[Event]) -> Write:
        """Take events."""
        if self.error is not None:
            raise self.error
        self.said.append((lease, number, [*events]))
        return self.answer

    def function(self, owner: str, digest: str) -> bytes | None:
        """Return one that says whose it is."""
        return f"{owner}'s {digest}".encode()

    def result(self, ref: JobRef) -> StoredResult | None:
        """Return one that says whose it is."""
        if self.error is not None:
            raise self.error
        return StoredResult(media_type=wire.JSON, body=f'"{ref.owner}"'.encode())


@pytest.fixture
def outside() -> Outside:
    """One of it."""
    return Outside()


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """The owner's blobs."""
    return FolderStore(tmp_path / "ada", is_durable=False)


@pytest.fixture
def desk(outside: Outside, store: FolderStore) -> Iterator[Desk]:
    """That of a job of Ada's which is given another's result."""
    spec = JobSpec(task="fit", function="f" * 64, after=(GIVEN,))
    claim = Claim(lease=Lease(JobRef("ada", "0" * 32), 1), spec=spec)
    made = Desk(claim, reports=outside, source=outside, blobs=store, measure=lambda: USAGE)
    yield made
    made.close()


def ask(desk: Desk, kind: str, body: bytes = b"", **facts: Any) -> Frame:
    """Return an answer."""
    return desk.answer(Frame(kind, {"id": 1, **facts}, body))


def said(event: Event) -> dict[str, Any]:
    """Return an event as a job's process says it."""
    told = wire.event_to_wire(event)
    return {"type": told["type"], "data": told["data"]}


def test_events_go_to_the_ledger_under_the_attempts_own_lease(desk: Desk, outside: Outside) -> None:
    """Whatever the process would like; its usage is what is measured, not what it says."""
    lie = Usage(memory_bytes=0, peak_bytes=0, cores=0.0)
    events = [said(OutputWritten(text="x")), said(UsageReported(usage=lie))]
    answer = ask(desk, Says.APPEND, number=1, events=events, lease=["bob", "x", 9])
    assert answer.facts["write"] == "done"
    [(lease, number, heard)] = outside.said
    assert (lease.ref.owner, lease.token, number) == ("ada", 1, 1)
    assert heard == [OutputWritten(text="x"), UsageReported(usage=USAGE)]


def test_a_batch_that_may_have_arrived_is_said_again(desk: Desk, outside: Outside) -> None:
    """Under its number, as to the ledger itself; no other number will do."""
    batch = [said(OutputWritten(text="x"))]
    outside.error = Unavailable("Redis does not answer (test)")
    answer = ask(desk, Says.APPEND, number=1, events=batch)
    assert (answer.facts["error"], answer.facts["why"]) == (
        "Unavailable",
        "Redis does not answer (test)",
    )
    outside.error = None
    ask(desk, Says.APPEND, number=1, events=batch)
    ask(desk, Says.APPEND, number=2, events=batch)
    assert [number for _, number, _ in outside.said] == [1, 2]
    for number in (0, 1, 4, -1, True, "3", None):
        with pytest.raises(GarbledError):
            ask(desk, Says.APPEND, number=number, events=batch)


def test_what_is_fenced_is_remembered(desk: Desk, outside: Outside) -> None:
    """For the attempt's end, whatever the process says then."""
    assert desk.is_wanted
    outside.answer = Write.FENCED
    ask(desk, Says.APPEND, number=1, events=[said(OutputWritten(text="x"))])
    assert not desk.is_wanted


def test_only_what_the_job_was_given_is_had(desk: Desk, outside: Outside) -> None:
    """Its own function, the results that are its arguments, both of its owner's."""
    assert bytes(ask(desk, Says.FUNCTION, owner="bob").body) == f"ada's {'f' * 64}".encode()
    answer = ask(desk, Says.JOB_RESULT, job=GIVEN, owner="bob")
    assert (answer.facts["media_type"], bytes(answer.body)) == (wire.JSON, b'"ada"')
    for job in (OTHER, None, [GIVEN], ""):
        with pytest.raises(GarbledError):
            ask(desk, Says.JOB_RESULT, job=job)
    outside.error = BadSignature("somebody wrote it")
    assert ask(desk, Says.JOB_RESULT, job=GIVEN).facts["error"] == "BadSignature"


def test_blobs_are_written_and_read_in_pieces(desk: Desk, store: FolderStore) -> None:
    """A store keeps them under the digest that they have."""
    content = bytes(range(256)) * (PIECE_BYTES // 128)
    digest = digest_of(content)
    ask(desk, Says.PIECE, b"begun before and given up", at=0)
    assert ask(desk, Says.MISSING, digests=[digest]).facts["digests"] == [digest]
    for at in range(0, len(content), PIECE_BYTES):
        ask(desk, Says.PIECE, content[at : at + PIECE_BYTES], at=at)
    ask(desk, Says.WRITE, digest=digest)
    assert bytes(store.read(digest)) == content
    come = b""
    while len(come) < len(content):
        answer = ask(desk, Says.READ, digest=digest, at=len(come), size_bytes=None, is_checked=True)
        assert answer.facts["size_bytes"] == len(content)
        come += answer.body
    assert come == content


def test_a_blob_goes_by_no_other_digest(desk: Desk, store: FolderStore) -> None:
    """What is written under a wrong one is not kept."""
    ask(desk, Says.PIECE, b"other", at=0)
    digest = digest_of(b"this")
    assert ask(desk, Says.WRITE, digest=digest).facts["error"] == "BlobDamaged"
    assert store.missing([digest]) == [digest]


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        (Says.READ, {"digest": "../../etc/passwd", "at": 0, "is_checked": False}),
        (Says.READ, {"digest": "ab" * 32, "at": -1, "is_checked": False}),
        (Says.READ, {"digest": "ab" * 32, "at": "0", "is_checked": False}),
        (Says.READ, {"digest": "ab" * 32, "at": 0, "is_checked": False, "size_bytes": "1"}),
        (Says.MISSING, {"digests": ["../x"]}),
        (Says.MISSING, {"digests": "ab" * 32}),
        (Says.MISSING, {"digests": ["ab" * 32] * 10_001}),
        (Says.WRITE, {"digest": "ab" * 32}),
        (Says.WRITE, {"digest": "../x"}),
        (Says.PIECE, {"at": 5}),
        (Says.PIECE, {"at": None}),
        (Says.RESULT, {}),
        ("job", {}),
        ("answer", {}),
        ("__class__", {}),
    ],
)
def test_what_nobody_asks_for_is_refused(desk: Desk, kind: str, facts: dict[str, Any]) -> None:
    """A path where a digest should be, a number where there is none, another kind."""
    with pytest.raises(GarbledError):
        ask(desk, kind, **facts)


@pytest.mark.parametrize("number", [0, -1, None, "1", 1.5, True, 2**60])
def test_who_wants_no_answer_is_refused(desk: Desk, number: object) -> None:
    """By a number, each."""
    with pytest.raises(GarbledError):
        desk.answer(Frame(Says.FUNCTION, {"id": number}))
