"""python-socketio without the drivers of brokers and frameworks: half of a client's imports.

Wherever they are installed it loads them: 0.3 s and 29 MB beside JupyterLab, Dask and Celery. A
kernel's own `import socketio` has them all the same.
"""

from ..lean import own_copy

DRIVERS = ("aiohttp", "kafka", "kombu", "redis", "requests", "tornado", "valkey", "zmq")

with own_copy("socketio", "engineio", without=DRIVERS):
    import engineio
    import socketio

NotConnected = socketio.exceptions.ConnectionError

__all__ = ["NotConnected", "engineio", "socketio"]
