"""`Trials`: an Optuna study, asked and told so that a kernel may end at any moment.

Every trial that is asked for here is marked as ours in the same step that makes it, and its
parameters are in Optuna's storage before its job is submitted, under a key of its number. So what a
kernel leaves behind says what is to be done: a marked trial that runs and has all parameters is
submitted (again: the same key is the same job) and told; one that lacks some was being asked for,
and is given up. Telling is Optuna's one step, and one that is told already is not told again.

Source: Optuna 5.0, `Study.ask` (which takes a trial that waits), `Study.tell`, `Study.add_trial`.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..protocol.errors import StudyChanged
from .optional import needed
from .points import plain

MARK, CODE, ERROR = "taskkit", "taskkit_code", "taskkit_error"
"""User attributes: of study and trials, whose they are; of the study, its function; of a trial, why
there is no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A trial of ours, as it is in Optuna's storage."""

    number: int
    id: int
    params: Mapping[str, Any]
    values: Sequence[float] | None = None
    #: None where it was not told any.
    extra: Mapping[str, Any]
    #: What else its call returned.
    is_finished: bool
    error: str = ""
    began_at: datetime | None = None
    ended_at: datetime | None = None


class Trials:
    """Those of one Optuna study that taskkit has asked for."""

    def __init__(self, study: Any, space: Mapping[str, Any], names: Sequence[str]) -> None:
        self._optuna = needed("optuna", "client.optimize")
        self._study = study
        self._space = {name: self._distribution(one) for name, one in space.items()}
        self._names = names
        self._is_exhausted = False
        #: Whether the sampler has nothing more to ask for.
        #: Of the objectives.
        self.mark: str = study.user_attrs.get(MARK, "")
        #: What stands for the study in keys; it is stored with it.
        if not self.mark:
            self.mark = uuid.uuid4().hex
            study.set_user_attr(MARK, self.mark)

    def require_code(self, code: str, changed: str) -> None:
        """Return if the study's trials call this function, or are to from now on.

        Raises:
            StudyChanged: They call another one.
        """
        known = self._study.user_attrs.get(CODE, code)
        if known != code and changed == "refuse":
            raise StudyChanged(
                f"the Optuna study {self._study.study_name!r} was begun with another function: its "
                "code, or something that it uses, has changed since. Begin another study, or say "
                "changed='keep', and the values of before count beside those of the new one."
            )
        if self._study.user_attrs.get(CODE) != code:
            self._study.set_user_attr(CODE, code)

    def ours(self) -> list[Trial]:
        """Return the trials that there are, in their order; what was half asked for is given up."""
        found = []
        for frozen in self._study.get_trials(deepcopy=False):
            if frozen.user_attrs.get(MARK) != self.mark or frozen.state.name == "WAITING":
                continue
            trial = self._trial(frozen, error=frozen.user_attrs.get(ERROR, ""))
            if self._space.keys() <= frozen.params.keys():
                found.append(trial)
            elif not trial.is_finished:
                self.fail(trial, "the kernel ended while it was being asked for")
        return found

    def has_more(self) -> bool:
        """Return whether there is more to ask for."""
        return not self._is_exhausted or self._is_enqueued()

    def _is_enqueued(self) -> bool:
        states = self._optuna.trial.TrialState
        return bool(self._study.get_trials(deepcopy=False, states=(states.WAITING,)))

    def ask(self) -> Trial:
        """Return a new trial."""
        states = self._optuna.trial.TrialState
        if not self._is_enqueued():
            # `ask` takes one that waits: so it has our mark from its first moment on.
            create = self._optuna.trial.create_trial
            self._study.add_trial(create(state=states.WAITING, user_attrs={MARK: self.mark}))
        asked = self._study.ask(self._space)
        if MARK not in asked.user_attrs:  # it is one that the user has enqueued
            asked.set_user_attr(MARK, self.mark)
        return Trial(
            number=asked.number,
            id=asked._trial_id,  # noqa: SLF001  # there is no other way to it
            params=asked.params,
            extra={},
            is_finished=False,
        )

    def again(self, trial: Trial) -> None:
        """Have the parameters of a trial be those of the next one that is asked for."""
        self._study.enqueue_trial(dict(trial.params), user_attrs={MARK: self.mark})

    def tell(self, trial: Trial, result: Any) -> None:
        """Tell what a call returned; what is no value makes the trial a failed one."""
        try:
            values, extra = self._told(result)
        except (TypeError, ValueError, KeyError) as error:
            self.fail(trial, f"{type(error).__name__}: {error}")
            return
        for name, value in extra.items():
            self._note(trial, name, value)
        self._finish(trial, values=values)

    def fail(self, trial: Trial, why: str, *, is_pruned: bool = False) -> None:
        """Tell that there is no value."""
        states = self._optuna.trial.TrialState
        self._note(trial, ERROR, why)
        state = states.PRUNED if is_pruned else states.FAIL
        self._finish(trial, state=state)

    def result(self, trial: Trial) -> Any:
        """Return what a trial was told, in the form in which calls return it."""
        values = list(trial.values or ())
        if not trial.extra and list(self._names) == ["value"]:
            return values[0]
        return {**dict(zip(self._names, values, strict=False)), **trial.extra}

    def _told(self, result: Any) -> tuple[list[float], dict[str, Any]]:
        count = len(self._study.directions)
        if isinstance(result, Mapping):
            values = [result[name] for name in self._names]
            extra = {name: one for name, one in result.items() if name not in self._names}
        else:
            values, extra = (list(result) if count > 1 else [result]), {}
        numbers = [float(value) for value in values]
        if len(numbers) != count:
            raise ValueError(f"{len(numbers)} values for {count} objectives")
        if any(map(math.isnan, numbers)):
            raise ValueError("the value is NaN")
        return numbers, extra

    def _finish(self, trial: Trial, **told: Any) -> None:
        try:
            self._study.tell(trial.number, skip_if_finished=True, **told)
        except RuntimeError:
            # A sampler that has no more to say calls `Study.stop`, which only `optimize` takes.
            if not self._is_finished(trial):
                raise
            self._is_exhausted = True

    def _note(self, trial: Trial, name: str, value: Any) -> None:
        value = plain(value)
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            return  # Optuna's storages take what is JSON
        if not self._is_finished(trial):
            self._optuna.trial.Trial(self._study, trial.id).set_user_attr(str(name), value)

    def _is_finished(self, trial: Trial) -> bool:
        found = self._study.get_trials(deepcopy=False)[trial.number]
        return bool(found.state.is_finished())

    def _trial(self, frozen: Any, *, error: str) -> Trial:
        own = (MARK, ERROR)
        states = self._optuna.trial.TrialState
        is_good = frozen.state == states.COMPLETE
        is_finished = bool(frozen.state.is_finished())
        return Trial(
            number=frozen.number,
            id=frozen._trial_id,  # noqa: SLF001  # there is no other way to it
            params=dict(frozen.params),
            values=frozen.values if is_good else None,
            extra={name: one for name, one in frozen.user_attrs.items() if name not in own},
            is_finished=is_finished,
            error="" if is_good else error or frozen.state.name.lower(),
            began_at=frozen.datetime_start,
            ended_at=frozen.datetime_complete,
        )

    def _distribution(self, given: Any) -> Any:
        distributions = self._optuna.distributions
        if isinstance(given, distributions.BaseDistribution):
            return given
        if isinstance(given, Sequence) and not isinstance(given, str):
            return distributions.CategoricalDistribution([plain(one) for one in given])
        raise TypeError(
            f"a parameter of client.optimize has a distribution of Optuna's or a list of choices, "
            f"not {given!r:.200}"
        )
