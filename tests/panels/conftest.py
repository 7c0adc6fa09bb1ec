"""A real kernel whose every message is kept."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

LIMIT_S = 30.0

Message = dict[str, Any]


class Kernel:
    """Runs cells and keeps what the kernel publishes."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.messages: list[Message] = []

    def run(self, code: str) -> list[Message]:
        """Run a cell and return what was published until it was idle."""
        first = len(self.messages)
        request = self._client.execute(code)

        def is_idle(message: Message) -> bool:
            is_ours = message["parent_header"].get("msg_id") == request
            is_status = message["msg_type"] == "status"
            return is_ours and is_status and message["content"]["execution_state"] == "idle"

        self.until(is_idle)
        seen = self.messages[first:]
        errors = [message["content"] for message in seen if message["msg_type"] == "error"]
        assert not errors, "\n".join(errors[0]["traceback"])
        return seen

    def until(self, is_wanted: Callable[[Message], bool]) -> Message:
        """Read messages until one is wanted, and return it."""
        end = time.monotonic() + LIMIT_S
        while (left_s := end - time.monotonic()) > 0:
            try:
                message = self._client.get_iopub_msg(timeout=left_s)
            except queue.Empty:
                break
            self.messages.append(message)
            if is_wanted(message):
                return message  # type: ignore[no-any-return]
        raise AssertionError(f"not published within {LIMIT_S} s")

    def click(self, comm_id: str) -> None:
        """Click a button as a browser does."""
        content = {"comm_id": comm_id, "data": {"method": "custom", "content": {"event": "click"}}}
        message = self._client.session.msg("comm_msg", content)
        self._client.shell_channel.send(message)


@pytest.fixture(scope="module")
def _process() -> Iterator[Any]:
    manager, client = start_new_kernel(kernel_name="python3")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(_process: Any) -> Kernel:
    """Return a kernel in which the fakes of these tests can be imported."""
    fresh = Kernel(_process)
    here = str(Path(__file__).parent)
    fresh.run(f"import sys; sys.path[:0] = [{here!r}]; from notebook_fake import Fake, JobState")
    return fresh
