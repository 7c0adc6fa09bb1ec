"""taskkit as a service of a real JupyterHub: whose token opens what, and until when."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from typing import Any

import pytest
from hubs import SERVICE_TOKEN, World, ask
from waiting import wait_until

import taskkit
from taskkit.client.socket import Socket
from taskkit.connection import Connection
from taskkit.protocol.errors import Forbidden, JobNotFound

pytestmark = pytest.mark.stack

KERNEL = """
import json, taskkit, time

def slowly(steps):
    import time
    for step in range(steps):
        taskkit.progress(step + 1, steps)
        time.sleep(0.1)
    return steps

with taskkit.Client() as client:
    job, seen = client.submit(slowly, 30), set()
    while not job.done():
        if job.progress is not None:
            seen.add(job.progress.done)
        time.sleep(0.02)
    print(json.dumps({"result": job.result(60), "seen": len(seen)}))
"""


def spawned_environment(world: World, user: str) -> dict[str, str]:
    """Return the environment that the Hub's spawner gives a user's server."""
    world.start_server(user)
    found: dict[str, str] = json.loads((world.folder / f"{user}.json").read_text())
    return found


def in_kernel(environment: dict[str, str], code: str) -> dict[str, Any]:
    """Run code as a kernel of a single-user server would; return the JSON that it prints."""
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def test_a_notebook_in_the_hub_needs_no_token(world: World) -> None:
    """What the spawner sets is enough for a function, its result and its progress, live."""
    environment = spawned_environment(world, "ana")
    assert "TASKKIT_TOKEN" not in environment
    told = in_kernel(environment, KERNEL)
    assert told["result"] == 30
    assert told["seen"] > 10, told  # without the socket it would look every second or so


def test_who_may_not_submit_functions_is_told_how_to_ask(world: World) -> None:
    """bob is not one of the code users; named tasks are for everybody."""
    _, token = world.token("bob")
    with taskkit.Client(world.url, token=token) as bob:
        with pytest.raises(Forbidden, match="ask whoever runs the server for --code-user bob"):
            bob.submit(lambda: 1).result(30)
        job = bob.submit("demo", name="quick")
        job.cancel()
        job.wait_final(30)


def test_users_of_the_hub_see_their_own_jobs_alone(world: World) -> None:
    """By the Hub's names, also those that are addresses of mail."""
    name = "eve+lab@example.org"
    tokens = [world.token(user)[1] for user in ("bob", name)]
    clients = [taskkit.Client(world.url, token=token) for token in tokens]
    with clients[0] as bob, clients[1] as eve:
        jobs = [one.submit("demo", name="side by side") for one in (bob, eve)]
        assert jobs[0].id in {job.id for job in bob.jobs()}
        assert [job.id for job in eve.jobs()] == [jobs[1].id]
        with pytest.raises(JobNotFound):
            eve.job(jobs[0].id)
        assert jobs[1].result(60) is not None
        assert ask("GET", f"{world.url}/hello", tokens[1]).json()["owner"] == name
        jobs[0].cancel()


def test_a_token_without_the_scope_opens_nothing(world: World) -> None:
    """Of a user who may not enter, of one who may by another token, and of programs."""
    _, of_mallory = world.token("mallory", "read:users:name!user=mallory")
    _, narrow = world.token("ana", "read:users:name!user=ana")
    _, elsewhere = world.token("ana", "access:services!service=managed")
    for token in (of_mallory, narrow, elsewhere):
        refused = ask("GET", f"{world.url}/jobs", token)
        assert refused.status == 403, refused.body
        assert "access:services!service=taskkit" in refused.json()["detail"]
    for token, who in (("service-called-ana", "'ana'"), (SERVICE_TOKEN, "'taskkit'")):
        refused = ask("GET", f"{world.url}/jobs", token)
        assert refused.status == 403, refused.body
        assert f"{who}, which is no user" in refused.json()["detail"]


def test_the_hub_s_user_local_is_not_the_stack_s_owner(world: World) -> None:
    """It would see all that whoever runs the stack has submitted."""
    _, token = world.token("local")
    refused = ask("GET", f"{world.url}/jobs", token)
    assert (refused.status, "'local'" in refused.json()["detail"]) == (403, True)


def test_wrong_tokens_are_401(world: World) -> None:
    """Whatever they look like."""
    for token in ("f" * 32, "tk_" + "f" * 43, "two words", "x" * 600):
        assert ask("GET", f"{world.url}/jobs", token).status == 401
    assert ask("GET", f"{world.url}/jobs").status == 401


def opened(world: World, token: str) -> Socket:
    """Return a connected socket, by the proxy."""
    socket = Socket(Connection(world.url, token), logging.getLogger("test"))
    socket.open({"jobs": {}}, wait_s=10)
    return socket


def test_a_revoked_token_is_cut_off_soon(world: World) -> None:
    """Within two seconds where the machine is not busy: its requests and its socket; the user's
    other token works on."""
    (id, token), (_, other) = world.token("bob"), world.token("bob")
    socket, kept = opened(world, token), opened(world, other)
    assert ask("GET", f"{world.url}/jobs", token).status == 200
    world.revoke("bob", id)
    wait_until(lambda: ask("GET", f"{world.url}/jobs", token).status == 401, 10)
    wait_until(lambda: not socket.connected, 10)
    assert kept.connected
    kept.disconnect()


def test_while_the_hub_is_away_those_it_knew_work_on(world: World) -> None:
    """Their sockets too; others are told to try again, and get in when it is back."""
    (_, known), (_, unknown) = world.token("ana"), world.token("ana")
    socket = opened(world, known)
    assert ask("GET", f"{world.url}/jobs", known).status == 200
    world.hub.stop()
    try:
        for _ in range(3):
            refused = ask("GET", f"{world.url}/jobs", unknown)
            assert (refused.status, refused.json()["code"]) == (503, "unavailable")
            assert int(refused.headers["Retry-After"]) >= 1
            assert ask("GET", f"{world.url}/jobs", known).status == 200
        with taskkit.Client(world.url, token=known) as ana:
            assert ana.submit(abs, -3).result(60) == 3
        assert socket.connected
    finally:
        world.start_hub()
    wait_until(lambda: ask("GET", f"{world.url}/jobs", unknown).status == 200)
    assert socket.connected
    socket.disconnect()
    assert "Traceback" not in world.service.log()


def test_the_hub_may_start_the_server_itself(world: World) -> None:
    """A managed service takes all that it needs from what the Hub sets."""
    managed = f"{world.public}/services/managed"
    _, token = world.token("ana", "access:services!service=managed")
    wait_until(lambda: ask("GET", f"{managed}/health/live").status == 200)
    hello = ask("GET", f"{managed}/hello", token).json()
    assert (hello["owner"], hello["scopes"]) == ("ana", ["cancel", "read", "submit"])


def test_addresses_are_those_that_a_browser_sees(world: World) -> None:
    """Below the prefix, in both senses: what is sent there, and what an answer names."""
    _, token = world.token("ana")
    moved = ask("GET", world.url)
    assert (moved.status, moved.headers["Location"]) == (308, "/services/taskkit/")
    page = ask("GET", f"{world.url}/")
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    made = ask("POST", f"{world.url}/v1/jobs", token, {"task": "demo"})
    place = made.headers["Location"]
    assert place.startswith("/services/taskkit/v1/jobs/")
    assert ask("GET", world.public + place, token).json()["id"] == made.json()["id"]
    ask("POST", f"{world.public}{place}/cancel", token)


@pytest.mark.parametrize("header", ["Host", "Origin"])
def test_foreign_pages_are_turned_away(world: World, header: str) -> None:
    """By the proxy, too: it passes on what the browser says."""
    given = {header: "http://evil.example.org" if header == "Origin" else "evil.example.org"}
    _, token = world.token("ana")
    assert ask("GET", f"{world.url}/jobs", token, headers=given).status == 403


def test_a_token_of_taskkit_s_own_opens_it_as_well(
    world: World, beneath: taskkit.LocalStack
) -> None:
    """For programs, which are no users of the Hub."""
    environment = {**os.environ, "TASKKIT_URL": beneath.url, "TASKKIT_TOKEN": beneath.token}
    made = subprocess.run(
        [sys.executable, "-m", "taskkit", "token", "create", "--user", "robot", "--json"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    token = json.loads(made.stdout)["token"]
    assert ask("GET", f"{world.url}/hello", token).json()["owner"] == "robot"


def test_a_link_to_a_job_needs_no_account_of_the_hub(world: World) -> None:
    """The proxy passes on what has it; it leads there as browsers do, and opens nothing else."""
    _, token = world.token("ana")
    with taskkit.Client(world.url, token=token) as ana:
        job, other = ana.submit(pow, 2, 10), ana.submit(pow, 2, 11)
        assert (job.result(60), other.result(60)) == (1024, 2048)
        share = job.share()
        assert share.url is not None
        page, _, secret = share.url.partition("#/shared/")
        assert page == f"{world.url}/"
        reader = {"Authorization": f"Bearer {secret}"}
        assert b"static/start.js" in ask("GET", page).body
        shown = ask("GET", f"{world.url}/shared", headers=reader)
        assert shown.status == 200
        assert [one["id"] for one in json.loads(shown.body)["jobs"]] == [job.id]
        assert ask("GET", f"{world.url}/jobs/{job.id}/panel", headers=reader).status == 200
        assert ask("GET", f"{world.url}/jobs/{other.id}", headers=reader).status == 404
        assert ask("GET", f"{world.url}/jobs", headers=reader).status == 403
        assert ask("GET", f"{world.url}/shared").status == 401
        share.revoke()
        wait_until(lambda: ask("GET", f"{world.url}/shared", headers=reader).status == 401, 10)
