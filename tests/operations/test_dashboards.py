"""Alerts and dashboard ask for what a running server tells, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import socketio
import yaml
from redis_process import running_redis
from running import TOKEN, Running, running_server, running_worker
from scraping import OPENMETRICS, Scrape
from waiting import wait_until

ROOT = Path(__file__).parents[2]
ALERTS = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
PROMETHEUS = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
DASHBOARD = json.loads((ROOT / "deploy/grafana/taskkit.json").read_text())
DOCS = (ROOT / "docs/operations.md").read_text()

RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = {
    **{rule["alert"]: rule["expr"] for rule in RULES},
    **{
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in PANELS
        for target in panel["targets"]
    },
}
PROMETHEUS_OWN = {"up"}
"""What Prometheus itself knows of each that it scrapes."""

ADDED = {"job", "instance"}
"""Labels that it gives to each."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scrape]:
    """What a server tells that has had a little to do; its worker, too."""
    folder = tmp_path_factory.mktemp("told")
    with (
        running_redis(tmp_path_factory.mktemp("redis"), "appendonly yes") as url,
        running_server(
            url, folder / "server.log", "--processes", "2", TASKKIT_BLOBS=str(folder)
        ) as server,
        running_worker(url, folder / "worker.log", "--concurrency", "1"),
    ):
        server.get("/nowhere")
        with pytest.raises(socketio.exceptions.ConnectionError):
            socketio.Client(reconnection=False).connect(server.url, transports=["websocket"])
        scrapes: list[Scrape] = []

        def is_whole() -> bool:
            """Of two processes that may answer, one may not have added up the blobs yet."""
            scrapes.append(scrape(server))
            is_added_up = scrapes[-1].value("taskkit_blobs_bytes") is not None
            return is_added_up and scrapes[-1].value("taskkit_workers") == 1

        wait_until(is_whole, 30)
        yield scrapes[-1]


def scrape(server: Running) -> Scrape:
    """Ask as Prometheus does."""
    answer = server.get("/metrics", Accept=OPENMETRICS, Authorization=f"Bearer {TOKEN}")
    return Scrape(answer.data.decode(), answer.headers["Content-Type"])


def parsed(query: str) -> Any:
    """Return a query's tree, after what Grafana puts into it."""
    return promql.parse(query.replace("$__rate_interval", "5m"))


def nodes(query: str) -> list[Any]:
    """Return all parts of a query."""
    found: list[Any] = []
    promql.walk(parsed(query), found.append)
    return found


def selectors(query: str) -> list[Any]:
    """Return the series that a query asks for."""
    return [node for node in nodes(query) if isinstance(node, promql.VectorSelector)]


@pytest.mark.stack
@pytest.mark.parametrize("name", QUERIES)
def test_a_query_asks_for_what_is_told(name: str, told: Scrape) -> None:
    """Each metric by its name, labels that it has, and values that these have."""
    labels: dict[str, set[str]] = {}
    values: dict[tuple[str, str], set[str]] = {}
    for found, given in told.values:
        labels.setdefault(found, set(ADDED)).update(label for label, _ in given)
        for label, value in given:
            values.setdefault((found, label), set()).add(value)
    asked = [one for one in selectors(QUERIES[name]) if one.name not in PROMETHEUS_OWN]
    assert asked or QUERIES[name].startswith("up{")
    for one in asked:
        assert one.name in told.names, one.name
        for matcher in one.matchers.matchers:
            assert matcher.name in labels[one.name]
            if matcher.name not in ADDED and matcher.op == promql.MatchOp.Equal:
                assert matcher.value in values[one.name, matcher.name]
    known = set().union(*(labels[one.name] for one in asked)) if asked else set()
    for node in nodes(QUERIES[name]):
        if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
            assert set(node.modifier.labels) <= known


def family(name: str) -> str:
    """Return the metric that a series belongs to."""
    return re.sub(r"_(bucket|sum|count|total)$", "", name)


@pytest.mark.stack
def test_all_that_is_told_is_shown_or_said_to_be_left_out(told: Scrape) -> None:
    """Whoever adds a metric finds a place for it."""
    shown = {family(one.name) for query in QUERIES.values() for one in selectors(query)}
    left_out = {"taskkit_build_info"}  # it fills the dashboard's list of jobs
    assert {family(name) for name in told.names} - shown == left_out


@pytest.mark.stack
def test_all_that_is_told_is_in_the_docs(told: Scrape) -> None:
    """By its name, or the end of one whose beginning stands before it."""
    for name in {one.name for one in told.families}:
        parts = name.split("_")
        ends = {"…_" + "_".join(parts[at:]) for at in range(1, len(parts))}
        written = {re.sub(r"_total$", "", word) for word in re.findall(r"`([a-z_…]+)[`{]", DOCS)}
        assert written & {name, *ends}, name


@pytest.mark.parametrize("name", QUERIES)
def test_counters_are_asked_by_how_they_grow_and_nothing_else_is(name: str) -> None:
    """A rate of what falls again, or the bare sum since some start, says nothing."""
    query = QUERIES[name]
    rated = [
        node.args[0].vector_selector.name
        for node in nodes(query)
        if isinstance(node, promql.Call) and node.func.name in ("rate", "increase")
    ]
    grows = [one.name for one in selectors(query) if one.name.endswith(("_total", "_bucket"))]
    assert sorted(rated) == sorted(grows)


@pytest.mark.parametrize("name", QUERIES)
def test_what_all_servers_tell_alike_is_not_added_up(name: str) -> None:
    """Each of several servers tells the same of their ledger; each its own of itself."""
    own = ("taskkit_http_", "taskkit_sockets", "taskkit_packets_", "taskkit_events_sent")
    own += ("taskkit_problems", "taskkit_sweeps", "taskkit_wakeups_repeated")
    whole = parsed(QUERIES[name])
    for node in nodes(QUERIES[name]):
        if not isinstance(node, promql.AggregateExpr):
            continue
        inside = [one.name for one in selectors(str(node.expr)) if one.name != "up"]
        are_own = {one.startswith(own) for one in inside}
        assert len(are_own) == 1, str(whole)
        is_outermost_sum = str(node.expr).startswith("max by")
        assert (str(node.op) == "sum") == are_own.pop() or is_outermost_sum, str(node)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_each_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    """In a line of the docs; with how bad it is."""
    assert rule["labels"]["severity"] in ("info", "warning", "critical")
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["annotations"]["runbook"] == f"docs/operations.md, {rule['alert']}"
    [line] = [line for line in DOCS.splitlines() if line.startswith(f"| `{rule['alert']}` |")]
    assert len(line) > 80
    assert isinstance(
        parsed(rule["expr"]), promql.BinaryExpr
    )  # it compares, so that it can be quiet


def test_no_alert_is_in_the_docs_alone() -> None:
    """Those that went are gone from there as well."""
    assert set(re.findall(r"^\| `(Taskkit\w+)` \|", DOCS, re.MULTILINE)) == {
        rule["alert"] for rule in RULES
    }


def test_prometheus_is_told_where_all_this_is() -> None:
    """Its configuration loads the alerts, and scrapes with a token from a file."""
    assert PROMETHEUS["rule_files"] == ["alerts.yml"]
    [job] = PROMETHEUS["scrape_configs"]
    assert set(job) == {"job_name", "authorization", "static_configs"}
    assert set(job["authorization"]) == {"credentials_file"}
    assert f'job="{job["job_name"]}"' in QUERIES["TaskkitDown"]


def test_the_dashboard_is_one_that_grafana_can_show() -> None:
    """Panels with ids of their own that do not overlap, on the data source that is chosen."""
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    cells: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        mine = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not mine & cells
        cells |= mine
    for panel in PANELS:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert [one["name"] for one in DASHBOARD["templating"]["list"]] == ["datasource", "job"]
