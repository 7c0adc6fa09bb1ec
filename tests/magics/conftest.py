"""A real kernel with the extension, on a real stack."""

from __future__ import annotations

import os
import queue
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

import taskkit

LIMIT_S = 60.0

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")

Message = dict[str, Any]


@dataclass(frozen=True)
class Ran:
    """What became of a cell."""

    messages: list[Message]

    @property
    def printed(self) -> str:
        """What it wrote, errors of usage included."""
        return "".join(m["content"]["text"] for m in self.messages if m["msg_type"] == "stream")

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
        found = [m["content"] for m in self.messages if m["msg_type"] == "error"]
        return _COLOUR.sub("", "\n".join(found[0]["traceback"])) if found else ""

    def _text(self, kind: str) -> str:
        data = [m["content"]["data"] for m in self.messages if m["msg_type"] == kind]
        return "\n".join(each["text/plain"] for each in data)


class Kernel:
    """Runs cells and keeps what is published."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def run(self, cell: str) -> Ran:
        """Run a cell to its end, whatever that is."""
        request = self.client.execute(cell, allow_stdin=False)
        messages: list[Message] = []

        def is_idle(message: Message) -> bool:
            messages.append(message)
            is_ours = message["parent_header"].get("msg_id") == request
            return is_ours and message["content"].get("execution_state") == "idle"

        self.until(is_idle)
        return Ran(messages)

    def ok(self, cell: str) -> Ran:
        """Run a cell that ends well."""
        ran = self.run(cell)
        assert not ran.error, ran.error
        return ran

    def until(self, is_wanted: Callable[[Message], bool]) -> Message:
        """Read messages until one is wanted, and return it."""
        end = time.monotonic() + LIMIT_S
        while (left_s := end - time.monotonic()) > 0:
            try:
                message: Message = self.client.get_iopub_msg(timeout=left_s)
            except queue.Empty:
                break
            if is_wanted(message):
                return message
        raise AssertionError(f"not published within {LIMIT_S} s")


@pytest.fixture(scope="module")
def _process(stack: taskkit.LocalStack) -> Iterator[Any]:
    told = {"TASKKIT_URL": stack.url, "TASKKIT_TOKEN": stack.token, "TASKKIT_PROGRESS": "plain"}
    manager, client = start_new_kernel(
        kernel_name="python3", extra_arguments=["--log-level=ERROR"], env={**os.environ, **told}
    )
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(_process: Any) -> Kernel:
    """Return the kernel, with a namespace as if it had just begun, and the extension."""
    fresh = Kernel(_process)
    fresh.ok("%reset -f")
    fresh.ok("%reload_ext taskkit")
    return fresh
