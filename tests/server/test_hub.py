"""Asking the Hub whose a token is: how often, how long, and what else it may say."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from serving import TOKEN, FadingLedger, Http, RecordingDispatch, problem
from waiting import wait_until

from taskkit.protocol.errors import Forbidden, Misconfigured, Unavailable
from taskkit.protocol.tokens import Scope
from taskkit_server import app as app_module
from taskkit_server.__main__ import main
from taskkit_server.access import hub as hub_module
from taskkit_server.access.hub import AGAIN_S, AWAY_S, MOST_CALLS, TRUSTED_S, Hub
from taskkit_server.access.hub_settings import HubSettings, read_hub
from taskkit_server.app import create_app
from taskkit_server.settings import Settings

ENVIRONMENT = {
    "JUPYTERHUB_API_TOKEN": "of-the-service",
    "JUPYTERHUB_API_URL": "http://127.0.0.1:8081/hub/api",
    "JUPYTERHUB_SERVICE_NAME": "taskkit",
    "JUPYTERHUB_SERVICE_PREFIX": "/services/taskkit/",
    "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:5000",
}
ENTER = "access:services!service=taskkit"


def model(name: str = "ana", *scopes: str, kind: str = "user") -> dict[str, Any]:
    """Return what the Hub says of a token."""
    return {"name": name, "kind": kind, "scopes": list(scopes or (ENTER,)), "admin": True}


class FakeHub:
    """Knows some tokens, and may be away, or silent."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}
        self.asked: list[str] = []
        self.is_away = False
        self.gate: asyncio.Event | None = None
        #: Until it is set, nothing is answered.

    async def __call__(self, token: str) -> Any:
        self.asked.append(token)
        if self.gate is not None:
            await self.gate.wait()
        if self.is_away:
            raise ConnectionRefusedError("nothing listens there")
        return self.known.get(token)


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def there() -> FakeHub:
    """A Hub that knows ana's token."""
    hub = FakeHub()
    hub.known["of-ana"] = model()
    return hub


@pytest.fixture
def clock() -> Clock:
    """The time."""
    return Clock()


@pytest.fixture
def hub(there: FakeHub, clock: Clock) -> Iterator[Hub]:
    """What asks it."""
    asks = Hub(read_hub(ENVIRONMENT), there, clock)
    yield asks
    if asks._loop is not None:
        asks._loop.call_soon_threadsafe(asks._loop.stop)


def test_a_token_is_a_user_with_the_usual_scopes(hub: Hub, there: FakeHub) -> None:
    """And one that the Hub does not know is nobody's."""
    user = hub.user("of-ana")
    assert user is not None
    assert (user.name, user.scopes) == ("ana", {Scope.SUBMIT, Scope.READ, Scope.CANCEL})
    assert hub.user("of-nobody") is None


def test_the_hub_s_word_holds_for_a_second(hub: Hub, there: FakeHub, clock: Clock) -> None:
    """A good one and a bad one; then it is asked again."""
    for token, knows in (("of-ana", True), ("wrong", False)):
        there.asked.clear()
        for _ in range(3):
            assert (hub.user(token) is not None) is knows
            clock.now += TRUSTED_S / 4
        assert there.asked == [token]
        clock.now += TRUSTED_S
        hub.user(token)
        assert there.asked == [token, token]


def test_a_revoked_token_opens_nothing_after_that(hub: Hub, there: FakeHub, clock: Clock) -> None:
    """Sockets that it opened are told apart from others, too."""
    there.known["of-bob"] = model("bob")
    assert hub.valid({"of-ana", "of-bob"}) == {"of-ana", "of-bob"}
    del there.known["of-ana"]
    clock.now += TRUSTED_S
    assert hub.valid({"of-ana", "of-bob"}) == {"of-bob"}
    assert hub.user("of-ana") is None


def test_one_that_lost_its_scope_opens_nothing(hub: Hub, there: FakeHub, clock: Clock) -> None:
    """As the Hub has it, without the token having been revoked."""
    assert hub.user("of-ana") is not None
    there.known["of-ana"] = model("ana", "access:services!service=other", "read:users")
    clock.now += TRUSTED_S
    with pytest.raises(Forbidden, match="access:services!service=taskkit"):
        hub.user("of-ana")
    assert hub.valid({"of-ana"}) == set()


def test_the_scope_for_all_services_is_enough(hub: Hub, there: FakeHub) -> None:
    """The Hub's scopes contain one another."""
    there.known["wide"] = model("ana", "access:services")
    assert hub.user("wide") is not None


@pytest.mark.parametrize(
    "name",
    ["local", "Ana", "a:b", "a b", "@workers", "../eve", "ana\n", "", "a/b", "é", "a{b}", "x" * 65],
)
def test_names_that_are_no_owners_are_refused(hub: Hub, there: FakeHub, name: str) -> None:
    """Those that would be another's, or that keys, folders and lists cannot hold."""
    there.known["odd"] = model(name)
    with pytest.raises(Forbidden, match="ask whoever runs the Hub"):
        hub.user("odd")


@pytest.mark.parametrize("name", ["ana", "ana.lee-2", "ana+lab@example.org", "0"])
def test_other_names_are_owners(hub: Hub, there: FakeHub, name: str) -> None:
    """As they are, mail addresses too."""
    there.known["fine"] = model(name)
    user = hub.user("fine")
    assert user is not None
    assert user.name == name


def test_a_service_s_token_is_no_user_s(hub: Hub, there: FakeHub) -> None:
    """Though it be called as a user is."""
    there.known["of-service"] = model("ana", kind="service")
    with pytest.raises(Forbidden, match="no user of JupyterHub"):
        hub.user("of-service")


@pytest.mark.parametrize("told", [{}, [], "ana", {"name": 7, "scopes": []}, {"name": "ana"}])
def test_what_is_no_answer_of_a_hub_is_none(hub: Hub, there: FakeHub, told: Any) -> None:
    """Something else listens at its address: try again, as while it is away."""
    there.known["of-ana"] = told
    with pytest.raises(Unavailable, match="does not answer"):
        hub.user("of-ana")


def test_while_it_is_away_what_it_said_lately_holds(hub: Hub, there: FakeHub, clock: Clock) -> None:
    """Of those it knew, for some minutes; of others nothing can be said."""
    assert hub.user("of-ana") is not None
    assert hub.user("wrong") is None
    there.is_away = True
    clock.now += AWAY_S - 10
    assert hub.user("of-ana") is not None
    for token in ("wrong", "new"):
        with pytest.raises(Unavailable) as caught:
            hub.user(token)
        assert caught.value.details["retry_after_s"] >= 1
    clock.now += 20
    with pytest.raises(Unavailable):
        hub.user("of-ana")
    assert hub.valid({"of-ana"}) == {"of-ana"}  # a socket is told nothing that it was not before
    there.is_away = False
    clock.now += AGAIN_S
    assert hub.user("of-ana") is not None


def test_an_absent_hub_is_asked_once_a_second(hub: Hub, there: FakeHub, clock: Clock) -> None:
    """By nobody in between, so that nobody waits for it."""
    there.is_away = True
    for _ in range(5):
        with pytest.raises(Unavailable):
            hub.user("of-ana")
    assert len(there.asked) == 1
    clock.now += AGAIN_S
    with pytest.raises(Unavailable):
        hub.user("of-ana")
    assert len(there.asked) == 2


def test_a_silent_hub_holds_up_no_thread(
    hub: Hub, there: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first who asks waits as long as is allowed, and those after not at all."""
    monkeypatch.setattr(hub_module, "LIMIT_S", 0.2)
    there.gate = asyncio.Event()
    with pytest.raises(Unavailable):
        hub.user("of-ana")
    wait_until(lambda: hub._is_away)
    assert hub._calls == {}


def test_those_who_ask_at_once_share_one_question(hub: Hub, there: FakeHub) -> None:
    """A notebook begins with a burst of requests."""
    there.gate = asyncio.Event()
    with ThreadPoolExecutor(8) as threads:
        asking = [threads.submit(hub.user, "of-ana") for _ in range(8)]
        wait_until(lambda: there.asked == ["of-ana"])
        assert hub._loop is not None
        hub._loop.call_soon_threadsafe(there.gate.set)
        users = [one.result(10) for one in asking]
    assert {user.name for user in users if user is not None} == {"ana"}
    assert there.asked == ["of-ana"]


def test_so_many_questions_and_no_more(hub: Hub, there: FakeHub, clock: Clock) -> None:
    """Guessing does not fill the server, nor does it keep what was revoked alive."""
    assert hub.user("of-ana") is not None
    clock.now += TRUSTED_S
    there.gate = asyncio.Event()
    threads = [
        threading.Thread(target=hub.user, args=(f"guess-{n}",), daemon=True)
        for n in range(MOST_CALLS)
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(hub._calls) == MOST_CALLS)
    with pytest.raises(Unavailable, match="as many tokens as can be"):
        hub.user("of-ana")
    assert hub._loop is not None
    hub._loop.call_soon_threadsafe(there.gate.set)
    for thread in threads:
        thread.join(10)
    assert hub.user("of-ana") is not None


@pytest.mark.parametrize(
    "token", ["", "two words", "é", "new\nline", "line\n", '"', "a,b", "x" * 513, "\ud800"]
)
def test_what_can_be_no_token_is_not_asked_for(hub: Hub, there: FakeHub, token: str) -> None:
    """It would be another header, or none."""
    assert hub.user(token) is None
    assert there.asked == []


@pytest.fixture
def http(
    there: FakeHub,
    ledger: FadingLedger,
    dispatch: RecordingDispatch,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """What asks a server of the Hub's with a token."""
    hub = read_hub(ENVIRONMENT, code_users=["ana", "zoe"])
    monkeypatch.setattr(app_module, "Hub", lambda settings: Hub(settings, there))
    settings = Settings(redis_url="redis://nowhere", token=TOKEN, hub=hub)
    app: Flask = create_app(settings, ledger, dispatch)  # type: ignore[arg-type]
    return lambda token: Http(app, token)


def test_taskkit_s_own_tokens_are_not_told_to_the_hub(http: Any, there: FakeHub) -> None:
    """The stack's own, a user's, one that was revoked."""
    made = http(TOKEN).post("/tokens", {"user": "bob"}).json
    assert http(made["token"]).get("/hello").json["owner"] == "bob"
    http(TOKEN).ask("DELETE", f"/tokens/{made['id']}")
    problem(http("tk_" + "x" * 43).get("/hello"), 401, "unauthorized")
    assert there.asked == []


def test_a_user_of_the_hub_is_an_owner(http: Any, there: FakeHub) -> None:
    """Beneath the prefix and without; admin of the Hub is not admin here."""
    ana = http("of-ana")
    hello = ana.get("/services/taskkit/hello").json
    assert (hello["owner"], hello["scopes"]) == ("ana", ["cancel", "code", "read", "submit"])
    made = ana.post("/services/taskkit/v1/jobs", {"task": "demo"})
    assert made.headers["Location"].startswith("/services/taskkit/v1/jobs/")
    assert [job["id"] for job in ana.get("/jobs").json["jobs"]] == [made.json["id"]]
    refused = problem(ana.post("/tokens", {"user": "bob"}), 403, "forbidden")
    assert "'ana' of JupyterHub" in refused["detail"]


def test_functions_are_for_those_who_are_named(http: Any, there: FakeHub) -> None:
    """What is refused says which option lets one in."""
    there.known["of-bob"] = model("bob")
    assert "code" not in http("of-bob").get("/hello").json["scopes"]
    shipped = {"task": "fit", "function": "0" * 64, "payload": "", "python": "3.11"}
    refused = problem(http("of-bob").post("/jobs", shipped), 403, "forbidden")
    assert "--code-user bob" in refused["detail"]
    problem(http("of-ana").post("/jobs", shipped), 404, "function_not_found")


def test_an_absent_hub_is_503(http: Any, there: FakeHub) -> None:
    """With the time after which to try again; the stack's own token works on."""
    there.is_away = True
    refused = http("of-ana").get("/jobs")
    problem(refused, 503, "unavailable")
    assert int(refused.headers["Retry-After"]) >= 1
    assert http(TOKEN).get("/jobs").status_code == 200


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--jupyterhub"], "JUPYTERHUB_API_URL"),
        (["--jupyterhub", "--open"], "--open"),
        (["--jupyterhub", "--hub-scope", "code"], "--code-user"),
    ],
)
def test_a_server_that_is_no_service_does_not_start(
    options: list[str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what is missing, or what would let in everybody who comes by the proxy."""
    monkeypatch.setenv("TASKKIT_REDIS_URL", "redis://nowhere")
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, "" if words == name else value)
    with pytest.raises(SystemExit, match=words):
        main(options)


def test_an_address_without_its_slash_leads_to_the_one_with(http: Any) -> None:
    """Else the page's own addresses would lead elsewhere."""
    moved = http("of-ana").get("/services/taskkit?job=1")
    assert (moved.status_code, moved.headers["Location"]) == (308, "/services/taskkit/?job=1")
    problem(http("of-ana").get("/services/taskkitten/hello"), 404, "no_such_route")


def test_code_for_everybody_is_a_star() -> None:
    """Which is no name."""
    hub = read_hub(ENVIRONMENT, code_users=["*"], scopes=["read"])
    assert hub.scopes_of("anybody") == {Scope.READ, Scope.CODE}


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_what_the_hub_did_not_set_is_named(name: str) -> None:
    """Rather than a service that lets nobody in."""
    with pytest.raises(Misconfigured, match=name):
        read_hub({**ENVIRONMENT, name: ""})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"JUPYTERHUB_API_URL": "127.0.0.1:8081"}, "JUPYTERHUB_API_URL"),
        ({"JUPYTERHUB_SERVICE_URL": "http://:5000"}, "names no host"),
        ({"JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:port"}, "JUPYTERHUB_SERVICE_URL"),
        ({"JUPYTERHUB_SERVICE_PREFIX": "/"}, "JUPYTERHUB_SERVICE_PREFIX"),
        ({"JUPYTERHUB_SERVICE_PREFIX": "/services/taskkit"}, "JUPYTERHUB_SERVICE_PREFIX"),
    ],
)
def test_what_cannot_be_is_named(change: Mapping[str, str], words: str) -> None:
    """At the start, not at the first request."""
    with pytest.raises(Misconfigured, match=words):
        read_hub({**ENVIRONMENT, **change})


@pytest.mark.parametrize("scopes", [["code"], ["admin"], ["reed"], []])
def test_scopes_of_all_users_are_the_usual_ones(scopes: list[str]) -> None:
    """Functions are given to single users, and tokens by nobody of the Hub."""
    with pytest.raises(Misconfigured, match="--code-user"):
        read_hub(ENVIRONMENT, scopes=scopes)


def test_the_hub_s_public_host_is_one_of_the_server_s() -> None:
    """Where the Hub says it."""
    hub = read_hub(
        {**ENVIRONMENT, "JUPYTERHUB_PUBLIC_URL": "https://hub.example.org/services/taskkit/"}
    )
    assert hub.public_hosts == {"hub.example.org"}


def test_the_service_s_token_is_in_no_repr() -> None:
    """A log that shows settings does not tell it."""
    assert "of-the-service" not in repr(read_hub(ENVIRONMENT))
    assert isinstance(read_hub(ENVIRONMENT), HubSettings)
