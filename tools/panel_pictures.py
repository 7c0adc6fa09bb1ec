"""Take the pictures of docs/panels.md: each state of a panel, on light and on dark (make pictures).

The panels are drawn by the renderer itself from made-up records, on a page with the colours that
JupyterLab's two themes set.
"""

from __future__ import annotations

import math
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing
from playwright.sync_api import sync_playwright

from taskkit.inside.media import media_of
from taskkit.panels import batch_html, job_html
from taskkit.panels.displayed import gallery_html
from taskkit.panels.style import STYLE
from taskkit.protocol.jobs import (
    AttemptEnd,
    Bar,
    Curve,
    ErrorInfo,
    Figure,
    JobRecord,
    JobState,
    PastAttempt,
    Progress,
    ResultInfo,
    Usage,
)

TARGET = Path(__file__).resolve().parents[1] / "docs" / "images" / "panels"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]

START = 1_780_000_000_000
NOW = START + 78_000

THEMES = {
    "light": {
        "--jp-layout-color0": "#fff",
        "--jp-layout-color1": "#fff",
        "--jp-ui-font-color1": "rgba(0,0,0,.87)",
        "--jp-ui-font-color2": "rgba(0,0,0,.6)",
        "--jp-border-color2": "#e0e0e0",
    },
    "dark": {
        "--jp-layout-color0": "#111",
        "--jp-layout-color1": "#111",
        "--jp-ui-font-color1": "rgba(255,255,255,1)",
        "--jp-ui-font-color2": "rgba(255,255,255,.7)",
        "--jp-border-color2": "#424242",
    },
}
"""Source: JupyterLab 4, packages/theme-light-extension and theme-dark-extension, variables.css."""

TRACEBACK = """\
Traceback (most recent call last):
  File "/home/ana/study/fit.py", line 31, in fit
    values = solve(matrix, start)
  File "/home/ana/study/fit.py", line 12, in solve
    return np.linalg.solve(matrix, start)
  File "/opt/env/lib/python3.12/site-packages/numpy/linalg/_linalg.py", line 410, in solve
    r = gufunc(a, b, signature=signature)
numpy.linalg.LinAlgError: Singular matrix
"""


def main() -> None:
    """Take one picture a state and a theme."""
    TARGET.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for theme in THEMES:
            page = browser.new_page(viewport={"width": 740, "height": 600}, device_scale_factor=1.5)
            page.set_content(_page(theme))
            for name, _ in panels():
                page.locator(f"#{name}").screenshot(path=TARGET / f"{name}-{theme}.png")
            page.close()
        browser.close()
    print(f"wrote {len(list(TARGET.glob('*.png')))} pictures")


def _page(theme: str) -> str:
    colours = ";".join(f"{name}:{value}" for name, value in THEMES[theme].items())
    is_light = str(theme == "light").lower()
    bodies = "".join(f'<div id="{name}" class="one">{html}</div>' for name, html in panels())
    look = "body{margin:0;background:var(--jp-layout-color0)}.one{padding:8px 10px}"
    return (
        f'<!doctype html><meta charset="utf-8">{STYLE}<style>{look}</style>'
        f'<body style="{colours}" data-jp-theme-light="{is_light}">{bodies}'
    )


def panels() -> Iterator[tuple[str, str]]:
    """Yield each state's name and its HTML."""
    for name, record, connection in _jobs():
        yield name, job_html(record, now_ms=NOW, connection=connection)
    fits = _job(progress=Progress(done=6, total=20, message="fitting"), usage=_usage())
    yield "figures", job_html(fits, now_ms=NOW) + gallery_html(list(_displayed()))
    yield "batch-running", batch_html("sweep", list(_batch(60, running=6)), now_ms=NOW)
    yield "batch-failed", batch_html("sweep", list(_batch(60, running=0)), now_ms=NOW)
    yield "batch-large", batch_html("sweep", list(_batch(10_000, running=400)), now_ms=NOW)


def _jobs() -> Iterator[tuple[str, JobRecord, str]]:
    yield "queued", _job(JobState.QUEUED), ""
    yield "waiting", _job(JobState.QUEUED, after=("a", "b")), ""
    half = Progress(done=430, total=1000, message="relaxing")
    printed = "".join(f"sweep {n}: energy \x1b[32m-1.{n:03}\x1b[0m\n" for n in range(380, 431, 5))
    yield "running", _job(progress=half, output=printed, usage=_usage()), ""
    yield "unknown", _job(progress=Progress(done=12_400, message="reading"), usage=_usage()), ""
    epochs = Progress(
        done=3, total=10, message="epochs", bars=(Bar(name="batches", done=210, total=391),)
    )
    yield "curves", _job(progress=epochs, curves=_curves(), usage=_usage(), worker="gpu-7"), ""
    yield "reconnecting", _job(progress=half), "reconnecting for 12 s"
    yield "attempt", _job(attempt=2, past_attempts=(_lost(),), progress=half), ""
    later = _job(JobState.QUEUED, attempt=1, past_attempts=(_failed(),), retry_at=NOW + 8000)
    yield "retry", later, ""
    result = ResultInfo(media_type="x", size_bytes=8_128, preview="array(shape=(1000,), float64)")
    done = Progress(done=1000, total=1000)
    yield "succeeded", _job(JobState.SUCCEEDED, progress=done, result=result, usage=_usage()), ""
    error = ErrorInfo(type="LinAlgError", message="Singular matrix", traceback=TRACEBACK)
    yield "failed", _job(JobState.FAILED, progress=half, error=error, output=printed), ""
    yield "cancelled", _job(JobState.CANCELLED, progress=half), ""


def _displayed() -> Iterator[tuple[Figure, bytes]]:
    """Yield what a job displays by `taskkit.display`."""
    x = np.linspace(0, 4, 60)
    noise = np.random.default_rng(7).normal(0, 0.05, x.size)
    drawing = Drawing(figsize=(4, 2.4), layout="constrained")
    axes = drawing.subplots()
    axes.plot(x, np.exp(-x) + noise, ".", x, np.exp(-x), "-")
    axes.set_xlabel("t")
    table = pd.DataFrame({"rate": [0.98, 1.01, 1.0], "χ²/ν": [1.3, 1.1, 0.97]})
    for name, shown in (("decay", drawing), ("fits", table.rename_axis("step"))):
        media = media_of(shown)
        size = len(media.data)
        yield (
            Figure(name=name, media_type=media.media_type, size_bytes=size, text=media.text),
            media.data,
        )


def _job(state: JobState = JobState.RUNNING, **fields: Any) -> JobRecord:
    known: dict[str, Any] = {"id": "ab" * 16, "task": "simulate", "created_at": START - 2000}
    if state is not JobState.QUEUED:
        known |= {"attempt": 1, "started_at": START, "worker": "lab-2"}
    if state in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED):
        known["finished_at"] = NOW
    return JobRecord(state=state, **(known | fields))


def _usage() -> Usage:
    return Usage(memory_bytes=412_000_000, peak_bytes=655_000_000, cores=0.98)


def _lost() -> PastAttempt:
    cause = "its process was killed by the kernel: out of memory"
    return PastAttempt(attempt=1, end=AttemptEnd.LOST, cause=cause, at=START)


def _failed() -> PastAttempt:
    cause = "ConnectionError: the data server does not answer"
    return PastAttempt(attempt=1, end=AttemptEnd.FAILED, cause=cause, at=START)


def _curves() -> tuple[Curve, ...]:
    noise = random.Random(7)
    steps = tuple(range(1, 161))
    loss = tuple(2.1 * math.exp(-n / 45) + 0.22 + noise.gauss(0, 0.03) for n in steps)
    score = tuple(0.96 - 0.7 * math.exp(-n / 35) + noise.gauss(0, 0.008) for n in steps)
    return (
        Curve(name="loss", x=steps, y=loss),
        Curve(name="accuracy", x=steps, y=score),
    )


def _batch(jobs: int, *, running: int) -> Iterator[JobRecord]:
    noise = random.Random(3)
    over = jobs if running == 0 else jobs * 6 // 10
    for n in range(jobs):
        id = f"{n:032x}"
        took = 4000 + int(noise.expovariate(1 / 6000))
        if n < over and n % 17 == 5:
            error = ErrorInfo(type="ValueError", message=f"no convergence after {n} steps")
            yield _job(JobState.FAILED, id=id, finished_at=START + took, error=error)
        elif n < over and n == 31:
            error = ErrorInfo(type="FileNotFoundError", message="run-31.csv")
            yield _job(JobState.FAILED, id=id, finished_at=START + took, error=error)
        elif n < over:
            yield _job(JobState.SUCCEEDED, id=id, finished_at=START + took)
        elif n < over + running:
            part = Progress(done=noise.randrange(100), total=100)
            yield _job(id=id, started_at=NOW - took, progress=part)
        else:
            yield _job(JobState.QUEUED, id=id)


if __name__ == "__main__":
    main()
