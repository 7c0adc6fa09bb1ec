"""Imported before all else by the server's process: a quarter of its start, and 15 MB.

python-socketio imports a driver for each broker and framework that it knows, none of which is used
here. With cffi, billiard would parse a C header to set a death signal; it can do so by ctypes.
"""

from taskkit.lean import without

with without("aiohttp", "kafka", "redis.asyncio", "requests", "tornado", "valkey", "zmq"):
    import socketio  # noqa: F401
with without("cffi"):
    import billiard.util  # noqa: F401
