"""``%%job`` runs a cell on a worker, ``%jobs`` lists what there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from inspect import getdoc
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class
from IPython.display import DisplayHandle

from ..client import Client, Job
from ..client.tables import Table
from ..protocol.errors import CannotTravel
from ..travel.cells import CellResult, run_cell
from .arrival import Arrival, Handle
from .body import Body, body_of
from .flags import job_flags, jobs_flags, options_of
from .listing import job_table

JOB_FLAGS, JOBS_FLAGS = job_flags(), jobs_flags()


@magics_class
class JobMagics(Magics):
    """The magics of one shell."""

    shell: Any

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._own: Client | None = None
        #: The one that was made because the notebook has none.
        self._awaited: set[Arrival] = set()
        #: What nobody else may hold until its job has ended.

    @cell_magic
    def job(self, line: str, cell: str) -> Any:
        """Run this cell as a job on a worker, and bind the names that it assigns.

        It is sent the names that it reads, as they are now, with the functions that they need. What
        it changes in place (``rows.append(1)``) it changes in its own copy; what it assigns comes
        back: ``name = …``, ``name[…] = …``, ``name.x = …``, ``import name``, ``def name`` and so
        on. The names are bound when the job has succeeded, all at once and before its `result()`
        returns. Until then, and for ever where it fails or is cancelled, they keep what they had;
        what another cell has assigned to them meanwhile is replaced. What cannot be pickled is left
        behind, and its panel says so.

        The value of a last expression is shown below the panel when the job has ended; with
        ``--wait`` it is the cell's own. Functions of the cell see the notebook's names, as those of
        any cell do; with ``--out`` they keep what else they need of the cell to themselves.

        The job goes to the one client that the notebook has a name for, else to `taskkit.Client()`.
        Its `result()` has the `value` and the `names`, in another kernel, too.
        """
        with _in_ipython_s_words():
            asked = JOB_FLAGS.read(line)
            file = f"Cell In[{len(self.shell.history_manager.input_hist_raw) - 1}]"
            client = self._client(asked.client).options(**{"name": file, **options_of(asked)})
            try:
                body = self._body(f"%%job {line}\n{cell}", file, asked.out)
            except SyntaxError as error:  # how it was found says nothing
                raise error.with_traceback(None) from None
            job: Job[CellResult] = client.submit(run_cell, body.cell, names=body.names)
        names = self.shell.user_ns
        arrival = Arrival(
            job,
            names,
            is_home=not asked.out,
            is_shown=body.cell.has_value and not asked.wait,
            handle=_new_handle(),
            over=self._awaited.discard,
        )
        self._awaited.add(arrival)
        arrival.begin()
        if asked.into:
            names[asked.into] = job
        job._ipython_display_()
        if asked.wait:
            return arrival.wait()
        arrival.place()
        return None

    @line_magic
    def jobs(self, line: str) -> Table[Job[Any]]:
        """List your newest jobs, from whichever notebooks they came."""
        with _in_ipython_s_words():
            asked = JOBS_FLAGS.read(line)
            client = self._client(asked.client)
            session = client.session if asked.here else None
            return job_table(client.jobs(asked.name, asked.state, None, session, asked.limit))

    def close(self) -> None:
        """Close the client that was made here, if one was."""
        if self._own is not None:
            self._own.close()
            self._own = None

    def _body(self, text: str, file: str, out: tuple[str, ...]) -> Body:
        return body_of(
            text,
            file=file,
            namespace=self.shell.user_ns,
            transform=self.shell.input_transformer_manager.transform_cell,
            replaced=self.shell.user_ns_hidden,
            out=out,
        )

    def _client(self, name: str | None) -> Client:
        """Return the notebook's client of this name, its only one, or one of the extension's.

        Raises:
            ValueError: There is none of this name.
        """
        names = self.shell.user_ns
        if name is not None:
            named = names.get(name)
            if not isinstance(named, Client):
                raise ValueError(f"--client: {name!r} is no client")
            return named
        # Without those that IPython keeps, such as `_`.
        there = [value for key, value in names.items() if not key.startswith("_")]
        clients = {id(value): value for value in there if isinstance(value, Client)}
        if len(clients) == 1:
            return clients.popitem()[1]
        self._own = self._own or Client()
        return self._own


# What `%%job?` shows.
for _magic, _flags in ((JobMagics.job, JOB_FLAGS), (JobMagics.jobs, JOBS_FLAGS)):
    _magic.__doc__ = f"{getdoc(_magic)}\n\n{_flags.format_help()}"


@contextmanager
def _in_ipython_s_words() -> Iterator[None]:
    """Have what is wrong with a cell said as IPython says it, without the way to where."""
    try:
        yield
    except ValueError as error:
        raise UsageError(str(error)) from None
    except CannotTravel as error:
        # There are no arguments, and no function.
        text = str(error).removeprefix("argument 'names' → ")
        raise CannotTravel(text.replace("inside the function", "in the cell")) from None


def _new_handle() -> Handle:
    untyped: Any = DisplayHandle
    handle: Handle = untyped()
    return handle
