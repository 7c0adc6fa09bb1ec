"""The part of a client that calls a function at many points: studies and searches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..protocol.options import JobOptions
from .job import Job
from .link import Link
from .shipping import Shipped
from .submitter import Request

if TYPE_CHECKING:
    from ..studies import Search, Study


class Studied:
    """Begins studies, and finds them again. What they are made of is imported when wanted."""

    _link: Link
    _options: JobOptions

    def sweep(
        self,
        function: Callable[..., Any],
        space: Mapping[str, Any],
        /,
        *,
        repeats: int = 1,
        samples: int | None = None,
        seed: int = 0,
        name: str | None = None,
        changed: str = "refuse",
    ) -> Study:
        """Call `function` at every point of a grid, or at points that are drawn; return the study.

        It returns at once. `study.frame()` is a table, a row for each point and repeat, that fills
        as results come; in a cell the study shows how far it is.

        space: for each parameter its values. What has `rvs` (a frozen distribution of
            `scipy.stats`) or is a function of a NumPy generator draws them; then `samples` says how
            many points there are to be, and of lists one value is drawn for each.
        repeats: how often each point is called.
        seed: the root of all seeds. Where the function has a parameter `seed`, it is given a whole
            number below 2**32, and as `rng` a generator of NumPy's: for each point and repeat its
            own, whatever else the study has, and on whichever workers it runs.
        name: by which the study outlives this kernel. The same call finds it again, `study` does
            without the function, and a larger grid or more repeats run only what is new.
        changed: what happens where a study of this name has another function: it is an error
            ("refuse"), what is there stays ("keep"), or everything is called again ("redo").

        The client's options hold for each job, but for `key` and, where the study has a name,
        `session`.

        >>> from taskkit import Client
        >>> study = Client().sweep(pow, {"base": [2, 3], "exp": [1, 2]})
        >>> study.wait().frame()["value"].tolist()
        [2, 4, 3, 9]

        Raises:
            TypeError, ValueError: The space cannot be, or the function has no such parameters.
            CannotTravel: The function or a value cannot be pickled.
            StudyChanged: A study of this name has another function, or another seed.
        """
        from ..studies import swept

        return swept(
            self._desk(),
            function,
            space,
            repeats=repeats,
            samples=samples,
            seed=seed,
            name=name,
            changed=changed,
        )

    def study(self, name: str) -> Study:
        """Return the study of this name, from whichever kernel it was begun, and have it go on.

        Raises:
            StudyNotFound: There is none, or it is not kept any more.
        """
        from ..studies import opened

        return opened(self._desk(), name)

    def studies(self) -> list[str]:
        """Return the names of your studies, those first that were begun or grew last."""
        from ..studies import names

        return names(self._desk())

    def optimize(
        self,
        function: Callable[..., Any],
        study: Any,
        space: Mapping[str, Any],
        /,
        *,
        trials: int = 100,
        parallel: int | None = None,
        seed: int = 0,
        value: str | Sequence[str] = "value",
        changed: str = "refuse",
        is_in_order: bool = False,
    ) -> Search:
        """Have an Optuna study ask for points, call `function` there, and tell it what came of it.

        It returns at once. `search.frame()` is a table of the trials; `study.best_params` and all
        else of Optuna's can be asked at any time.

        study: from ``optuna.create_study``. Give it a storage (a file, a database) and it outlives
            the kernel: the same call goes on where it was; each trial is run and told once.
        space: for each parameter a distribution of ``optuna.distributions``, or a list of choices.
        trials: how many trials there are to be in all, those of before this call among them.
        parallel: how many are under way at most; by default as many as there are processes. The
            sampler knows less of the others the more there are.
        value: where the function returns a dict, the name in it that is told; the rest is kept as
            the trial's user attributes. For several objectives, a list of names.
        changed: what happens where the study was begun with another function: it is an error
            ("refuse"), or its values of before count beside the new ones ("keep").
        is_in_order: tell in the order of asking, so that with a seeded sampler the study is the
            same however many workers there are; processes may idle for it.

        A call that raises is told as failed, Optuna's `TrialPruned` as pruned. `seed` is as in
        `sweep`, with the trial's number for the repeat.

        Raises:
            ImportError: Optuna is not installed.
            TypeError, ValueError: The space cannot be, or the function has no such parameters.
            StudyChanged: The study was begun with another function.
        """
        from ..studies import searched

        return searched(
            self._desk(),
            function,
            study,
            space,
            trials=trials,
            parallel=parallel,
            seed=seed,
            value=value,
            changed=changed,
            is_in_order=is_in_order,
        )

    def _desk(self) -> Any:
        from ..studies.desk import Desk

        return Desk(
            link=self._link, options=self._options, shipped=self._shipped, order=self._ordered
        )

    def _ordered(
        self,
        task: Callable[..., Any],
        args: Sequence[Any],
        key: str | None,
        shipped: Shipped,
        *,
        name: str,
        session: str,
    ) -> tuple[Job[Any], Request]:
        """Return the job of a call under this title, of this session, and the request for it."""
        options = replace(self._options, name=name, session=session)
        return self._request(task, args, {}, key, shipped, options)

    def _shipped(self, function: Callable[..., Any]) -> Shipped:
        raise NotImplementedError

    def _request(
        self,
        task: Any,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        key: str | None,
        shipped: Shipped | None,
        options: JobOptions | None = None,
    ) -> tuple[Job[Any], Request]:
        raise NotImplementedError
