"""A real JupyterHub behind its real proxy, with taskkit's server as a service of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from waiting import wait_until

from taskkit.stack.identity import free_port

ROOT = Path(__file__).parents[2]
PROXY = ROOT / "build/hub-proxy/node_modules/configurable-http-proxy/bin/configurable-http-proxy"

ROOT_TOKEN, SERVICE_TOKEN, PROXY_TOKEN = "hub-root-token", "service-token", "proxy-token"
PASSWORD = "open-sesame"

DOCUMENT = (ROOT / "docs/jupyterhub.md").read_text()

CONFIG = """
c.JupyterHub.bind_url = "http://127.0.0.1:{public}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub}"
c.JupyterHub.public_url = "http://127.0.0.1:{public}/"
c.JupyterHub.db_url = "sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/secret"
c.JupyterHub.cleanup_servers = False
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy}"
c.ConfigurableHTTPProxy.auth_token = "proxy-token"
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = "open-sesame"
c.Authenticator.allowed_users = {{"ana", "bob", "eve+lab@example.org", "mallory", "local"}}
c.JupyterHub.spawner_class = "simple"
c.Spawner.cmd = [sys.executable, "{spawned}", "{folder}"]
c.Spawner.environment = {{
    "TASKKIT_URL": "http://127.0.0.1:{public}/services/taskkit",
    "PYTHONPATH": "",
}}
c.JupyterHub.services += [
    {{
        "name": "taskkit",
        "url": "http://127.0.0.1:{service}",
        "api_token": "service-token",
        "oauth_no_confirm": True,
    }},
    {{"name": "root", "api_token": "hub-root-token"}},
    {{"name": "ana", "api_token": "service-called-ana"}},
]
enter = [may_enter, "access:services!service=taskkit"]
[of_servers] = [role["scopes"] for role in c.JupyterHub.load_roles if role["name"] == "server"]
c.JupyterHub.load_roles = [
    {{"name": "user", "scopes": ["self"]}},
    {{
        "name": "taskkit-user",
        "scopes": enter,
        "users": ["ana", "bob", "eve+lab@example.org", "local"],
        "services": ["ana"],
    }},
    {{"name": "server", "scopes": [*of_servers, *enter]}},
    {{"name": "root", "scopes": ["admin:users", "admin:servers", "tokens"], "services": ["root"]}},
]
"""


@dataclass
class Process:
    """One process with its log, ended by its id."""

    name: str
    command: list[str]
    folder: Path
    environment: Mapping[str, str]
    running: subprocess.Popen[bytes] | None = None
    started: set[psutil.Process] = field(default_factory=set)
    #: What it had started when it was stopped.

    def start(self) -> None:
        """Start it, its output at the end of its log."""
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.running = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def stop(self, *, is_waited_for: bool = True) -> None:
        """End it, if it runs."""
        if self.running is None:
            return
        with suppress(psutil.NoSuchProcess):
            self.started |= set(psutil.Process(self.running.pid).children(recursive=True))
        self.running.terminate()
        if not is_waited_for:
            return
        try:
            self.running.wait(60)  # the Hub ends its managed service first
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait(10)
        self.running = None

    def kill_what_is_left(self) -> None:
        """Kill what it had started and did not end, as a Hub does that is killed itself."""
        for process in self.started:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def log(self) -> str:
        """Return what it has said."""
        return (self.folder / f"{self.name}.log").read_text(errors="replace")


@dataclass
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay())


def ask(
    method: str,
    url: str,
    token: str | None = None,
    body: object = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Ask, whatever the answer; follow no redirect."""
    given = dict(headers or {})
    if token is not None:
        given["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    if data is not None:
        given.setdefault("Content-Type", "application/json")
    request = urllib.request.Request(url, data=data, headers=given, method=method)
    try:
        with OPENER.open(request, timeout=20) as response:
            return Answer(response.status, response.read(), response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read(), error.headers)


@dataclass
class World:
    """The Hub, its proxy, and the service."""

    folder: Path
    ports: dict[str, int]
    hub: Process
    proxy: Process
    service: Process
    servers: list[str] = field(default_factory=list)
    #: Whose were started.

    @property
    def public(self) -> str:
        """The address of the proxy."""
        return f"http://127.0.0.1:{self.ports['public']}"

    @property
    def url(self) -> str:
        """The address of the service, by the proxy."""
        return f"{self.public}/services/taskkit"

    @property
    def straight(self) -> str:
        """The address of the service itself."""
        return f"http://127.0.0.1:{self.ports['service']}"

    def api(self, method: str, path: str, body: object = None) -> Answer:
        """Ask the Hub's API as its admin."""
        url = f"http://127.0.0.1:{self.ports['hub']}/hub/api{path}"
        # That of a Bearer is a token's too, but not on each of the Hub's routes.
        return ask(method, url, body=body, headers={"Authorization": f"token {ROOT_TOKEN}"})

    def token(self, user: str, *scopes: str) -> tuple[str, str]:
        """Have the Hub make a token; return its id and itself."""
        quoted = urllib.request.quote(user, safe="")  # type: ignore[attr-defined]
        self.api("POST", f"/users/{quoted}")
        wanted = list(scopes) or ["access:services!service=taskkit"]
        made = self.api("POST", f"/users/{quoted}/tokens", {"scopes": wanted, "note": "test"})
        assert made.status == 201, made.body
        return made.json()["id"], made.json()["token"]

    def revoke(self, user: str, id: str) -> None:
        """Have the Hub revoke a token."""
        assert self.api("DELETE", f"/users/{user}/tokens/{id}").status == 204

    def start_server(self, user: str) -> None:
        """Have the Hub start a user's server, where none runs."""
        if user not in self.servers:
            self.api("POST", f"/users/{user}/server")
            self.servers.append(user)
        wait_until((self.folder / f"{user}.json").exists)

    def stop(self) -> None:
        """End all that was started."""
        for user in self.servers:
            with suppress(OSError):  # where the Hub does not run any more
                self.api("DELETE", f"/users/{user}/server")
        for is_waited_for in (False, True):
            for process in (self.service, self.hub, self.proxy):
                process.stop(is_waited_for=is_waited_for)
        self.hub.kill_what_is_left()

    def start_hub(self) -> None:
        """Start the Hub, and wait until its proxy knows the services, its own one among them.

        A Hub that is stopped while it starts that one leaves it behind.
        """
        self.hub.start()
        wait_until(self._is_up, 60)

    def _is_up(self) -> bool:
        assert self.hub.running is not None
        assert self.hub.running.poll() is None, self.hub.log()[-3000:]
        try:
            services = (self.url, f"{self.public}/services/managed")
            at_hub = self.api("GET", "/").status == 200
            return at_hub and all(
                ask("GET", f"{url}/health/live").status == 200 for url in services
            )
        except OSError:
            return False


def documented(redis_url: str, port: int) -> str:
    """Return the lines of the documentation, of a service that is called `managed`."""
    lines = DOCUMENT.split("```python\n", 1)[1].split("```", 1)[0]
    for said, here in (
        ('"name": "taskkit"', '"name": "managed"'),
        ("service=taskkit", "service=managed"),
        (":5000", f":{port}"),
        ("redis://:PASSWORD@127.0.0.1:6379/0", redis_url),
    ):
        assert lines.count(said) == 1, said
        lines = lines.replace(said, here)
    return lines


@contextmanager
def running_world(folder: Path, redis_url: str, keys_file: Path, *options: str) -> Iterator[World]:
    """Start everything; `options` are the service's."""
    names = ("public", "hub", "proxy", "service", "managed")
    ports: dict[str, int] = {}
    while len(set(ports.values())) < len(names):
        ports = {name: free_port() for name in names}
    config = folder / "jupyterhub_config.py"
    config.write_text(
        documented(redis_url, ports["managed"])
        + CONFIG.format(
            folder=folder,
            spawned=Path(__file__).with_name("spawned.py"),
            **ports,
        )
    )
    hub = Process("hub", [sys.executable, "-m", "jupyterhub", "-f", str(config)], folder, {})
    proxy = Process(
        "proxy",
        [
            *("node", str(PROXY), "--ip", "127.0.0.1", "--port", str(ports["public"])),
            *("--api-ip", "127.0.0.1", "--api-port", str(ports["proxy"])),
            *("--error-target", f"http://127.0.0.1:{ports['hub']}/hub/error"),
        ],
        folder,
        {"CONFIGPROXY_AUTH_TOKEN": PROXY_TOKEN},
    )
    service = Process(
        "service",
        [sys.executable, "-m", "taskkit_server", "--jupyterhub", "--trust-redis", *options],
        folder,
        {
            "TASKKIT_REDIS_URL": redis_url,
            "TASKKIT_SIGNING_KEYS_FILE": str(keys_file),
            "JUPYTERHUB_API_TOKEN": SERVICE_TOKEN,
            "JUPYTERHUB_API_URL": f"http://127.0.0.1:{ports['hub']}/hub/api",
            "JUPYTERHUB_SERVICE_NAME": "taskkit",
            "JUPYTERHUB_SERVICE_PREFIX": "/services/taskkit/",
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{ports['service']}",
        },
    )
    world = World(folder, ports, hub, proxy, service)
    try:
        for process in (proxy, service):
            process.start()
        world.start_hub()
        yield world
    finally:
        world.stop()
