"""Imported before all else by the process that serves: a third of its start, and 16 MB.

python-socketio imports a driver for each broker and framework that it knows, none of which is used
here. Its asyncio half, that of redis-py, and Flask's aliases of types, which it takes Python 28 ms
to make, are needed by nobody in this process; nor are templates, and what develops, debugs and
tests applications.
"""

from taskkit.lean import hollow, without

DRIVERS = (
    *("aiohttp", "kafka", "kombu", "redis", "requests", "tornado", "valkey", "websocket", "zmq"),
)

ASYNCIO = (
    *("engineio.async_client", "engineio.async_server", "engineio.async_drivers.asgi"),
    *("socketio.async_client", "socketio.async_simple_client", "socketio.async_server"),
    *("socketio.async_manager", "socketio.async_redis_manager", "socketio.async_aiopika_manager"),
    *("socketio.async_namespace", "socketio.asgi"),
)

OF_DEVELOPERS = (
    *("werkzeug._reloader", "werkzeug.debug", "werkzeug.serving", "werkzeug.test"),
    "flask_socketio.test_client",
)

with without(*DRIVERS), hollow(*ASYNCIO):
    import socketio  # noqa: F401
# redis-py's metrics of itself, which nobody asks for: 62 modules of OpenTelemetry's SDK.
with without("opentelemetry"), hollow("redis.asyncio"):
    import redis  # noqa: F401
with hollow("flask.typing", "jinja2", *OF_DEVELOPERS):
    import flask_socketio  # noqa: F401
