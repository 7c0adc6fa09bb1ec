"""Alerts fire when they should and are quiet else, as Prometheus itself reckons.

With its `promtool` on PATH, which Debian's package `prometheus` has; skipped without it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import urllib3
import yaml
from running import running_server
from waiting import wait_until

from taskkit.stack.identity import free_port

DEPLOY = Path(__file__).parents[2] / "deploy" / "prometheus"

promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool on PATH")

ALERTS = [
    rule["alert"]
    for rule in yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"][0]["rules"]
]

A, B = 'instance="a:5000"', 'instance="b:5000"'

CASES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    # Series that make it fire after an hour, and such that do not; one value a minute.
    "TaskkitDown": ({'up{job="taskkit"}': "0x60"}, {'up{job="taskkit"}': "1x60"}),
    "TaskkitLedgerAway": (
        {f"taskkit_ledger_up{{{A}}}": "0x60", f"taskkit_ledger_up{{{B}}}": "0x60"},
        {f"taskkit_ledger_up{{{A}}}": "0x60", f"taskkit_ledger_up{{{B}}}": "1x60"},
    ),
    "TaskkitNoWorker": (
        {f"taskkit_workers{{{A}}}": "0x60", f"taskkit_workers{{{B}}}": "0x60"},
        {f"taskkit_workers{{{A}}}": "1x60", f"taskkit_workers{{{B}}}": "1x60"},
    ),
    "TaskkitQueueOld": (
        {"taskkit_jobs_oldest_queued_seconds": "0+60x60"},
        {"taskkit_jobs_oldest_queued_seconds": "1800x60"},
    ),
    "TaskkitAttemptsLost": (
        {
            'taskkit_attempts_lost_total{cause="signal"}': "0+1x60",
            'taskkit_attempts_lost_total{cause="exit"}': "5x60",
        },
        # Two servers tell the same four deaths of a quarter of an hour: they are not eight.
        {
            f'taskkit_attempts_lost_total{{cause="signal",{A}}}': "0x55 4x5",
            f'taskkit_attempts_lost_total{{cause="signal",{B}}}': "0x55 4x5",
        },
    ),
    "TaskkitOutOfMemory": (
        {'taskkit_attempts_lost_total{cause="out_of_memory"}': "0x55 1x5"},
        {
            'taskkit_attempts_lost_total{cause="out_of_memory"}': "7x60",
            'taskkit_attempts_lost_total{cause="signal"}': "0+1x60",
        },
    ),
    "TaskkitRedisNotPersisting": (
        {f"taskkit_redis_persisting{{{A}}}": "1x50 0x10"},
        {f"taskkit_redis_persisting{{{A}}}": "0x50 1x10"},
    ),
    "TaskkitRedisWithoutFile": (
        {"taskkit_redis_aof_enabled": "0x60"},
        {"taskkit_redis_aof_enabled": "1x60"},
    ),
    "TaskkitRedisFull": (
        {"taskkit_redis_memory_used_bytes": "95x60", "taskkit_redis_memory_max_bytes": "100x60"},
        {"taskkit_redis_memory_used_bytes": "95x60", "taskkit_redis_memory_max_bytes": "0x60"},
    ),
    "TaskkitErrors": (
        {
            f'taskkit_http_requests_total{{status="200",{A}}}': "0+90x60",
            f'taskkit_http_requests_total{{status="503",{B}}}': "0+10x60",
        },
        {
            'taskkit_http_requests_total{status="200"}': "0+90x60",
            'taskkit_http_requests_total{status="404"}': "0+90x60",
            'taskkit_http_requests_total{status="500"}': "0+1x60",
        },
    ),
    "TaskkitDiskFull": (
        {"taskkit_blobs_disk_free_bytes": "9x60", "taskkit_blobs_disk_size_bytes": "100x60"},
        {"taskkit_blobs_disk_free_bytes": "11x60", "taskkit_blobs_disk_size_bytes": "100x60"},
    ),
    "TaskkitSocketsRefused": (
        {'taskkit_sockets_refused_total{code="too_many"}': "0x55 1x5"},
        {
            'taskkit_sockets_refused_total{code="too_many"}': "0x60",
            'taskkit_sockets_refused_total{code="unauthorized"}': "0+1x60",
        },
    ),
    "TaskkitNotSwept": (
        {
            'taskkit_sweeps_total{outcome="done"}': "7x60",
            'taskkit_sweeps_total{outcome="failed"}': "0+30x60",
        },
        {
            f'taskkit_sweeps_total{{outcome="done",{A}}}': "7x60",
            f'taskkit_sweeps_total{{outcome="done",{B}}}': "0+30x60",
        },
    ),
    "TaskkitEventsMissed": (
        {"taskkit_events_missed_total": "0x50 100x10"},
        {"taskkit_events_missed_total": "100x60"},
    ),
}


def run(*words: object, given: str | None = None) -> str:
    """Run promtool; return what it said, fail where it found something."""
    ran = subprocess.run(
        ["promtool", *map(str, words)], input=given, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def test_each_alert_has_its_cases() -> None:
    """Whoever adds one says when it fires."""
    assert list(CASES) == ALERTS


@promtool
@pytest.mark.parametrize("alert", ALERTS)
@pytest.mark.parametrize("fires", [True, False], ids=["fires", "quiet"])
def test_an_alert_fires_when_it_should(alert: str, fires: bool, tmp_path: Path) -> None:
    """And when nothing is told at all, it is another that does."""
    series = CASES[alert][0 if fires else 1]
    case = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
                "eval_time": "60m",
                "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
            }
        ],
    }
    path = tmp_path / "case.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(DEPLOY / "alerts.yml")], "tests": [case]}))
    run("test", "rules", path)


@promtool
def test_prometheus_takes_its_configuration(tmp_path: Path) -> None:
    """And the alerts that it names."""
    assert f"{len(ALERTS)} rules found" in run("check", "rules", DEPLOY / "alerts.yml")
    run("check", "config", "--syntax-only", DEPLOY / "prometheus.yml")


@promtool
@pytest.mark.stack
def test_prometheus_has_nothing_against_the_names(
    tmp_path: Path, start_redis: Callable[..., str]
) -> None:
    """Nor against their units and their help."""
    with running_server(start_redis("appendonly yes"), tmp_path / "server.log") as server:
        server.get("/nowhere")
        assert run("check", "metrics", given=server.get("/metrics").data.decode()) == ""


@pytest.fixture
def prometheus(tmp_path: Path, start_redis: Callable[..., str]) -> Iterator[str]:
    """A real Prometheus that scrapes a real server with a token made for it."""
    if shutil.which("prometheus") is None:
        pytest.skip("no prometheus on PATH")
    with running_server(start_redis('save ""'), tmp_path / "server.log") as server:
        body = json.dumps({"user": "prometheus", "scopes": ["metrics"]}).encode()
        made = json.loads(server.ask("POST", "/tokens", body).data)
        (tmp_path / "token").write_text(made["token"] + "\n")
        text = (DEPLOY / "prometheus.yml").read_text().replace("15s", "1s")
        text = text.replace("/etc/prometheus/taskkit.token", str(tmp_path / "token"))
        (tmp_path / "prometheus.yml").write_text(
            text.replace("127.0.0.1:5000", server.url.removeprefix("http://"))
        )
        shutil.copy(DEPLOY / "alerts.yml", tmp_path)
        port = free_port()
        log = (tmp_path / "prometheus.log").open("wb")
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={tmp_path / 'prometheus.yml'}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
            env={**os.environ},
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=30)
            log.close()


@pytest.mark.stack
def test_a_real_prometheus_scrapes_with_its_token(prometheus: str) -> None:
    """And sees, by its own alerts, that no worker is there."""

    def ask(query: str) -> list[object]:
        try:
            answer = urllib3.request(
                "GET", f"{prometheus}/api/v1/query", fields={"query": query}, retries=False
            )
        except urllib3.exceptions.HTTPError:
            return []
        return list(answer.json()["data"]["result"]) if answer.status == 200 else []

    wait_until(lambda: bool(ask('up{job="taskkit"} == 1')), 60)
    wait_until(lambda: bool(ask("taskkit_workers == 0")), 30)
    wait_until(lambda: bool(ask('ALERTS{alertname="TaskkitNoWorker"}')), 30)
    wait_until(lambda: bool(ask('rate(taskkit_http_requests_total{route="/metrics"}[1m]) > 0')), 30)
