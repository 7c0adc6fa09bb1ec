"""A notebook that runs in a terminal: a line a cell, and its output as it comes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from rich.text import Text

from .terminal import console

CELL_WITHIN_S = 600
"""How long one cell may run."""

_TITLE_WIDTH = 60


class Run(NotebookClient):
    """One execution of a notebook."""

    def __init__(self, notebook: Any, folder: Path) -> None:
        super().__init__(
            notebook,
            timeout=CELL_WITHIN_S,
            kernel_name="python3",
            extra_arguments=["--log-level=ERROR"],  # else it warns of its loopback TCP
            resources={"metadata": {"path": str(folder)}},
        )
        self.notebook = notebook
        self._code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        self._began = 0.0
        self._shown = ""
        self.on_cell_execute = self._begin
        self.on_cell_executed = self._end

    def run(self, url: str, token: str) -> bool:
        """Run all cells with a client's variables set; return whether none failed."""
        told = {"TASKKIT_URL": url, "TASKKIT_TOKEN": token, "TASKKIT_PROGRESS": "plain"}
        try:
            self.execute(env={**os.environ, **told})
        except CellExecutionError as error:
            console.print(Text(f"\n{error.ename}: {error.evalue}", style="red"))
            return False
        except (DeadKernelError, TimeoutError) as error:
            console.print(Text(f"\n{error}".rstrip(), style="red"))
            return False
        return True

    def result(self) -> str:
        """Return what the last cell with output says, as text."""
        for cell in reversed(self._code_cells):
            texts = [_text(output) for output in cell.outputs]
            if any(texts):
                return "".join(texts).strip()
        return ""

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        """Print what the kernel sends, then do with it as nbclient does."""
        if msg["msg_type"] in ("stream", "display_data", "update_display_data", "execute_result"):
            for line in _text(msg["content"]).splitlines():
                self._show(line.rsplit("\r", 1)[-1])
        return super().process_message(msg, cell, cell_index)

    def _show(self, line: str) -> None:
        if line.strip() and line != self._shown:
            console.print(Text.assemble(("      │ ", "dim"), Text.from_ansi(line)))
            self._shown = line

    def _begin(self, cell: Any, cell_index: int) -> None:  # noqa: ARG002 — nbclient's names
        self._began = time.monotonic()
        if cell.cell_type == "code":
            console.print(Text.assemble(("    ▸ ", "cyan"), _title(cell.source)))

    def _end(self, cell: Any, cell_index: int, execute_reply: Any) -> None:  # noqa: ARG002
        seconds = time.monotonic() - self._began
        place = self._code_cells.index(cell) + 1
        of = len(self._code_cells)
        console.print(Text(f"      └ cell {place} of {of}, {seconds:.1f} s", style="dim"))


def _text(output: Any) -> str:
    """Return an output's text; of a stream, of a display and of a result alike."""
    text = output.get("text") or output.get("data", {}).get("text/plain") or ""
    return text if isinstance(text, str) else "".join(text)


def _title(source: str) -> str:
    lines = [line for line in source.splitlines() if line.strip()]
    code = [line for line in lines if not line.lstrip().startswith(("#", "%"))]
    title = (code or lines or [""])[0]
    return title if len(title) <= _TITLE_WIDTH else title[: _TITLE_WIDTH - 1] + "…"
