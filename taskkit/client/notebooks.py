"""The part of a client that runs notebooks as jobs."""

from __future__ import annotations

import json
import os
import pkgutil
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self, cast

from ..notebooks.executed import ExecutedNotebook
from ..notebooks.neighbours import beside
from ..notebooks.parameters import with_parameters
from ..notebooks.reading import language, read, without_outputs
from ..protocol.options import JobOptions
from .job import Job

RUN = "taskkit_worker.notebooks:run"
"""What runs a notebook, where workers have it. It takes what is sent here by name."""

NEEDS = {"nbclient": ">=0.10"}
PYTHON_NEEDS = {"ipykernel": ">=6.29"}
"""What a worker must have for it, and for one in Python."""

NotebookPath = str | os.PathLike[str]


class RunsNotebooks:
    """Submits notebooks, as what else is submitted."""

    _options: JobOptions
    options: Callable[..., Self]
    submit: Callable[..., Job[Any]]

    def run_notebook(
        self,
        notebook: NotebookPath | Mapping[str, Any],
        parameters: Mapping[str, Any] | None = None,
        *,
        files: Iterable[NotebookPath] = (),
        kernel_name: str | None = None,
        cwd: str | None = None,
    ) -> Job[ExecutedNotebook]:
        """Have a worker run a notebook's cells in a kernel of its own, and return the job at once.

        Parameters are papermill's: they are set in a cell after the one with the tag
        ``parameters``. The result is the executed notebook; where a cell fails, `result` raises
        `CellFailed`, whose `notebook` is what was executed until then.

        notebook: its path, or a node of nbformat. It is sent as it is now, with the modules beside
            it that its cells import.
        files: what else it needs of its folder: paths from there, of files or folders, also with
            ``*``. On the worker they are in the folder in which the cells run; that is the job's
            own, and what a cell writes there is gone with it.
        kernel_name: the worker's kernel, where it is not the one that the notebook names.
        cwd: a folder that the worker has, to run the cells in; then no file is sent.

        >>> job = client.run_notebook("study.ipynb", {"alpha": 0.1})  # doctest: +SKIP
        >>> job.result().save("study-0.1.ipynb")  # doctest: +SKIP

        Raises:
            OSError: There is no such notebook or file.
            InvalidRequest: It is no notebook, or a file is not in its folder.
            InvalidArguments: A parameter cannot be written down in Python.
            PayloadTooLarge: The files are too large to be sent along.
        """
        node, name = read(notebook)
        without_outputs(node)
        files = list(files)
        if cwd is not None and files:
            raise ValueError("files are sent to a folder of the job's own: give files, or cwd")
        for doubt in with_parameters(node, parameters or {}, name):
            warnings.warn(doubt, stacklevel=2)
        sent = {}
        if cwd is None:
            folder = Path.cwd() if isinstance(notebook, Mapping) else Path(notebook).parent
            sent = beside(node, folder, files)
        needs = NEEDS | (PYTHON_NEEDS if language(node) == "python" else {})
        fitted = self.options(packages={**needs, **self._options.packages})
        told = {"kernel_name": kernel_name, "cwd": cwd}
        job = fitted.submit(
            _OnWorker(name),
            name=name,
            notebook=json.dumps(node, ensure_ascii=False).encode(),
            files=sent,
            **{key: value for key, value in told.items() if value is not None},
        )
        return cast("Job[ExecutedNotebook]", job)


class _OnWorker:
    """Stands for the function that runs a notebook, which is where it is loaded."""

    def __init__(self, title: str) -> None:
        self.__qualname__ = title

    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        return pkgutil.resolve_name, (RUN,)

    def __call__(self, **_: Any) -> Any:
        raise TypeError("a notebook is run by a worker")
