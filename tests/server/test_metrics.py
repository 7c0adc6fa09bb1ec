"""What operators are told by `/metrics`, and that it names nobody."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis
from flask import Flask
from scraping import OPENMETRICS, Scrape
from serving import TOKEN, Http, RecordingDispatch, problem

from taskkit.ledger import Standing
from taskkit.ledger.redis import RedisLedger
from taskkit.ledger.redis_figures import RedisFigures
from taskkit.protocol.workers import WorkerInfo
from taskkit_server.app import create_app
from taskkit_server.metrics.blob_sizes import SIZE, size_of
from taskkit_server.metrics.counts import Metrics
from taskkit_server.metrics.ledger import LedgerCollector
from taskkit_server.settings import Settings
from taskkit_server.upkeep.counting import FIRST_SIZE_EVERY_S, Counting
from taskkit_server.upkeep.sweeper import Sweeper


class SteppedClock:
    """Time that moves only when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class CountedFigures(RedisFigures):
    """Says how often it was asked."""

    asked = 0

    def standing(self) -> Standing:
        self.asked += 1
        return super().standing()


@pytest.fixture
def prefix() -> str:
    """What the keys of this test alone begin with."""
    return f"tk-{secrets.token_hex(4)}:"


@pytest.fixture
def kept(redis_url: str, prefix: str) -> RedisLedger:
    """A real ledger that one worker has joined."""
    ledger = RedisLedger(redis_url, prefix=prefix)
    ledger.join(
        WorkerInfo(name="lab-7-1f", host="lab", pid=7, processes=2, python="3.11", tasks=())
    )
    return ledger


@pytest.fixture
def figures(redis_url: str, prefix: str) -> CountedFigures:
    """What counts it."""
    return CountedFigures(redis_url, prefix=prefix)


@pytest.fixture
def clock() -> SteppedClock:
    """The time that answers are kept by."""
    return SteppedClock()


@pytest.fixture
def counting(figures: CountedFigures, tmp_path: Any) -> Counting:
    """What has things counted, when it is told to."""
    return Counting(figures, str(tmp_path))


@pytest.fixture
def metrics(figures: CountedFigures, clock: SteppedClock, tmp_path: Any) -> Metrics:
    """What is counted of the process, and told of the ledger."""
    return Metrics(LedgerCollector(figures, str(tmp_path), clock=clock))


@pytest.fixture
def app(
    kept: RedisLedger,
    dispatch: RecordingDispatch,
    metrics: Metrics,
    tmp_path: Any,
) -> Flask:
    """The whole application on a real ledger."""
    settings = Settings(redis_url="redis://nowhere", token=TOKEN, blobs=str(tmp_path))
    return create_app(settings, kept, dispatch, metrics=metrics)  # type: ignore[arg-type]


def scrape(http: Http, accept: str = "") -> Scrape:
    """Ask once."""
    answer = http.get("/metrics", headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    return Scrape(answer.text, answer.content_type)


SHIPPED = {"task": "f", "function": "0" * 64, "payload": "gAVOLg==", "python": "3.11"}


def test_both_formats_tell_the_same(http: Http) -> None:
    """The one that is asked for, and the old one where none is; both as their parsers want them."""
    http.get("/jobs")
    plain, other = http.get("/metrics"), http.get("/metrics", headers={"Accept": OPENMETRICS})
    assert plain.content_type.startswith("text/plain; version=0.0.4")
    assert other.content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert other.text.endswith("# EOF\n")
    first, second = (Scrape(one.text, one.content_type) for one in (plain, other))
    assert first.names >= {"taskkit_jobs", "taskkit_http_requests_total"}
    assert first.names == second.names


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "text/html",
        "application/openmetrics-text; version=no",
        "application/openmetrics-text;;;,=",
        "text/plain;version=x;escaping=y",
        "é",
        "," * 1000,
    ],
)
def test_whatever_is_accepted_is_answered(http: Http, accept: str) -> None:
    """A scrape never fails for what it says of itself."""
    answer = http.get("/metrics", headers={"Accept": accept})
    assert answer.status_code == 200
    assert "taskkit_ledger_up 1.0" in answer.text


def test_names_follow_the_conventions_of_prometheus(http: Http) -> None:
    """A prefix, base units, `_total` for what only grows; each with a sentence of help."""
    http.get("/nowhere")
    for family in scrape(http, OPENMETRICS).families:
        assert family.name.startswith("taskkit_")
        assert family.documentation.endswith(".")
        assert not family.name.endswith(("_ms", "_milliseconds", "_kb", "_total", "_count"))
        if not family.samples:
            continue  # nothing has happened yet
        totals = {sample.name for sample in family.samples if sample.name.endswith("_total")}
        assert bool(totals) == (family.type == "counter"), family.name


def test_it_is_for_whom_it_is_given_to(app: Flask, http: Http) -> None:
    """A token with the scope `metrics` reads it and nothing else; other tokens do not."""
    made = http.post("/tokens", {"user": "prometheus", "scopes": ["metrics"]}).json
    prometheus = Http(app, made["token"])
    assert prometheus.get("/metrics").status_code == 200
    problem(prometheus.get("/jobs"), 403, "forbidden")
    user = Http(app, http.post("/tokens", {"user": "ana"}).json["token"])
    assert problem(user.get("/metrics"), 403, "forbidden")["scope"] == "metrics"
    problem(Http(app, None).get("/metrics"), 401, "unauthorized")
    problem(Http(app, "wrong").get("/metrics"), 401, "unauthorized")


def test_requests_are_counted_by_route_method_and_status(http: Http) -> None:
    """Those that were refused, lead nowhere or are wrong as well, with their sizes."""
    http.get("/jobs")
    http.get("/jobs?limit=3")
    http.get("/jobs/" + "f" * 32)
    http.get("/no/such/route")
    http.get("/jobs", headers={"Host": "evil.example"})
    http.ask("BREW", "/jobs")
    http.post("/jobs", {"task": 7})
    told = scrape(http)

    def count(route: str, method: str, status: str) -> float | None:
        name = "taskkit_http_requests_total"
        return told.value(name, route=route, method=method, status=status)

    assert count("/jobs", "GET", "200") == 2
    assert count("/jobs/<id>", "GET", "404") == 1
    assert count("(none)", "GET", "404") == 1
    assert count("(refused)", "GET", "403") == 1
    assert count("/jobs", "POST", "422") == 1
    assert told.sum("taskkit_http_requests_total", method="OTHER") == 1
    assert told.value("taskkit_problems_total", code="job_not_found") == 1
    assert told.value("taskkit_problems_total", code="forbidden") == 1
    assert told.value("taskkit_problems_total", code="invalid_request") == 1
    name = "taskkit_http_request_duration_seconds"
    assert told.value(f"{name}_count", route="/jobs", method="GET") == 2
    assert told.value("taskkit_http_request_bytes_total", route="/jobs") == len('{"task": 7}')
    assert (told.value("taskkit_http_response_bytes_total", route="/jobs") or 0) > 2 * 12
    # The scrape itself is being answered while it is told.
    assert told.value("taskkit_http_requests_in_progress") == 1


def test_a_file_that_is_sent_is_counted_with_its_size(http: Http) -> None:
    """Also where the WSGI server takes it over."""
    from taskkit.blobs import digest_of

    body = b"x" * 300_000
    path = f"/blobs/{digest_of(body)}"
    assert http.ask("PUT", path, data=body).status_code == 201
    assert http.get(path).data == body
    told = scrape(http)
    route = "/blobs/<blob:digest>"
    assert told.value("taskkit_http_request_bytes_total", route=route) == len(body)
    assert told.value("taskkit_http_response_bytes_total", route=route) == len(body)
    assert told.value("taskkit_http_requests_in_progress") == 1


def test_labels_have_few_values_and_name_nobody(app: Flask, http: Http) -> None:
    """Whatever is asked by whomever: no user, job, token, path or header becomes a label."""
    users = [f"user-{n}" for n in range(5)]
    tokens = [http.post("/tokens", {"user": name}).json["token"] for name in users]
    before = scrape(http, OPENMETRICS)
    sizes = []
    for _ in range(2):
        for token in tokens:
            one = Http(app, token)
            odd = secrets.token_hex(16)
            one.post("/jobs", {**SHIPPED, "task": odd})
            for path in (f"/jobs/{odd}", f"/{odd}", f"/blobs/{odd}", f"/jobs?name={odd}"):
                for method in ("GET", "HEAD", odd.upper()[:9]):
                    one.ask(method, path, headers={"X-Request-ID": odd, "User-Agent": odd})
                one.get(path, headers={"Host": odd, "Origin": f"http://{odd}"})
        sizes.append(len(scrape(http).values))
    after = scrape(http)
    assert sizes[0] == sizes[1]
    assert set(after.labels()) <= {
        *("route", "method", "status", "code", "le", "state", "cause", "type", "outcome"),
        *("version", "python"),
    }
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    assert after.labels()["route"] <= rules | {"(none)", "(refused)", "/socket.io"}
    text = str(after.values) + str(before.values)
    assert not any(secret in text for secret in (*users, *tokens, TOKEN))


def test_the_ledger_is_told_as_it_is_now(http: Http, kept: RedisLedger, counting: Counting) -> None:
    """Whose logs are counted is learned from those who submit."""
    from taskkit.ledger import JobRef
    from taskkit.protocol.spec import JobSpec

    kept.submit("local", [("a", JobSpec(task="demo")), ("b", JobSpec(task="demo"))])
    kept.cancel(JobRef("local", kept.jobs("local")[0].id))
    http.post("/jobs", {"task": "no-such-task"})
    counting.count()
    told = scrape(http)
    assert told.value("taskkit_jobs", state="queued") == 1
    assert told.value("taskkit_jobs", state="running") == 0
    assert told.value("taskkit_jobs_submitted_total") == 2
    assert told.value("taskkit_jobs_finished_total", state="cancelled") == 1
    assert told.value("taskkit_workers") == 1
    assert told.value("taskkit_worker_processes") == 2
    assert told.value("taskkit_attempts_lost_total", cause="out_of_memory") == 0
    assert told.value("taskkit_job_wait_seconds_count") == 0
    assert told.value("taskkit_job_run_seconds_bucket", state="failed", le="+Inf") == 0
    assert (told.value("taskkit_redis_memory_used_bytes") or 0) > 0
    assert told.value("taskkit_redis_persisting") == 1


def test_the_ledger_is_asked_once_a_second_at_most(
    http: Http, figures: CountedFigures, clock: SteppedClock
) -> None:
    """However many scrape, and from threads at once."""
    threads = [threading.Thread(target=scrape, args=(http,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert figures.asked == 1
    clock.now = 0.9
    scrape(http)
    assert figures.asked == 1
    clock.now = 1.0
    scrape(http)
    assert figures.asked == 2


def test_a_ledger_that_is_away_is_told_and_nothing_old(
    kept: RedisLedger, dispatch: RecordingDispatch
) -> None:
    """Alerts then see that values are missing, not that all is as it was."""
    away = Metrics(LedgerCollector(RedisFigures("redis://127.0.0.1:1")))
    settings = Settings(redis_url="redis://nowhere", token=TOKEN)
    http = Http(create_app(settings, kept, dispatch, metrics=away))  # type: ignore[arg-type]
    told = scrape(http)
    assert told.value("taskkit_ledger_up") == 0
    assert "taskkit_jobs" not in told.names
    assert "taskkit_http_requests_in_progress" in told.names


def test_what_blobs_take_is_added_up_by_one_of_the_servers(
    http: Http, counting: Counting, figures: CountedFigures, tmp_path: Any
) -> None:
    """And told by all."""
    (tmp_path / "ada" / "ab").mkdir(parents=True)
    (tmp_path / "ada" / "ab" / "abcd").write_bytes(b"x" * 1000)
    (tmp_path / "ada" / "part").write_bytes(b"x" * 10)
    assert size_of(tmp_path) == 1010
    counting.count()
    (tmp_path / "ada" / "more").write_bytes(b"x")
    Counting(figures, str(tmp_path)).count()
    told = scrape(http)
    assert told.value("taskkit_blobs_bytes") == 1010
    free, size = (told.value(f"taskkit_blobs_disk_{name}_bytes") for name in ("free", "size"))
    assert 0 < (free or 0) <= (size or 0)


def test_a_server_that_dies_as_it_adds_up_holds_nobody_up_for_long(
    figures: CountedFigures, counting: Counting, redis_url: str, prefix: str, http: Http
) -> None:
    """As long as nobody has added up, a turn is short; any server then tells what another found."""
    client: Any = redis.Redis.from_url(redis_url)
    assert figures.is_turn(SIZE, FIRST_SIZE_EVERY_S)  # and it dies
    counting.count()
    assert figures.kept(SIZE) is None
    turn = f"{prefix}figures:turn:{SIZE}"
    assert 0 < client.pttl(turn) <= 1000 * FIRST_SIZE_EVERY_S
    client.delete(turn)
    counting.count()
    assert figures.kept(SIZE) == 0
    assert scrape(http).value("taskkit_blobs_bytes") == 0
    client.delete(turn)
    counting.count()
    assert client.pttl(turn) > 1000 * FIRST_SIZE_EVERY_S


def test_sweeps_are_counted(kept: RedisLedger, dispatch: Any, metrics: Metrics, http: Http) -> None:
    """And how many jobs were woken again by them."""
    from taskkit.protocol.spec import JobSpec

    kept.submit("local", [("a", JobSpec(task="demo"))])
    sweeper = Sweeper(kept, dispatch, 1.0, metrics=metrics)
    sweeper.sweep()
    told = scrape(http)
    assert told.value("taskkit_sweeps_total", outcome="done") == 1
    assert told.value("taskkit_sweeps_total", outcome="failed") == 0


def test_a_scrape_costs_no_more_with_many_jobs(
    http: Http, kept: RedisLedger, redis_url: str, clock: SteppedClock, counting: Counting
) -> None:
    """Redis runs as many commands for it whether there is one job or there are two thousand."""
    from taskkit.protocol.spec import JobSpec

    client: Any = redis.Redis.from_url(redis_url)
    client.ping()

    def commands() -> int:
        stats = client.info("commandstats")
        return sum(one["calls"] for name, one in stats.items() if name != "cmdstat_info")

    def cost() -> int:
        clock.now += 10
        before = commands()
        scrape(http)
        return commands() - before

    kept.submit("local", [("a", JobSpec(task="demo"))])
    counting.count()
    cost()
    few = cost()
    kept.submit("local", [(str(n), JobSpec(task="demo")) for n in range(2000)])
    counting.count()
    assert cost() <= few + 3


def test_a_scrape_that_is_given_up_is_over(app: Flask, metrics: Metrics) -> None:
    """A client that hangs up in the midst of an answer leaves nothing in progress."""
    environ: Callable[..., Any] = app.test_request_context
    with environ("/", headers={"Host": "localhost"}) as context:
        body = app.wsgi_app(context.request.environ, lambda *_: None)
    body.close()  # type: ignore[attr-defined]
    assert "taskkit_http_requests_in_progress 0.0" in metrics.told("")[0].decode()
