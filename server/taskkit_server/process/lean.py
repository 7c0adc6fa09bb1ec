"""Imported before all else by the process that serves: a quarter of its start, and 16 MB.

python-socketio imports a driver for each broker and framework that it knows, and kombu one for
each format, none of which is used here. With cffi, billiard would parse a C header to set a death
signal; it can do so by ctypes.
"""

from taskkit.lean import without

DRIVERS = ("aiohttp", "kafka", "redis.asyncio", "requests", "tornado", "valkey", "websocket", "zmq")

with without(*DRIVERS):
    import socketio  # noqa: F401
with without("cffi"):
    import billiard.util  # noqa: F401
with without("msgpack", "yaml"):
    import kombu.serialization  # noqa: F401
