"""The pods of deploy/kubernetes as real processes: what they are told is what they live by."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import promql_parser
import pytest
import redis
import urllib3
from manifests import make_secrets, named, written
from pods import POD_IP, Node, Pod, pod, wait_started
from waiting import wait_until

import taskkit
from taskkit.stack.identity import free_port

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

FINISH = "finish_s = 60.0"
HEALTH = {"username": "health", "password": "any"}


class Cluster:
    """Valkey and a server, and workers as tests want them."""

    def __init__(self, node: Node, secrets: dict[str, str], server: Pod) -> None:
        self.node = node
        self.secrets = secrets
        self.server = server
        self.url = server.environment["URL"]
        self.redis_url = node.here(secrets["redis.url"]).strip()
        self._workers = 0

    @contextmanager
    def worker(self) -> Iterator[Pod]:
        """Run one more worker."""
        self._workers += 1
        with pod(self.node, "Deployment", "taskkit-worker", self._workers) as running:
            yield wait_started(running)

    def metrics(self) -> str:
        """Return what the server tells a Prometheus that comes by the pod's address."""
        token = {"Authorization": f"Bearer {self.secrets['token']}", "Host": f"{POD_IP}:5000"}
        answer = urllib3.request("GET", f"{self.url}/metrics", headers=token, timeout=20)
        assert answer.status == 200
        return answer.data.decode()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """All but the workers, each once."""
    folder = Path(tempfile.mkdtemp(prefix="taskkit-pods-"))
    folder.chmod(0o755)  # the pods' users look into it
    with ExitStack() as running:
        running.callback(shutil.rmtree, folder, ignore_errors=True)
        secrets = make_secrets(folder / "secrets")
        port, valkey = free_port(), free_port()
        renamed = {
            "0.0.0.0": "127.0.0.1",
            "port = 5000": f"port = {port}",
            "taskkit-valkey:6379": f"127.0.0.1:{valkey}",
            "bind * -::*": "bind 127.0.0.1",
            "port 6379": f"port {valkey}",
            FINISH: "finish_s = 0.5",
        }
        node = Node(written(secrets), folder, renamed)
        running.enter_context(pod(node, "StatefulSet", "taskkit-valkey"))
        address = {"host": "127.0.0.1", "port": valkey}
        wait_until(lambda: _says_pong(address))
        server = running.enter_context(pod(node, "Deployment", "taskkit-server"))
        yield Cluster(node, secrets, wait_started(server))


def _says_pong(address: dict[str, object]) -> bool:
    """As `valkey-cli` in the probes: by a name for which any password will do."""
    try:
        return bool(redis.Redis(**address, **HEALTH).ping())  # type: ignore[arg-type]
    except redis.ConnectionError:
        return False


@pytest.fixture
def client(cluster: Cluster) -> Iterator[taskkit.Client]:
    """One that came by the ingress."""
    with closing(taskkit.Client(cluster.url, cluster.secrets["token"].strip())) as made:
        yield made


def test_the_server_answers_its_probes(cluster: Cluster) -> None:
    """Which come by the pod's address, as Prometheus does; whoever has other names is refused."""
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert cluster.server.probe(probe), probe
    told = named(cluster.node.documents, "ConfigMap", "taskkit-public")["data"]["host"]
    for host in (told, f"{told}:443", "taskkit-server:5000", f"{POD_IP}:5000"):
        assert cluster.server.get("/health/live", host=host) == 200
    for host in ("evil.example", "10.244.1.8:5000"):
        assert cluster.server.get("/health/live", host=host) == 403


def test_the_server_has_nothing_against_valkey(cluster: Cluster) -> None:
    """It keeps what it accepts, and lets nobody in who has no password."""
    assert "warning" not in cluster.server.text().lower()
    with redis.Redis.from_url(cluster.redis_url, decode_responses=True) as users:
        told = users.config_get("*")
        assert (told["appendonly"], told["appendfsync"]) == ("yes", "always")
        assert told["maxmemory-policy"] == "noeviction"
        with pytest.raises(redis.exceptions.NoPermissionError):
            users.flushall()
    port = int(cluster.redis_url.rpartition(":")[2].partition("/")[0])
    with redis.Redis(port=port) as nobody:
        for command in ("PING", "GET tk:x"):
            with pytest.raises(redis.exceptions.AuthenticationError):
                nobody.execute_command(*command.split())
    with redis.Redis(port=port, **HEALTH) as health:
        assert health.ping()
        for command in ("GET tk:x", "INFO", "CONFIG GET *", "SUBSCRIBE x"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                health.execute_command(*command.split())


def test_valkey_may_replay_its_own_file(cluster: Cluster) -> None:
    """Which it does as `default`: one that may less loses transactions, in Redis 7.0 for one."""
    [told] = [
        line
        for line in cluster.secrets["users.acl"].splitlines()
        if line.startswith("user default")
    ]
    assert told.endswith(" ~* &* +@all")
    assert " nopass " not in told


def test_jobs_run_and_large_values_go_by_the_shared_folder(
    cluster: Cluster, client: taskkit.Client
) -> None:
    """Signed, by a worker that is confined, as the pods' user."""
    with cluster.worker() as worker:
        assert worker.probe("livenessProbe")
        assert list(client.map(abs, range(-20, 0))) == list(range(20, 0, -1))
        large = bytes(3 * 2**20)
        assert client.submit(bytes.upper, large).result(60) == large
        kept = cluster.node.folder / "claims" / "blobs"
        assert any(path.is_file() for path in kept.rglob("*"))
        [seen] = client.workers()
        assert seen.processes == 2


def wait_for(gate: Path) -> str:
    """Wait until a file is there."""
    while not gate.exists():
        time.sleep(0.05)
    return "done"


def test_a_worker_that_is_told_to_end_hands_its_job_to_another(
    cluster: Cluster, client: taskkit.Client
) -> None:
    """Within the time that its pod has; nothing of it counts as a failure."""
    gate = cluster.node.folder / "gate"
    with cluster.worker() as first:
        job = client.submit(wait_for, gate)
        wait_until(job.running)
        with cluster.worker():
            first.process.send_signal(signal.SIGTERM)
            grace_s = named(cluster.node.documents, "Deployment", "taskkit-worker")["spec"][
                "template"
            ]["spec"]["terminationGracePeriodSeconds"]
            assert first.process.wait(grace_s) == 0
            wait_until(lambda: job.record.attempt == 2)
            gate.touch()
            assert job.result(60) == "done"
    assert "taskkit_attempts_returned_total 1.0" in cluster.metrics()
    assert 'taskkit_attempts_lost_total{cause="signal"} 0.0' in cluster.metrics()


def test_a_worker_that_stands_is_found(cluster: Cluster) -> None:
    """Its pulse grows old; and one that went on has one again."""
    with cluster.worker() as worker:
        pulse = worker.root / "run" / "taskkit" / "pulse"
        worker.process.send_signal(signal.SIGSTOP)
        os.utime(pulse, (1, 1))
        assert not worker.probe("livenessProbe")
        worker.process.send_signal(signal.SIGCONT)
        wait_until(lambda: worker.probe("livenessProbe"))


def test_keda_scales_by_metrics_that_there_are(cluster: Cluster) -> None:
    """Each series of its question is one that a server tells, with that very label."""
    scaled = named(cluster.node.documents, "ScaledObject", "taskkit-worker")
    query = scaled["spec"]["triggers"][0]["metadata"]["query"]
    promql_parser.parse(query)
    text = cluster.metrics()
    for state in ("queued", "running"):
        series = f'taskkit_jobs{{state="{state}"}}'
        assert series in query
        assert f"\n{series} " in text


def test_prometheus_is_let_in_with_a_token_for_metrics_alone(
    cluster: Cluster, client: taskkit.Client
) -> None:
    """At the path of the ServiceMonitor, by the pod's address."""
    monitor = named(cluster.node.documents, "ServiceMonitor", "taskkit-server")
    [endpoint] = monitor["spec"]["endpoints"]
    answer = urllib3.request(
        "POST",
        f"{cluster.url}/v1/tokens",
        json={"user": "prometheus", "scopes": ["metrics"]},
        headers={"Authorization": f"Bearer {cluster.secrets['token'].strip()}"},
    )
    token = {"Authorization": f"Bearer {answer.json()['token']}"}
    host = f"{POD_IP}:5000"
    assert cluster.server.get(endpoint["path"], host=host, **token) == 200
    assert cluster.server.get(endpoint["path"], host=host) == 401
    assert cluster.server.get("/v1/jobs", host=host, **token) == 403
