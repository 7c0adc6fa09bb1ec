"""deploy/nginx/taskkit.conf, run by a real nginx before two real servers.

With Debian's nginx, which tools/nginx.sh installs; skipped without it.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import urllib3
from blake3 import blake3
from fronted import CONF, NAME, Fronted, fronted
from redis_process import running_redis
from running import TOKEN
from waiting import wait_until

import taskkit
from taskkit.blobs import sharing
from taskkit.protocol.spec import MAX_BODY_BYTES

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

MIB = 2**20


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    """nginx, two servers, a worker of two processes."""
    folder = tmp_path_factory.mktemp("nginx")
    with (
        running_redis(tmp_path_factory.mktemp("redis"), "appendonly yes") as redis_url,
        fronted(folder, redis_url) as made,
    ):
        yield made


@pytest.fixture
def client(
    front: Fronted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[taskkit.Client]:
    """A notebook's client on another machine, which trusts nginx's certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(front.certificate))
    monkeypatch.setattr(sharing, "accept", lambda _probe: None)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _name: tmp_path)
    with closing(taskkit.Client(front.url, TOKEN)) as made:
        yield made
        for job in made.jobs(state=["queued", "running"]):
            job.cancel()


def metric(front: Fronted, port: int, name: str) -> float:
    """Return the sum of what one server counts by that name."""
    text = front.running[port].get("/metrics").data.decode()
    return sum(
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if re.match(name + "[{ ]", line)
    )


def sockets(front: Fronted) -> float:
    """Return how many WebSockets both servers hold."""
    return sum(metric(front, port, "taskkit_sockets") for port in front.running)


def wait_for(gate: Path) -> str:
    """Say that it began, and wait until a file is there."""
    taskkit.progress(1, 2, "half")
    print("begun", flush=True)
    while not gate.exists():
        time.sleep(0.05)
    print("ended", flush=True)
    return "done"


def numbered(n: int) -> int:
    """Take a moment, so that a batch lasts."""
    time.sleep(0.05)
    return n * n


def test_events_come_live_over_a_websocket(
    front: Fronted, client: taskkit.Client, tmp_path: Path
) -> None:
    """Progress is seen while the job runs, and its end without a question."""
    gate = tmp_path / "gate"
    job = client.submit(wait_for, gate)
    wait_until(lambda: job.record.progress is not None and job.record.progress.done == 1)
    wait_until(lambda: sockets(front) >= 1)
    assert not job.done()
    gate.touch()
    assert job.result(60) == "done"


def test_both_servers_are_asked(front: Fronted) -> None:
    """Whichever answers knows the same."""
    before = {p: metric(front, p, "taskkit_http_requests_total") for p in front.ports}
    for _ in range(8):
        assert front.ask("GET", "/v1/hello").status == 200
    # One of them is the question for the metrics itself.
    for port in front.ports:
        assert metric(front, port, "taskkit_http_requests_total") >= before[port] + 3


def test_a_server_that_dies_in_the_midst_of_a_batch_costs_nothing(
    front: Fronted, client: taskkit.Client
) -> None:
    """First one, which comes back, then the other: each result comes, and once."""
    jobs = [client.submit(numbered, n) for n in range(120)]
    for port, seen in zip(front.ports, (20, 70), strict=True):
        wait_until(lambda seen=seen: sum(job.done() for job in jobs) >= seen)  # type: ignore[misc]
        front.kill(port)
        assert front.ask("GET", "/v1/hello").status == 200
        front.start(port)
    assert [job.result(60) for job in jobs] == [n * n for n in range(120)]
    assert {job.record.attempt for job in jobs} == {1}


def test_what_is_submitted_while_no_server_is_there_waits(
    front: Fronted, client: taskkit.Client
) -> None:
    """nginx says 502 then, which is no answer to the job."""
    for port in front.ports:
        front.kill(port)
    assert front.ask("GET", "/v1/hello").status == 502
    job = client.submit(numbered, 7)
    with pytest.raises(taskkit.NotReachable, match="502"):
        client.jobs(limit=1)
    for port in front.ports:
        front.start(port)
    assert job.result(60) == 49


def follow(front: Fronted, id: str) -> http.client.HTTPResponse:
    """Return the answer to a request that follows a job; whoever asked closes it."""
    trusted = ssl.create_default_context(cafile=str(front.certificate))
    connection = http.client.HTTPSConnection(NAME, front.port, timeout=60, context=trusted)
    headers = {"Authorization": f"Bearer {TOKEN}", "Connection": "close"}
    connection.request("GET", f"/v1/jobs/{id}/output?follow", headers=headers)
    return connection.getresponse()


def test_followed_output_is_not_kept_back(
    front: Fronted, client: taskkit.Client, tmp_path: Path
) -> None:
    """A line is here while the job goes on; who stops to read frees the server's thread."""
    gate = tmp_path / "gate"
    job = client.submit(wait_for, gate)
    with closing(follow(front, job.id)) as answer:
        assert answer.read(6) == b"begun\n"
        assert not gate.exists()
    with closing(follow(front, job.id)) as answer:
        assert answer.read(6) == b"begun\n"
        gate.touch()
        assert answer.read() == b"ended\n"
    wait_until(
        lambda: sum(metric(front, p, "taskkit_http_requests_in_progress") for p in front.ports) <= 2
    )


def test_a_blob_of_64_mib_goes_up_and_comes_down(front: Fronted, client: taskkit.Client) -> None:
    """As an argument and as a result, in parts of 16 MiB and in one."""
    content = bytes(range(256)) * (64 * MIB // 256)
    job = client.submit(bytes.upper, content)
    assert job.result(120) == content.upper()
    whole = content + b"!"
    path = f"/v1/blobs/{blake3(whole).hexdigest()}"
    assert front.ask("PUT", path, whole).status == 201
    assert front.ask("GET", path).data == whole
    ranged = front.ask("GET", path, Range=f"bytes={64 * MIB}-")
    assert (ranged.status, ranged.data) == (206, b"!")


def test_what_was_sent_of_a_blob_is_kept_when_it_is_cut(front: Fronted) -> None:
    """Each byte is passed on as it comes; the rest goes to the other server, if it likes."""
    content = b"taskkit" * MIB
    path = f"/v1/blobs/{blake3(content).hexdigest()}"
    trusted = ssl.create_default_context(cafile=str(front.certificate))
    connection = http.client.HTTPSConnection(NAME, front.port, timeout=60, context=trusted)
    connection.putrequest("PUT", path)
    connection.putheader("Authorization", f"Bearer {TOKEN}")
    connection.putheader("Content-Length", str(len(content)))
    connection.endheaders()
    connection.send(content[: 3 * MIB])

    def here() -> int:
        return int(front.ask("HEAD", path).headers.get("Upload-Offset") or 0)

    wait_until(lambda: here() >= 2 * MIB)  # while this side still could send
    connection.close()
    wait_until(lambda: here() >= 3 * MIB - 64 * 1024)

    def goes_on() -> bool:
        offset = here()
        rest = {"Upload-Offset": str(offset), "Upload-Complete": "?1"}
        return front.ask("PUT", path, content[offset:], **rest).status == 201

    wait_until(goes_on)
    assert front.ask("GET", path).data == content


def test_a_body_that_is_too_large_is_refused_by_the_server(front: Fronted) -> None:
    """In its own words, which a client understands; nginx takes a little more for that."""
    answer = front.ask(
        "POST", "/v1/jobs", b" " * (MAX_BODY_BYTES + 1), Content_Type="application/json"
    )
    assert (answer.status, json.loads(answer.data)["code"]) == (413, "payload_too_large")
    [limit] = re.findall(r"client_max_body_size (\d+)m;", CONF.read_text())
    assert MAX_BODY_BYTES < int(limit) * MIB < 2 * MAX_BODY_BYTES


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/health/live", "/v1/hello", "/nowhere"])
def test_no_header_comes_twice(front: Fronted, path: str) -> None:
    """nginx adds what the servers cannot know, and no more."""
    headers = front.ask("GET", path).headers
    names = [name.lower() for name, _ in headers.iteritems()]
    assert len(names) == len(set(names)), names
    assert headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_page_of_the_same_address_may_ask_and_no_other(front: Fronted) -> None:
    """Host comes through with its port, which is why the servers can tell."""
    own = f"https://{NAME}:{front.port}"
    assert front.ask("GET", "/v1/hello", Origin=own).status == 200
    for foreign in ("https://evil.example", f"https://{NAME}", f"https://{NAME}:1"):
        assert front.ask("GET", "/v1/hello", Origin=foreign).status == 403
    assert front.ask("GET", "/v1/hello", Host="evil.example").status == 403


def test_nothing_but_a_websocket_changes_the_protocol(front: Fronted) -> None:
    """Another one is not offered to the servers."""
    answer = front.ask("GET", "/v1/hello", Upgrade="h2c", Connection="Upgrade")
    assert answer.status == 200


def test_the_page_loads_and_is_live(front: Fronted, client: taskkit.Client) -> None:
    """In a real browser: nothing is refused, and a job's end is shown without a reload."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None and os.environ.get("CI") != "true":
        pytest.skip("chromium is not on PATH (Debian: apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api")
    faults: list[str] = []
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=flags)
        page = browser.new_context(ignore_https_errors=True).new_page()
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(front.url)
        field = page.get_by_label("Token")
        field.fill(TOKEN)
        field.press("Enter")
        page.locator("#connection[data-state=open]").wait_for()
        job = client.submit(numbered, 3)
        page.locator(f'#job-rows [data-id="{job.id}"][data-state=succeeded]').wait_for()
        browser.close()
    assert [fault for fault in faults if "401" not in fault] == []  # it asks without a token first


def test_the_doctor_finds_nothing(front: Fronted, tmp_path: Path) -> None:
    """From a user's machine: each hop, with a real job, what is large among it."""
    told = {"TASKKIT_URL": front.url, "TASKKIT_TOKEN": TOKEN, "HOME": str(tmp_path)}
    told |= {"SSL_CERT_FILE": str(front.certificate), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-P", "-m", "taskkit", "doctor"]
    done = subprocess.run(
        command, env=told, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_plain_http_is_sent_to_tls(front: Fronted) -> None:
    """For who types the address; clients of taskkit do not follow, so that no token does."""
    answer = urllib3.request(
        "GET",
        f"http://127.0.0.1:{front.plain_port}/x?y=1",
        headers={"Host": NAME},
        redirect=False,
        retries=False,
    )
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}/x?y=1")
