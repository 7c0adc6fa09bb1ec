"""The cells of a notebook, executed by nbclient in a thread, and told of as they are."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import threading
import time
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat.v4 import new_output

from taskkit.inside.progress import progress
from taskkit.notebooks.reading import headline, is_run, without_outputs
from taskkit.protocol.errors import JobTimedOut

from ..deaths import OutOfMemory, cause_of_death
from .failing import Place, died, raised
from .kernel import Kernel
from .partly import within
from .relayed import Relayed, begin

MOST_CHARS = 4 * 2**20
"""How much of what one cell prints is kept in the notebook."""


_quiet = logging.getLogger("taskkit.notebooks")
_quiet.setLevel(logging.CRITICAL)  # what nbclient logs, the job's own error says


class Execution(NotebookClient):
    """One execution. Made in the thread that waits for it; `run` is for one of its own.

    nbclient takes signals for itself where it can, which is in a main thread.
    """

    def __init__(self, node: Any, name: str, kernel: Kernel, folder: Path, said: Relayed) -> None:
        super().__init__(
            _blank(node),
            km=kernel.manager,
            timeout=None,
            log=_quiet,
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": str(folder)}},
        )
        self.owns_km = True  # to be ended with the execution
        self.is_over = threading.Event()
        self._name = name
        self._kernel = kernel
        self._said = said
        self._all = sum(map(is_run, node.cells))
        self._number = 0
        self._cell: Any = None
        self._chars = self._dropped = 0
        #: Of what the present cell prints, how many are kept and how many are not.
        self._began = self._cell_began = time.time()
        self._traceback: list[str] = []
        self._error: BaseException | None = None
        self.on_notebook_start = self._prepare
        self.on_cell_execute = self._begin
        self.on_cell_executed = self._end
        self.on_cell_error = self._fail

    def run(self) -> None:
        """Execute all cells, in an event loop of this thread; `require` tells how it went."""
        struck = OutOfMemory()
        try:
            asyncio.run(self.async_execute())
        except CellExecutionError as error:
            self._error = raised(self._place, error, self._traceback)
        except DeadKernelError as error:
            self._error = self._death(struck) if self._cell is not None else error
        except BaseException as error:  # noqa: BLE001  # the edge of this thread: for who waits
            self._error = error
        finally:
            self._mark()
            self.is_over.set()

    def require(self) -> None:
        """Return if all cells were executed.

        Raises:
            CellFailed: One has failed; its `notebook` is what was executed.
            JobTimedOut: The kernel has taken more CPU time than it may.
        """
        if self._error is None:
            progress(self._all, self._all)
            return
        if hasattr(self._error, "notebook"):
            self._error.notebook = within(self._name, self.executed())
        raise self._error

    def executed(self) -> Any:
        """Return the notebook as far as it was executed."""
        return deepcopy(self.nb)

    async def async_start_new_kernel(self, **kwargs: Any) -> None:
        """Start the kernel."""
        progress(0, self._all, f"starting the kernel for {self._all} cells")
        await super().async_start_new_kernel(**kwargs)
        self._kernel.note_start()

    async def _prepare(self, **_: Any) -> None:
        """Limit the kernel; have what cells say of their progress told, where it can."""
        self._kernel.limit()
        if self._kernel.language == "python" and self.kc is not None:
            said = self.kc.execute(begin(self._said.address), silent=True, store_history=False)
            await self.async_wait_for_reply(said)

    def _begin(self, cell: Any, cell_index: int) -> None:  # noqa: ARG002 — nbclient's names
        self._cell, self._number = cell, self._number + 1
        self._chars = self._dropped = 0
        self._cell_began = time.time()
        message = f"cell {self._number} of {self._all}: {headline(cell.source)}"
        progress(self._number - 1, self._all, message)

    def _end(self, cell: Any, cell_index: int, execute_reply: Any) -> None:  # noqa: ARG002
        self._said.end_cell()
        for out in cell.outputs:
            if out["output_type"] == "stream" and "\r" in out["text"]:
                out["text"] = _overwritten(out["text"])
        if self._dropped:
            left_out = f"[taskkit: {self._dropped:,} characters more are left out]\n"
            note = new_output("stream", name="stderr", text=left_out)  # type: ignore[no-untyped-call]
            cell.outputs.append(note)
        self._mark_cell(is_failed=execute_reply["content"]["status"] == "error")

    def _fail(self, cell: Any, cell_index: int, execute_reply: Any) -> None:  # noqa: ARG002
        self._traceback = execute_reply["content"].get("traceback", [])

    def output(self, outs: Any, msg: Any, display_id: Any, cell_index: int) -> Any:
        """Print what a cell prints, and keep it, as far as a notebook can hold it."""
        if msg["msg_type"] == "stream":
            content = msg["content"]
            stream = sys.stderr if content["name"] == "stderr" else sys.stdout
            stream.write(content["text"])
            kept = content["text"][: max(0, MOST_CHARS - self._chars)]
            self._dropped += len(content["text"]) - len(kept)
            self._chars += len(kept)
            if not kept:
                return None
            content["text"] = kept
            if self._goes_on(outs, msg):
                outs[-1]["text"] += kept
                return outs[-1]
        return super().output(outs, msg, display_id, cell_index)

    def _goes_on(self, outs: Any, msg: Any) -> bool:
        """Return whether what a cell prints is of one piece with what it printed before.

        nbclient's own way, `coalesce_streams`, takes hours for long lines.
        """
        is_elsewhere = self.output_hook_stack[msg["parent_header"].get("msg_id")]
        if is_elsewhere or self.clear_before_next_output or not outs:
            return False
        last = outs[-1]
        return bool(last["output_type"] == "stream" and last["name"] == msg["content"]["name"])

    def clear_output(self, outs: Any, msg: Any, cell_index: int) -> None:
        """Forget what a cell has printed, for it has said so."""
        self._chars = self._dropped = 0
        super().clear_output(outs, msg, cell_index)

    @property
    def _place(self) -> Place:
        return Place(self._name, self._cell, self._number, self._all)

    def _death(self, struck: OutOfMemory) -> BaseException:
        code = self._kernel.code()
        if code == -signal.SIGXCPU:
            return JobTimedOut("it took more CPU time than this worker allows")
        cause = _in_words(code)
        cause = cause_of_death(cause, is_out_of_memory=struck.has_struck())
        self._mark_cell(is_failed=True)
        return died(self._place, cause)

    # What papermill notes in a notebook's metadata, and who reads it there may look for.

    def _mark_cell(self, *, is_failed: bool) -> None:
        self._cell.metadata["papermill"] = {
            **_times(self._cell_began, time.time()),
            "exception": is_failed,
            "status": "failed" if is_failed else "completed",
        }

    def _mark(self) -> None:
        metadata = self.nb.metadata.setdefault("papermill", {})
        metadata |= _times(self._began, time.time())
        metadata["exception"] = True if self._error is not None else None


def _blank(node: Any) -> Any:
    """Return a notebook whose cells are all to be run still."""
    for cell in filter(is_run, without_outputs(node).cells):
        cell.metadata["papermill"] = {"exception": None, "status": "pending"}
    return node


def _overwritten(text: str) -> str:
    """Return a text as it stands where a line was begun again, as bars in texts do.

    >>> _overwritten("a bar\\r\\n 10%\\r100%\\n")
    'a bar\\n100%\\n'
    """
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def _in_words(code: int | None) -> str:
    if code is None:
        return "it does not answer any more"
    if code < 0:
        return f"signal {-code} ({signal.Signals(-code).name})"
    return f"exitcode {code}"


def _times(began: float, ended: float) -> dict[str, Any]:
    start, end = (datetime.fromtimestamp(at, UTC).isoformat() for at in (began, ended))
    return {"start_time": start, "end_time": end, "duration": round(ended - began, 6)}
