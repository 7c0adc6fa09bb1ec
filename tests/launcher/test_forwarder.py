"""What a browser asks reaches the stack that is there, opened; and nothing else does."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType
from fronting import dashboard, recorder
from yarl import URL

import taskkit
from taskkit.connection import Connection
from taskkit.protocol.errors import Misconfigured, NotReachable
from taskkit.stack.identity import free_port

pytestmark = [pytest.mark.stack]

SOCKET = "/socket.io/?EIO=4&transport=websocket"
OPEN, CONNECT, REFUSED = "0", "40", "44"
"""What packets begin with. Source: Engine.IO protocol 4, Socket.IO protocol 5."""


@pytest.fixture(scope="module")
def stack() -> Iterator[taskkit.LocalStack]:
    """A stack that wants a token."""
    with taskkit.LocalStack(workers=1) as running:
        yield running


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test's coroutine."""
    asyncio.run(asyncio.wait_for(test(), 60))


def nowhere() -> Connection:
    """Find no stack."""
    raise NotReachable("No running stack was found: start one with `taskkit up`.")


def of(stack: taskkit.LocalStack) -> Callable[[], Connection]:
    """Return what finds a stack."""
    return lambda: Connection(stack.url, stack.token)


async def greet(socket: ClientWebSocketResponse) -> str:
    """Connect as a page does that knows no token; return what the server says to that."""
    assert (await socket.receive_str()).startswith(OPEN)
    await socket.send_str(CONNECT + json.dumps({"token": None, "logs": {}}))
    return await socket.receive_str()


async def problem(browser: ClientSession, path: str, status: int, **request: Any) -> dict[str, Any]:
    """Return the problem that is answered to a GET."""
    async with browser.get(path, **request) as answer:
        assert answer.status == status
        assert answer.content_type == "application/problem+json"
        return dict(await answer.json(content_type=None))


def test_requests_and_the_socket_are_let_in_without_a_token(stack: taskkit.LocalStack) -> None:
    """The forwarder brings it; without the forwarder, the stack refuses both."""

    async def test() -> None:
        async with dashboard(of(stack)) as browser, ClientSession(stack.url) as bare:
            async with browser.get("/hello") as answer:
                assert (await answer.json())["owner"] == "local"
            async with browser.get("/") as page:
                assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
            async with browser.ws_connect(SOCKET) as socket:
                assert (await greet(socket)).startswith(CONNECT)
            async with bare.get("/hello") as answer:
                assert answer.status == 401
            async with bare.ws_connect(SOCKET) as socket:
                assert (await greet(socket)).startswith(REFUSED)

    run(test)


def test_a_job_that_is_made_through_it_runs_and_is_told_of(stack: taskkit.LocalStack) -> None:
    """A body goes there, events come back, until the last."""

    async def test() -> None:
        async with dashboard(of(stack)) as browser, browser.ws_connect(SOCKET) as socket:
            assert (await socket.receive_str()).startswith(OPEN)
            place = {"epoch": "", "after": 0, "at": 0}
            await socket.send_str(CONNECT + json.dumps({"logs": {"jobs": place}}))
            async with browser.post("/tasks", json={"name": "through"}) as answer:
                assert answer.status == 201
                job = (await answer.json())["data"]["task"]["id"]
            told = ""
            while not ("job_succeeded" in told and job in told):
                told = await socket.receive_str()
                if told == "2":  # Engine.IO's ping
                    await socket.send_str("3")

    run(test)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1"])
def test_a_page_of_another_origin_is_refused(stack: taskkit.LocalStack, origin: str) -> None:
    """By request and by socket: the token that the forwarder has is not for everybody."""

    async def test() -> None:
        foreign = {"Origin": origin}
        async with dashboard(of(stack)) as browser:
            said = await problem(browser, "/hello", 403, headers=foreign)
            assert said["code"] == "forbidden"
            async with browser.post("/tasks", json={"name": "x"}, headers=foreign) as answer:
                assert answer.status == 403
            async with browser.get(
                SOCKET, headers={**foreign, "Upgrade": "websocket", "Connection": "Upgrade"}
            ) as answer:
                assert answer.status == 403
                own = str(answer.url.origin())
            async with browser.get("/hello", headers={"Origin": own}) as answer:
                assert answer.status == 200

    run(test)


def test_bodies_go_through_as_they_come_both_ways() -> None:
    """The second half is sent once the first has arrived: nothing waits for the whole."""

    async def test() -> None:
        async with recorder() as server, dashboard(lambda: Connection(server.url)) as browser:
            has_arrived = asyncio.Event()
            path = URL("/blobs/x%2Fy?a=%2F", encoded=True)

            async def body() -> Any:
                yield b"one"
                while server.bodies != [b"one"]:
                    await asyncio.sleep(0.01)
                has_arrived.set()
                yield b"two"

            async with browser.put(path, data=body()) as answer:
                assert has_arrived.is_set()
                assert await answer.content.readany() == b"first half, "
                server.may_end.set()
                assert await answer.content.read() == b"second half"
                assert answer.headers["X-Kept"] == "yes"
                assert "Set-Cookie" not in answer.headers
            assert server.bodies == [b"one", b"two"]
            assert server.requests[0].raw_path == str(path)

    run(test)


def test_nothing_that_opens_jupyterlab_reaches_the_stack() -> None:
    """Neither from headers nor from the address; a stack's own path stays before the request's."""

    async def test() -> None:
        async with recorder("/team") as server:
            server.may_end.set()
            async with dashboard(lambda: Connection(server.url, "ours")) as browser:
                secrets = {"Cookie": "session=theirs", "Authorization": "token theirs"}
                async with browser.get("/?token=theirs&a=1", headers=secrets) as answer:
                    assert answer.status == 200
            (request,) = server.requests
            assert request.raw_path == "/team/?a=1"
            assert request.headers["Authorization"] == "Bearer ours"
            assert request.host == server.url.split("/")[2]
            assert "theirs" not in str(request.headers)

    run(test)


def test_without_a_stack_people_get_a_page_and_programs_a_problem() -> None:
    """Both say what to do. The page runs what it brought along, and nothing else."""

    async def test() -> None:
        async with dashboard(nowhere) as browser:
            async with browser.get("/", headers={"Accept": "text/html"}) as answer:
                assert answer.status == 503
                policy = answer.headers["Content-Security-Policy"]
                assert policy.startswith("default-src 'none'; script-src 'nonce-")
                assert "<code>taskkit up</code>" in await answer.text()
            said = await problem(browser, "/hello", 503)
            assert (said["code"], "taskkit up" in said["detail"]) == ("unavailable", True)

    run(test)


def test_a_configuration_that_cannot_be_is_told() -> None:
    """What is wrong with it, not an error of the dashboard's own."""

    def broken() -> Connection:
        raise Misconfigured("taskkit.toml, line 2: client.urk: there is no such setting")

    async def test() -> None:
        async with dashboard(broken) as browser:
            said = await problem(browser, "/hello", 503)
            assert "client.urk" in said["detail"]

    run(test)


@pytest.mark.parametrize(
    "connection",
    [
        pytest.param(f"http://127.0.0.1:{free_port()}", id="nobody"),
        *("localhost:5000", "http://", "http://[::1", "stack"),
    ],
)
def test_an_address_where_nothing_answers_is_no_stack(connection: str) -> None:
    """A connection file may outlive its stack, and a variable may hold anything."""

    async def test() -> None:
        async with dashboard(lambda: Connection(connection, "secret")) as browser:
            said = await problem(browser, "/hello", 503)
            assert "secret" not in str(said)

    run(test)


def test_a_page_that_waits_is_answered_once_a_stack_is_there(stack: taskkit.LocalStack) -> None:
    """Its request is held meanwhile; where none comes in time it is told to ask again."""

    async def test() -> None:
        found = [nowhere]
        waiting = {"Accept": "text/html", "Prefer": "respond-async, wait=20"}
        shortly = {"Prefer": "respond-async, wait=1"}
        async with dashboard(lambda: found[-1]()) as browser:
            async with browser.get("/", headers=shortly) as answer:
                assert answer.status == 202
            held = asyncio.create_task(browser.get("/", headers=waiting))
            await asyncio.sleep(0.3)
            assert not held.done()
            found.append(of(stack))
            async with await held as answer:
                assert answer.status == 200

    run(test)


def test_a_socket_waits_for_a_stack_and_is_closed_where_none_comes(
    stack: taskkit.LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is accepted at once; the client is to try again later."""

    async def test() -> None:
        found = [nowhere]
        async with dashboard(lambda: found[-1]()) as browser:
            async with browser.ws_connect(SOCKET) as socket:
                found.append(of(stack))
                assert (await greet(socket)).startswith(CONNECT)
            found.pop()
            monkeypatch.setattr("taskkit.launcher.forwarder.SOCKET_WAIT_S", 0.2)
            async with browser.ws_connect(SOCKET) as socket:
                message = await socket.receive()
                assert (message.type, message.data) == (WSMsgType.CLOSE, 1013)

    run(test)


def test_a_token_that_the_stack_does_not_know_is_said_so(stack: taskkit.LocalStack) -> None:
    """The reader, who has none, is not asked for one."""

    async def test() -> None:
        async with dashboard(lambda: Connection(stack.url, "wrong")) as browser:
            said = await problem(browser, "/hello", 403)
            assert "TASKKIT_TOKEN" in said["detail"]

    run(test)


def test_another_stack_is_found_by_the_next_request(stack: taskkit.LocalStack) -> None:
    """Nothing is kept of the one before."""

    async def test() -> None:
        async with recorder() as other:
            other.may_end.set()
            found = Connection(other.url), Connection(stack.url, stack.token)
            turn = iter(found)
            async with dashboard(lambda: next(turn)) as browser:
                async with browser.get("/hello") as answer:
                    assert (await answer.text()).startswith("first half")
                async with browser.get("/hello") as answer:
                    assert (await answer.json())["owner"] == "local"

    run(test)


def test_the_token_is_in_no_log(
    stack: taskkit.LocalStack, caplog: pytest.LogCaptureFixture
) -> None:
    """At the level at which everything is said; nor in what is answered."""

    async def test() -> None:
        async with dashboard(of(stack)) as browser:
            for path in ("/", "/hello", "/nothing", "/workers"):
                async with browser.get(path) as answer:
                    assert stack.token not in await answer.text()
                    assert stack.token not in str(answer.headers)
            async with browser.ws_connect(SOCKET) as socket:
                await greet(socket)

    with caplog.at_level(logging.DEBUG):
        asyncio.run(test())
    assert caplog.records
    assert stack.token not in caplog.text


def test_a_link_to_a_job_does_not_lead_by_way_of_jupyter(stack: taskkit.LocalStack) -> None:
    """Who gets it has no account there: it is the address of the stack itself."""
    with stack.client() as client:
        id = client.submit(pow, 2, 10).id

    async def test() -> None:
        async with (
            dashboard(of(stack)) as browser,
            browser.post("/shares", json={"jobs": [id]}) as answer,
        ):
            assert answer.status == 201
            made = await answer.json()
        assert made["link"] == f"{stack.url}/#/shared/{made['token']}"

    run(test)
