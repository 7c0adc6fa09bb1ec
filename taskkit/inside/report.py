"""`report`: numbers of a running job by name, drawn as live curves where the job is shown."""

from __future__ import annotations

from .place import place


def report(*, step: float | None = None, **values: float) -> None:
    """Say how numbers of this job develop, e.g. a loss; each name is a curve in the panel.

    `step` is where they are on the horizontal axis, by default how often the name was reported.
    Call it as often as you like, from any thread: curves are thinned out evenly, and the last value
    of each is always there. Outside a job it only looks at its arguments.

    Raises:
        TypeError: A value, or the step, is not a number.

    >>> for epoch in range(3):
    ...     report(loss=1 / (epoch + 1), accuracy=epoch / 3, step=epoch)
    """
    numbers = {name: _number(name, value) for name, value in values.items()}
    at = None if step is None else _number("step", step)
    if place.listener is not None:
        place.listener.report(numbers, at)


def _number(name: str, value: object) -> float:
    try:
        # What has one number may be of any library: NumPy, PyTorch.
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        kind = type(value).__name__
        raise TypeError(f"report() takes numbers, and {name} is a {kind}") from None
