"""The dashboard behind a Unix socket, in a thread of JupyterLab's server.

A process of its own would outlive a JupyterLab that is killed, and jupyter-server-proxy, to stop
it, takes over Ctrl-C and SIGTERM: JupyterLab would end without asking, its kernels without being
shut down (jupyter-server-proxy 4.6.0, simpervisor 1.0.0).
"""

from __future__ import annotations

import asyncio
import atexit
import socket
import threading
from contextlib import suppress
from pathlib import Path

from ..connection import find


def host(unix_socket: str) -> list[str]:
    """Serve the dashboard at `unix_socket` from now on, and return no command.

    jupyter-server-proxy calls this at the first request, and by the empty command knows that there
    is no process to start.
    """
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(unix_socket)
    # Whoever connects before the thread is ready waits in the socket's queue.
    listening.listen()
    atexit.register(_remove, Path(unix_socket))
    threading.Thread(
        target=_serve, args=(listening,), name="taskkit-dashboard", daemon=True
    ).start()
    return []


def _remove(path: Path) -> None:
    """Remove a socket, and the folder that jupyter-server-proxy 4.6.0 made for it and leaves."""
    with suppress(OSError):
        path.unlink()
        path.parent.rmdir()


def _serve(listening: socket.socket) -> None:
    with listening:
        asyncio.run(_forward(listening))


async def _forward(listening: socket.socket) -> None:
    # Here, when somebody wants to see it: JupyterLab starts no later for it.
    from aiohttp import web

    from .forwarder import application, session

    async with session() as upstream:
        runner = web.AppRunner(application(upstream, find), access_log=None)
        await runner.setup()
        await web.SockSite(runner, listening).start()
        await asyncio.Event().wait()
