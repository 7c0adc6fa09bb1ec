"""Take the pictures of the page and of the API's, for docs/page.md and docs/rest.md.

They are of a real stack, and show the name of the machine that its worker runs on.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

import taskkit
from taskkit.client.http import Http
from taskkit.connection import Connection

if TYPE_CHECKING:
    from playwright.sync_api import Page

TARGET = Path(__file__).resolve().parents[1] / "docs" / "images"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
LIST_SIZE = {"width": 1120, "height": 780}
JOB_SIZE = {"width": 1120, "height": 1000}
SHARED_SIZE = {"width": 1120, "height": 860}
API_SIZE = {"width": 1120, "height": 900}
WITHIN_MS = 60_000


def anneal(temperature: float, steps: int, mark: str = "") -> float:
    """Lower an energy step by step; fail once, where there is a mark and no such file yet."""
    import random

    noise = random.Random(temperature)
    energy = 2.0
    for step in taskkit.track(range(steps), message="relaxing"):
        energy += (-1.6 * temperature / 2.4 - energy) / 40 + noise.gauss(0, 0.02)
        taskkit.report(energy=energy, acceptance=0.9 - 0.5 * step / (step + 60))
        print(f"sweep {step}: energy {energy:.4f}")
        time.sleep(0.04)
        if mark and step == 20 and not Path(mark).exists():
            Path(mark).touch()
            raise ConnectionError("the data server does not answer")
    if temperature > 2.45:
        raise ValueError(f"no convergence after {steps} sweeps")
    return round(energy, 4)


def submit_all(client: taskkit.Client, mark: str) -> taskkit.Job:
    """Submit jobs that will be in each state; return the one to look at."""
    for n in range(1, 5):
        client.options(name=f"calibrate {n}").submit(anneal, 2.0, 3 + n).result(60)
    quenched = client.options(name="quench from 2.5").submit(anneal, 2.5, 8)
    quenched.exception(60)
    jobs = {}
    for tenths in range(24, 18, -1):
        again = {"retries": 1} if tenths == 22 else {}
        named = client.options(name=f"ising, T = {tenths / 10}", **again)
        jobs[tenths] = named.submit(anneal, tenths / 10, 330, mark if again else "")
        if tenths == 23:
            time.sleep(1.5)
    jobs[19].cancel()
    return jobs[22]


def shoot(page: Page, url: str, job: taskkit.Job) -> None:
    """Take both pictures."""
    page.set_viewport_size(LIST_SIZE)
    page.goto(url)
    page.locator("#connection[data-state=open]").wait_for(timeout=WITHIN_MS)
    running = f'#job-rows [data-id="{job.id}"][data-state=running]'
    page.locator(running).wait_for(timeout=WITHIN_MS)
    page.wait_for_timeout(3_000)
    page.screenshot(path=TARGET / "page-jobs.png")
    page.set_viewport_size(JOB_SIZE)
    page.locator(f"{running} a").click()
    page.locator("#job-attempts tr[data-end=running]").wait_for(timeout=WITHIN_MS)
    page.locator("#job-panel .tk-curve").first.wait_for(timeout=WITHIN_MS)
    page.wait_for_timeout(5_000)
    page.mouse.move(5, 5)
    page.screenshot(path=TARGET / "page-job.png")


def shoot_shared(page: Page, folder: Path) -> None:
    """Take the picture of what a link shows: of a user's job, on a stack that wants tokens."""
    scopes = ["submit", "read", "cancel", "code"]
    with taskkit.LocalStack(workers=2) as stack:
        made = Http(Connection(stack.url, stack.token)).post(
            "/tokens", {"user": "ana", "scopes": scopes}
        )
        with taskkit.Client(stack.url, token=made["token"]) as ana:
            again = ana.options(name="ising, T = 2.2", retries=1)
            job = again.submit(anneal, 2.2, 330, str(folder / "shared"))
            page.set_viewport_size(SHARED_SIZE)
            page.goto(str(job.share(note="for the group").url))
            page.locator("#job-attempts tr[data-end=running]").wait_for(timeout=WITHIN_MS)
            page.locator("#job-attempts tr[data-end=failed]").wait_for(timeout=WITHIN_MS)
            page.wait_for_timeout(5_000)
            page.screenshot(path=TARGET / "page-shared.png")
            job.cancel()


def shoot_api(page: Page, url: str) -> None:
    """Take the picture of the API's page, with one route opened."""
    page.set_viewport_size(API_SIZE)
    page.goto(f"{url}/docs")
    counts = page.locator("#operations-counts-state_get_counts, [id$=state_get_counts]").first
    counts.wait_for(timeout=WITHIN_MS)
    counts.locator(".opblock-summary").click()
    counts.locator(".responses-table").first.wait_for(timeout=WITHIN_MS)
    counts.evaluate("it => window.scrollTo(0, it.getBoundingClientRect().top + scrollY - 62)")
    page.wait_for_timeout(500)
    page.screenshot(path=TARGET / "api.png")


def main() -> None:
    """Start a stack, fill it and take the pictures."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with (
        tempfile.TemporaryDirectory() as folder,
        taskkit.LocalStack(workers=2, open=True) as stack,
        stack.client() as client,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(device_scale_factor=1)
        job = submit_all(client, str(Path(folder) / "mark"))
        shoot(page, stack.url, job)
        shoot_api(page, stack.url)
        shoot_shared(page, Path(folder))
        browser.close()
    print("wrote page-jobs.png, page-job.png, page-shared.png and api.png")


if __name__ == "__main__":
    main()
