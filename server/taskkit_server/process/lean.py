"""Imported before all else by the process that serves: a third of its start, and 16 MB.

python-socketio imports a driver for each broker and framework that it knows, and kombu one for
each format, none of which is used here. The asyncio halves of socketio and redis-py, and Flask's
aliases of types, which it takes Python 28 ms to make, are needed by nobody in this process. With
cffi, billiard would parse a C header to set a death signal; it can do so by ctypes.
"""

from taskkit.lean import hollow, without

DRIVERS = ("aiohttp", "kafka", "redis.asyncio", "requests", "tornado", "valkey", "websocket", "zmq")

ASYNCIO = (
    *("engineio.async_client", "engineio.async_server", "engineio.async_drivers.asgi"),
    *("socketio.async_client", "socketio.async_simple_client", "socketio.async_server"),
    *("socketio.async_manager", "socketio.async_redis_manager", "socketio.async_aiopika_manager"),
    *("socketio.async_namespace", "socketio.asgi"),
)

with without(*DRIVERS), hollow(*ASYNCIO):
    import socketio  # noqa: F401
with without("cffi"):
    import billiard.util  # noqa: F401
with without("msgpack", "yaml"):
    import kombu.serialization
# redis-py's metrics of itself, which nobody asks for: 62 modules of OpenTelemetry's SDK.
with without("opentelemetry"), hollow("redis.asyncio"):
    import kombu.transport.redis  # noqa: F401
with hollow("flask.typing"):
    import flask  # noqa: F401
