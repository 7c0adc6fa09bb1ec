"""One trace from a notebook's submission to the attempts of its job, over real processes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from running import TOKEN, running_server, running_worker
from waiting import wait_until

from taskkit.client.traced import begin_submission
from taskkit.protocol.options import JobOptions
from taskkit.protocol.spec import JobSpec
from taskkit.tracing import begin_tracing, is_wanted

pytestmark = pytest.mark.stack

TASKS = """
import os, signal
from opentelemetry import trace
from taskkit import task

@task
def traced():
    with trace.get_tracer("mine").start_as_current_span("my own"):
        return os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", "hidden")

@task
def die():
    if os.environ["TASKKIT_ATTEMPT"] == "1":
        os.kill(os.getpid(), signal.SIGKILL)

@task
def fail():
    raise ValueError("of nobody's business")
"""

KERNEL = """
import sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
import taskkit

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
with taskkit.Client(sys.argv[1], token=sys.argv[2]) as client:
    with trace.get_tracer("notebook").start_as_current_span("cell"):
        job = client.submit(sys.argv[3])
    print(job.exception() or job.result())
provider.shutdown()
"""


class Collector:
    """Takes spans as OpenTelemetry's own collector does: OTLP over HTTP."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Any]] = []
        self.headers: list[str] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the standard library's name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    import gzip

                    body = gzip.decompress(body)
                collector.take(ExportTraceServiceRequest.FromString(body))
                collector.headers.append(self.headers.get("x-key", ""))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def take(self, request: Any) -> None:
        """Keep the spans of a request, with the service that they are of."""
        for resource in request.resource_spans:
            facts = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [(facts["service.name"], span) for span in scope.spans]

    def named(self, name: str) -> list[Any]:
        """Return the spans of that name, by their start."""
        found = [span for _, span in self.spans if span.name == name]
        return sorted(found, key=lambda span: span.start_time_unix_nano)

    def close(self) -> None:
        """Take no more."""
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Where all spans go."""
    one = Collector()
    yield one
    one.close()


Ask = Callable[[str], str]


@pytest.fixture
def ask(collector: Collector, start_redis: Callable[..., str], tmp_path: Path) -> Iterator[Ask]:
    """Submit a task from a process that traces, and return what it printed."""
    tasks = tmp_path / "spans.py"
    tasks.write_text(TASKS)
    traced = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-key=secret",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    url = start_redis('save ""')
    with (
        running_server(url, tmp_path / "server.log", **traced) as server,
        running_worker(
            url, tmp_path / "worker.log", "--concurrency", "1", "--tasks", str(tasks), **traced
        ),
    ):

        def run(task: str) -> str:
            ran = subprocess.run(
                [sys.executable, "-c", KERNEL, server.url, TOKEN, task],
                env={**traced, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
                capture_output=True,
                text=True,
                timeout=90,
            )
            assert ran.returncode == 0, ran.stderr
            return ran.stdout.strip()

        yield run


def facts(span: Any) -> dict[str, Any]:
    """Return a span's attributes."""
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


def test_one_trace_leads_from_the_cell_to_the_task_s_own_spans(
    ask: Ask, collector: Collector
) -> None:
    """Each span within the one that it belongs to, with the job's id, and of its service."""
    assert ask("traced") == "hidden"
    names = ["cell", "taskkit.submit", "taskkit.accept", "taskkit.queued", "taskkit.attempt"]
    names.append("my own")
    wait_until(lambda: all(collector.named(name) for name in names), 30)
    cell, submit, accept, queued, attempt, own = (collector.named(name)[0] for name in names)
    assert {span.trace_id for _, span in collector.spans} == {cell.trace_id}
    assert submit.parent_span_id == cell.span_id
    for span in (accept, queued, attempt):
        assert span.parent_span_id == submit.span_id
    assert own.parent_span_id == attempt.span_id
    job = facts(submit)["taskkit.job.id"]
    for span in (accept, queued, attempt):
        assert facts(span)["taskkit.job.id"] == job
    assert facts(attempt)["taskkit.attempt"] == 1
    assert facts(attempt)["taskkit.user"] == "local"
    assert len(facts(accept)["taskkit.request.id"]) == 32
    assert queued.end_time_unix_nano <= attempt.end_time_unix_nano
    services = {span.name: service for service, span in collector.spans}
    assert services["taskkit.accept"] == "taskkit-server"
    assert services["taskkit.attempt"] == services["my own"] == "taskkit-worker"
    assert set(collector.headers) == {"secret"}


def test_an_attempt_after_one_that_died_is_in_the_same_trace(
    ask: Ask, collector: Collector
) -> None:
    """With its own wait; the dead one could tell nothing."""
    ask("die")
    wait_until(lambda: len(collector.named("taskkit.attempt")) == 1, 30)
    [attempt] = collector.named("taskkit.attempt")
    assert facts(attempt)["taskkit.attempt"] == 2
    [accept], queued = collector.named("taskkit.accept"), collector.named("taskkit.queued")[-1]
    assert facts(queued)["taskkit.attempt"] == 2
    # From the first attempt's death on, not from the submission.
    assert queued.start_time_unix_nano > accept.end_time_unix_nano
    assert len({span.trace_id for _, span in collector.spans}) == 1


def test_a_failure_is_told_by_its_type_alone(ask: Ask, collector: Collector) -> None:
    """What an exception says is the user's."""
    assert "of nobody's business" in ask("fail")
    wait_until(lambda: bool(collector.named("taskkit.attempt")), 30)
    [attempt] = collector.named("taskkit.attempt")
    assert facts(attempt)["error.type"] == "ValueError"
    assert attempt.status.code == 2
    assert not attempt.events
    assert "nobody" not in str(collector.spans)


def test_a_collector_that_is_away_costs_no_job_and_no_stop(
    start_redis: Callable[..., str], tmp_path: Path
) -> None:
    """Spans are lost, nothing else; what is said of it is not a job's output."""
    import taskkit

    tasks = tmp_path / "spans.py"
    tasks.write_text(TASKS)
    url, away = start_redis('save ""'), {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    away["OTEL_BSP_SCHEDULE_DELAY"] = "50"
    with (
        running_server(url, tmp_path / "server.log", **away) as server,
        running_worker(
            url, tmp_path / "worker.log", "--concurrency", "1", "--tasks", str(tasks), **away
        ) as worker,
        taskkit.Client(server.url, token=TOKEN) as client,
    ):
        parent = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
        body = json.dumps({"task": "traced", "options": {"trace": parent}}).encode()
        id = json.loads(server.ask("POST", "/jobs", body).data)["id"]
        job = client.job(id)
        assert job.result(timeout=60) == "hidden"
        assert job.output == ""
        begun = time.monotonic()
        worker.process.terminate()
        worker.process.wait(timeout=30)
        assert time.monotonic() - begun < 15


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, False),
    ],
)
def test_traces_are_made_where_they_are_asked_for(environ: dict[str, str], wanted: bool) -> None:
    """By OpenTelemetry's own variables."""
    assert is_wanted(environ) is wanted
    if not wanted:
        assert begin_tracing("x", environ) is None


def test_nothing_is_imported_for_those_who_do_not_trace() -> None:
    """Neither by a client that submits, nor by server and worker."""
    code = (
        "import sys, taskkit.client.client, taskkit.client.traced as traced\n"
        "import taskkit_server.process.serving, taskkit_worker.__main__\n"
        "import taskkit.tracing as tracing\n"
        "assert traced.begin_submission() is None\n"
        "assert tracing.begin_tracing('x', {}) is None\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == "[]", ran.stderr


def test_who_wants_traces_without_the_extra_is_told_how(tmp_path: Path) -> None:
    """And goes on without."""
    code = (
        "import sys, logging\nlogging.basicConfig()\nsys.modules['opentelemetry'] = None\n"
        "from taskkit.tracing import begin_tracing\n"
        "print(begin_tracing('x', {'OTEL_TRACES_EXPORTER': 'otlp'}))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == "None"
    assert "taskkit-notebook[otel]" in ran.stderr


def test_a_place_in_a_trace_is_no_part_of_what_a_key_pins() -> None:
    """The same call from another cell is the same job."""
    plain, traced = (
        JobSpec(task="t", options=JobOptions(trace=trace)) for trace in ("", "00-a-b-01")
    )
    assert plain.digest() == traced.digest()


def test_a_tracer_that_records_nothing_adds_nothing() -> None:
    """A kernel may have imported the interface and set up nothing: this one has."""
    import opentelemetry.trace

    assert opentelemetry.trace
    assert begin_submission() is None
