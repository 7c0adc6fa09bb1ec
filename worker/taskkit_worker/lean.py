"""Imported before all else by a worker's process.

With cffi, billiard would parse a C header in every pool process, for 30 ms and 5 MB, to set a death
signal; it can do so by ctypes. Messages are JSON alone. redis-py would load OpenTelemetry's SDK for
metrics of its own, 3 MB, which neither a worker nor most jobs ever ask of it, and its asyncio half.
"""

from taskkit.lean import hollow, without

with without("cffi"):
    import billiard.util  # noqa: F401
with without("msgpack", "yaml"):
    import kombu.serialization
with without("opentelemetry"), hollow("redis.asyncio"):
    import kombu.transport.redis  # noqa: F401
