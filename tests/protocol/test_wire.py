"""What is written on the wire is read back, also by a reader that is older or newer."""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, fields, replace
from typing import Any

import pytest
from event_samples import event_of
from hypothesis import given
from hypothesis import strategies as st

from taskkit.protocol import wire
from taskkit.protocol.errors import DecodeError
from taskkit.protocol.events import EVENTS, Event
from taskkit.protocol.identity import Change, Rerun
from taskkit.protocol.jobs import (
    AttemptEnd,
    Bar,
    Curve,
    ErrorInfo,
    Figure,
    JobRecord,
    JobState,
    PastAttempt,
    Progress,
    ResultInfo,
    Table,
    Usage,
)
from taskkit.protocol.options import JobOptions
from taskkit.protocol.workers import TaskInfo, WorkerInfo

texts = st.text(max_size=20)
counts = st.integers(min_value=0, max_value=2**53)
times = st.integers(min_value=0, max_value=4_102_444_800_000)  # until the year 2100
numbers = st.floats(allow_nan=False, allow_infinity=False)
st.register_type_strategy(float, numbers)
tables = st.builds(
    Table,
    columns=st.lists(texts, max_size=2).map(tuple),
    rows=st.lists(st.lists(texts, max_size=2).map(tuple), max_size=2).map(tuple),
    all_columns=counts,
    all_rows=counts,
)
results = st.builds(
    ResultInfo,
    media_type=texts,
    size_bytes=counts,
    preview=texts,
    inline=st.none() | texts,
    table=st.none() | tables,
)
failures = st.builds(ErrorInfo, type=texts, message=texts, traceback=texts)
bars = st.lists(st.builds(Bar, name=texts, done=numbers), max_size=2).map(tuple)
progresses = st.builds(Progress, done=numbers, total=st.none() | numbers, message=texts, bars=bars)
points = st.lists(numbers, max_size=3).map(tuple)
gaps = st.lists(st.none() | numbers, max_size=3).map(tuple)
curves = st.lists(st.builds(Curve, name=texts, x=points, y=gaps), max_size=2).map(tuple)
figures = st.lists(
    st.builds(
        Figure,
        name=texts,
        media_type=texts,
        size_bytes=counts,
        digest=st.none() | texts,
        inline=st.none() | texts,
        text=texts,
    ),
    max_size=2,
).map(tuple)
usages = st.builds(Usage, memory_bytes=counts, peak_bytes=counts, cores=numbers)
deaths = st.builds(
    PastAttempt, attempt=counts, end=st.sampled_from(AttemptEnd), cause=texts, at=times
)
options = st.builds(
    JobOptions,
    name=texts,
    session=texts,
    retries=counts,
    retry_on=st.lists(texts, max_size=2).map(tuple),
    timeout_s=st.none() | numbers,
    memory_mib=st.none() | numbers,
)
changes = st.builds(Change, part=texts, before=texts, now=texts)
reruns = st.none() | st.builds(
    Rerun,
    changes=st.lists(changes, max_size=2).map(tuple),
    more=counts,
    unsure=texts,
    is_renewed=st.booleans(),
)
by_name: dict[str, st.SearchStrategy[Any]] = {
    "seq": counts,
    "after": st.lists(texts, max_size=3).map(tuple),
    "rerun": reruns,
    "at": times,
    "attempt": counts,
    "processes": counts,
    "done": numbers,
    "total": st.none() | numbers,
    "bars": bars,
    "curves": curves,
    "figures": figures,
    "usage": usages,
    "result": results,
    "error": failures,
    "options": options,
    "retry_at": times,
}
tasks = st.builds(
    TaskInfo,
    name=texts,
    summary=texts,
    parameters=st.lists(texts, max_size=3).map(tuple),
    schema=st.dictionaries(texts, counts, max_size=3),
    signature=texts,
)
workers = st.builds(
    WorkerInfo,
    name=texts,
    host=texts,
    pid=counts,
    processes=counts,
    python=texts,
    joined_at=times,
    jobs=st.lists(texts, max_size=3).map(tuple),
    busy=counts,
    tasks=st.lists(tasks, max_size=2).map(tuple),
)
records = st.builds(
    JobRecord,
    id=texts,
    task=texts,
    state=st.sampled_from(JobState),
    seq=counts,
    created_at=times,
    started_at=st.none() | times,
    finished_at=st.none() | times,
    attempt=counts,
    worker=st.none() | texts,
    progress=st.none() | progresses,
    curves=curves,
    figures=figures,
    usage=st.none() | usages,
    output=texts,
    output_dropped_chars=counts,
    error=st.none() | failures,
    result=st.none() | results,
    past_attempts=st.lists(deaths, max_size=3).map(tuple),
    retry_at=st.none() | times,
    options=options,
    after=st.lists(texts, max_size=3).map(tuple),
    rerun=reruns,
    is_recalled=st.booleans(),
)

RESULT = ResultInfo(media_type=wire.JSON, size_bytes=1)
ERROR = ErrorInfo(type="ValueError", message="no")
SAMPLE: dict[str, Any] = {
    "task": "demo",
    "attempt": 1,
    "worker": "w1",
    "done": 1.0,
    "curves": (Curve(name="loss", x=(1, 2), y=(0.5, None)),),
    "figures": (Figure(name="1", media_type="image/png", size_bytes=3, digest="ab"),),
    "usage": Usage(memory_bytes=10, peak_bytes=20, cores=0.5),
    "text": "x",
    "cause": "killed",
    "result": RESULT,
    "error": ERROR,
    "processes": 2,
    "python": "3.12.1",
    "reason": "stopped",
    "options": JobOptions(name="mine", retries=2),
    "retry_at": 9,
}
RECORD = JobRecord(
    id="j",
    task="demo",
    created_at=1,
    progress=Progress(done=1),
    error=ERROR,
    result=RESULT,
    past_attempts=(PastAttempt(attempt=1, end=AttemptEnd.LOST, cause="killed", at=2),),
)
WORKER = WorkerInfo(
    name="w1", host="lab", pid=1, processes=2, python="3.12.1", tasks=(TaskInfo(name="demo"),)
)


def events_of(kind: type[Event]) -> st.SearchStrategy[Event]:
    """Draw events of one class."""
    return st.builds(kind, **{f.name: by_name.get(f.name, texts) for f in fields(kind)})


def sample(kind: type[Event]) -> Event:
    """Return one event of a class, at place 4 of a log."""
    own = {f.name: SAMPLE[f.name] for f in fields(kind) if f.name in SAMPLE}
    return replace(event_of(kind.type), seq=4, at=70, job="j", **own)


def required(cls: type) -> list[str]:
    """Return the names of a dataclass's fields that have no default."""
    return [f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING]


def through_json(obj: Any) -> Any:
    """Return what the other side gets of an object, in strict JSON."""
    return json.loads(json.dumps(obj, allow_nan=False))


@pytest.mark.parametrize("kind", EVENTS.values(), ids=EVENTS)
@given(data=st.data())
def test_an_event_comes_back_as_itself(kind: type[Event], data: st.DataObject) -> None:
    """Through JSON, and through the two parts that a ledger stores."""
    event = data.draw(events_of(kind))
    assert wire.event_from_wire(through_json(wire.event_to_wire(event))) == event
    stored = wire.event_data(event)
    back = wire.event_from(kind.type, stored, seq=event.seq, at=event.at, job=event.job)
    assert back == event


@given(records)
def test_a_record_comes_back_as_itself(record: JobRecord) -> None:
    """With all its times, its outcome and its lost attempts."""
    assert wire.record_from_wire(through_json(wire.record_to_wire(record))) == record


@given(workers)
def test_a_worker_comes_back_as_itself(worker: WorkerInfo) -> None:
    """With its catalogue."""
    assert wire.worker_from_wire(through_json(wire.worker_to_wire(worker))) == worker


@given(tasks)
def test_a_task_comes_back_as_itself(task: TaskInfo) -> None:
    """With its schema."""
    assert wire.task_from_wire(through_json(asdict(task))) == task


@given(times)
def test_a_time_comes_back_to_the_millisecond(ms: int) -> None:
    """ISO 8601 in UTC, ending in Z, with three decimals."""
    text = wire.time_to_wire(ms)
    assert text is not None
    assert text.endswith("Z")
    assert len(text) == len("2026-11-24T03:22:00.125Z")
    assert wire.time_from_wire(text) == ms


def test_a_time_reads_as_a_person_writes_it() -> None:
    """A known moment, and no moment."""
    assert wire.time_to_wire(1_795_490_520_125) == "2026-11-24T03:22:00.125Z"
    assert wire.time_to_wire(None) is None
    assert wire.time_from_wire(None) is None


def test_a_record_on_the_wire_tells_its_fraction() -> None:
    """A reader in another language need not compute it."""
    record = JobRecord(id="j", task="demo", progress=Progress(done=1, total=4))
    assert wire.record_to_wire(record)["progress"]["fraction"] == 0.25
    assert wire.record_to_wire(record)["state"] == "queued"


def test_an_unknown_event_is_passed_on_bare() -> None:
    """An older reader keeps its place in the log."""
    obj = {"seq": 9, "at": 70, "job": "j", "type": "job_paused", "data": {"by": "ada"}}
    event = wire.event_from_wire(obj)
    assert type(event) is Event
    assert (event.seq, event.at, event.job) == (9, 70, "j")


@pytest.mark.parametrize("kind", EVENTS.values(), ids=EVENTS)
def test_an_unknown_field_of_an_event_is_dropped(kind: type[Event]) -> None:
    """What a newer writer adds does not hinder an older reader, at any depth."""
    event = sample(kind)
    obj = wire.event_to_wire(event)
    obj["later"] = 1
    for part in [obj["data"], *(p for p in obj["data"].values() if isinstance(p, dict))]:
        part["later"] = 1
    assert wire.event_from_wire(obj) == event


def test_an_unknown_field_of_a_record_is_dropped() -> None:
    """Also within its parts."""
    obj = wire.record_to_wire(RECORD)
    for part in (obj, obj["progress"], obj["error"], obj["result"], *obj["past_attempts"]):
        part["later"] = 1
    assert wire.record_from_wire(obj) == RECORD
    assert wire.worker_from_wire({**wire.worker_to_wire(WORKER), "later": 1}) == WORKER


@pytest.mark.parametrize("name", ["seq", "at", "job", "type", "data"])
def test_an_event_without_its_head_is_refused(name: str) -> None:
    """A reader that does not know where an event belongs does not guess."""
    obj = wire.event_to_wire(sample(EVENTS["job_submitted"]))
    del obj[name]
    with pytest.raises(DecodeError, match=name):
        wire.event_from_wire(obj)


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in EVENTS.values() for name in required(kind)]
)
def test_an_event_without_a_field_is_refused(kind: type[Event], name: str) -> None:
    """A missing field is named with its event."""
    obj = wire.event_to_wire(sample(kind))
    del obj["data"][name]
    with pytest.raises(DecodeError, match=f"{kind.__name__}.*{name}"):
        wire.event_from_wire(obj)


@pytest.mark.parametrize("data", [None, [], "text", 3], ids=repr)
def test_an_event_whose_data_is_no_object_is_refused(data: Any) -> None:
    """A misplaced value is told from a missing one by nobody but the message."""
    obj = {**wire.event_to_wire(sample(EVENTS["job_submitted"])), "data": data}
    with pytest.raises(DecodeError):
        wire.event_from_wire(obj)


@pytest.mark.parametrize(
    ("part", "name"),
    [
        *(((), name) for name in required(JobRecord)),
        *((("progress",), name) for name in required(Progress)),
        *((("error",), name) for name in required(ErrorInfo)),
        *((("result",), name) for name in required(ResultInfo)),
        *((("past_attempts", 0), name) for name in required(PastAttempt)),
    ],
    ids=str,
)
def test_a_record_without_a_field_is_refused(part: tuple[Any, ...], name: str) -> None:
    """Whatever is missing, and where: one kind of error."""
    obj = through_json(wire.record_to_wire(RECORD))
    lacking = obj
    for step in part:
        lacking = lacking[step]
    del lacking[name]
    with pytest.raises(DecodeError, match=name):
        wire.record_from_wire(obj)


@pytest.mark.parametrize("name", [*required(WorkerInfo), "joined_at"])
def test_a_worker_without_a_field_is_refused(name: str) -> None:
    """A worker that says too little is not shown half."""
    obj = wire.worker_to_wire(WORKER)
    del obj[name]
    with pytest.raises(DecodeError, match=name):
        wire.worker_from_wire(obj)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", "paused"),
        ("created_at", "yesterday"),
        ("progress", 3),
        ("past_attempts", 7),
        ("result", "text"),
    ],
)
def test_a_record_with_a_misplaced_value_is_refused(name: str, value: Any) -> None:
    """What this side cannot read is the other side's fault, and said so."""
    with pytest.raises(DecodeError):
        wire.record_from_wire({**wire.record_to_wire(RECORD), name: value})
