"""Metrics of a server that is several processes, some of which die."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import socketio
from running import TOKEN, Running, running_server
from scraping import Scrape
from waiting import wait_until

from taskkit_server.metrics import folder as metrics_folder

pytestmark = pytest.mark.stack


@pytest.fixture
def server(redis_url: str, tmp_path: Path) -> Iterator[Running]:
    """A server of three processes."""
    with running_server(redis_url, tmp_path / "log", "--processes", "3") as running:
        wait_until(lambda: len(running.children()) == 3)
        wait_until(lambda: len(counters(folder_of(running))) == 3)
        yield running


def scrape(server: Running) -> Scrape:
    """Ask one of the processes."""
    answer = server.get("/metrics")
    assert answer.status == 200
    return Scrape(answer.data.decode(), answer.headers["Content-Type"])


def asked(told: Scrape) -> float | None:
    """Return how many requests for a page that is not there were answered."""
    return told.value("taskkit_http_requests_total", route="(none)", method="GET", status="404")


def heads(told: Scrape) -> float:
    """Return how many sockets were told where their logs end, so often."""
    return told.value("taskkit_packets_sent_total", type="head") or 0


def counters(folder: Path) -> list[bytes]:
    """Return what each process has counted."""
    return [path.read_bytes() for path in folder.glob("counter_*.db")]


def folder_of(server: Running) -> Path:
    """Return where its processes keep their counts."""
    [child, *_] = server.children()
    return Path(psutil.Process(child).environ().get(metrics_folder.VARIABLE) or _made(server))


def _made(server: Running) -> Path:
    # The master names it to itself, which the kernel does not see: it shows what was at the start.
    [folder] = {
        Path(file.path).parent
        for child in server.children()
        for file in psutil.Process(child).memory_maps(grouped=False)
        if file.path.endswith(".db")
    }
    return folder


def test_each_process_tells_the_counts_of_all(server: Running) -> None:
    """Whichever of them is scraped, and whoever has answered."""
    folder, n = folder_of(server), 0
    while sum(b"(none)" in counted for counted in counters(folder)) < 2:
        assert server.get("/nowhere").status == 404
        n += 1
    wait_until(lambda: asked(scrape(server)) == n, 20)
    told = [scrape(server) for _ in range(20)]
    assert {asked(one) for one in told} == {n}
    assert {one.value("taskkit_ledger_up") for one in told} == {1}
    assert {one.value("taskkit_jobs", state="queued") for one in told} == {0}


def test_what_a_dead_process_counted_stays_and_what_it_held_goes(server: Running) -> None:
    """Sums never fall, and a socket that died with its process is not open any more."""
    for _ in range(30):
        server.get("/nowhere")
    clients = [socketio.Client(reconnection=False) for _ in range(4)]
    for client in clients:
        logs = {"jobs": {"epoch": "", "after": 0}}
        auth = {"token": TOKEN, "logs": logs}
        client.connect(server.url, auth=auth, transports=["websocket"])
    wait_until(lambda: asked(scrape(server)) == 30, 20)
    wait_until(lambda: scrape(server).value("taskkit_sockets") == 4, 20)
    wait_until(lambda: heads(scrape(server)) >= 4, 20)
    folder, before = folder_of(server), set(server.children())
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(set(server.children()) - before) == 3, 30)

    def gauges() -> set[int]:
        return {int(path.stem.rpartition("_")[2]) for path in folder.glob("gauge_live*.db")}

    wait_until(lambda: not gauges() & before, 20)
    told = scrape(server)
    assert (asked(told), told.value("taskkit_sockets")) == (30, 0)
    assert heads(told) >= 4
    server.get("/nowhere")
    wait_until(lambda: asked(scrape(server)) == 31, 20)
    for client in clients:
        client.disconnect()


def test_its_folder_goes_with_the_server(redis_url: str, tmp_path: Path) -> None:
    """Nothing is left in the machine's temporary folder."""
    with running_server(redis_url, tmp_path / "log", TMPDIR=str(tmp_path)) as server:
        assert server.get("/nowhere").status == 404
        assert list(tmp_path.glob("taskkit-metrics-*/*.db"))
    assert list(tmp_path.glob("taskkit-metrics-*")) == []


def test_a_folder_that_is_given_is_rid_of_the_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What processes of an earlier start have left would else count as another's some day."""
    monkeypatch.setenv(metrics_folder.VARIABLE, str(tmp_path / "given"))
    folder = tmp_path / "given"
    folder.mkdir()
    dead = 2**22 + 1  # larger than any that Linux gives
    for name in (f"counter_{dead}.db", f"gauge_livesum_{dead}.db", "counter_no.db", "mine.txt"):
        (folder / name).touch()
    (folder / f"counter_{os.getpid()}.db").touch()
    assert metrics_folder.prepare() == folder
    assert {path.name for path in folder.iterdir()} == {f"counter_{os.getpid()}.db", "mine.txt"}


def test_no_counts_of_the_parent_are_written_to(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The master itself counts nothing: it does not even import what does."""
    with running_server(redis_url, tmp_path / "log", TMPDIR=str(tmp_path)) as server:
        server.get("/nowhere")
        assert not [p for p in tmp_path.rglob("*.db") if p.stem.endswith(f"_{server.process.pid}")]
