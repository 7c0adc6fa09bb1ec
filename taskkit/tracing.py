"""Spans of OpenTelemetry, of server and worker: nothing is imported where they are not asked for.

They are asked for by the variables that OpenTelemetry itself goes by: where spans are sent is
`OTEL_EXPORTER_OTLP_ENDPOINT`.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

logger = logging.getLogger(__name__)

LAST_S = 2.0
"""How long a process that ends waits for its last spans to be taken."""


class Tracing:
    """Makes spans in traces that others have begun. Safe from any thread."""

    def __init__(self, provider: Any, exporter: Any) -> None:
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._exporter = exporter
        self._trace = trace
        self._tracer = provider.get_tracer("taskkit")
        self._propagator = TraceContextTextMapPropagator()

    def record(
        self, name: str, parent: str, start_ms: int, end_ms: int, facts: Mapping[str, Any]
    ) -> None:
        """Tell of something that is over; `parent` is a W3C ``traceparent``."""
        span = self._tracer.start_span(
            name, self._context(parent), attributes=facts, start_time=start_ms * 1_000_000
        )
        span.end(max(start_ms, end_ms) * 1_000_000)

    @contextmanager
    def running(self, name: str, parent: str, facts: Mapping[str, Any]) -> Iterator[Any]:
        """Tell of the block; spans that are begun within it are within this one."""
        span = self._tracer.start_span(
            name, self._context(parent), kind=self._trace.SpanKind.CONSUMER, attributes=facts
        )
        # What a task raises is told by whoever catches it, with its type alone.
        with self._trace.use_span(
            span, end_on_exit=True, record_exception=False, set_status_on_exception=False
        ):
            yield span

    def failed(self, span: Any, kind: str) -> None:
        """Mark a span as failed, by the type of the error."""
        span.set_attribute("error.type", kind)
        span.set_status(self._trace.Status(self._trace.StatusCode.ERROR, kind))

    def close(self) -> None:
        """Send what waits to be sent; returns soon in any case, and nothing is sent afterwards."""
        # The SDK's own limit of time is not kept (opentelemetry-python's issue 4568): a collector
        # that is away would be tried for ten seconds.
        last = threading.Thread(target=self._provider.force_flush, daemon=True)
        last.start()
        last.join(LAST_S)
        self._exporter.shutdown()

    def _context(self, parent: str) -> Any:
        return self._propagator.extract({"traceparent": parent})


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Return whether spans are to be made."""
    exporter = environ.get("OTEL_TRACES_EXPORTER", "")
    is_off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or exporter == "none"
    endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
    return not is_off and (exporter == "otlp" or any(environ.get(name) for name in endpoint))


def begin_tracing(service: str, environ: Mapping[str, str] = os.environ) -> Tracing | None:
    """Return what makes this process's spans, None where nobody wants them.

    Call it in the process that makes them, after it was forked: a thread sends them.
    """
    if not is_wanted(environ):
        return None
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        logger.warning("no traces: %s; pip install 'taskkit-notebook[otel]'", error)
        return None
    named = Resource.create({"service.name": environ.get("OTEL_SERVICE_NAME") or service})
    provider, exporter = TracerProvider(resource=named, shutdown_on_exit=False), OTLPSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)  # a task's own spans go the same way
    tracing = Tracing(provider, exporter)
    atexit.register(tracing.close)
    return tracing
