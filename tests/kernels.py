"""Real kernels of Jupyter's, whose every message is kept."""

from __future__ import annotations

import os
import queue
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_client.manager import start_new_kernel
from waiting import wait_until

LIMIT_S = 60.0

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")

Message = dict[str, Any]


class Ran(list[Message]):
    """What was published while a cell ran, in order, and what became of the cell."""

    @property
    def printed(self) -> str:
        """What it wrote, errors of usage included."""
        return "".join(text for _, text in self._streams())

    @property
    def stdout(self) -> str:
        """What it wrote, without what went to stderr."""
        return "".join(text for name, text in self._streams() if name == "stdout")

    @property
    def value(self) -> str:
        """What stands beside its ``Out[n]``."""
        return self._text("execute_result")

    @property
    def shown(self) -> str:
        """What it displayed."""
        return self._text("display_data")

    @property
    def error(self) -> str:
        """The traceback, as plain text; "" where there is none."""
        found = [message["content"] for message in self if message["msg_type"] == "error"]
        return _COLOUR.sub("", "\n".join(found[0]["traceback"])) if found else ""

    def _streams(self) -> Iterator[tuple[str, str]]:
        for message in self:
            if message["msg_type"] == "stream":
                yield message["content"]["name"], message["content"]["text"]

    def _text(self, kind: str) -> str:
        data = [message["content"]["data"] for message in self if message["msg_type"] == kind]
        return "\n".join(each["text/plain"] for each in data)


class Kernel:
    """Runs cells and keeps what the kernel publishes."""

    def __init__(self, manager: Any, client: Any) -> None:
        self._manager = manager
        self.client = client
        self.messages: list[Message] = []

    def run(self, cell: str) -> Ran:
        """Run a cell that ends well."""
        ran = self.try_to_run(cell)
        assert not ran.error, ran.error
        return ran

    def try_to_run(self, cell: str) -> Ran:
        """Run a cell to its end, whatever that is."""
        first = len(self.messages)
        request = self.begin(cell)

        def is_idle(message: Message) -> bool:
            is_ours = message["parent_header"].get("msg_id") == request
            return is_ours and message["content"].get("execution_state") == "idle"

        self.until(is_idle)
        return Ran(self.messages[first:])

    def begin(self, cell: str) -> str:
        """Have a cell run, and do not wait for it; return the id of the request."""
        return str(self.client.execute(cell, allow_stdin=False))

    def until(self, is_wanted: Callable[[Message], bool]) -> Message:
        """Read messages until one is wanted, and return it."""
        end = time.monotonic() + LIMIT_S
        while (left_s := end - time.monotonic()) > 0:
            try:
                message: Message = self.client.get_iopub_msg(timeout=left_s)
            except queue.Empty:
                break
            self.messages.append(message)
            if is_wanted(message):
                return message
        raise AssertionError(f"not published within {LIMIT_S} s")

    def click(self, comm_id: str) -> None:
        """Click a button as a browser does."""
        content = {"comm_id": comm_id, "data": {"method": "custom", "content": {"event": "click"}}}
        message = self.client.session.msg("comm_msg", content)
        self.client.shell_channel.send(message)

    def kill(self) -> None:
        """End the process as ``kill -9`` does, and see that it has."""
        os.kill(self._manager.provisioner.pid, signal.SIGKILL)
        wait_until(lambda: not self._manager.is_alive())


@contextmanager
def running_kernel(**told: str) -> Iterator[Kernel]:
    """Run a kernel with these variables in its environment, on top of this process's own."""
    manager, client = start_new_kernel(
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],  # else it warns of its loopback TCP
        env={**os.environ, **told},
    )
    try:
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
