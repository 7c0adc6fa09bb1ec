"""deploy/kubernetes by its form: fields that Kubernetes knows, and parts that fit together.

Each test is of the files as they are written and, where a kubectl with kustomize 5 is on PATH, of
what it makes of them. Nothing here was sent to a cluster.
"""

from __future__ import annotations

import copy
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import typer
from cloudcoil.models.keda.v1alpha1 import ScaledObject
from cloudcoil.models.prometheus_operator.v1 import ServiceMonitor
from manifest_rules import faults
from manifests import (
    FOLDER,
    Document,
    Twice,
    containers,
    kubectl,
    make_secrets,
    named,
    of_kind,
    pod_of,
    read,
    rendered,
    written,
)

import taskkit
from taskkit.cli import app
from taskkit.config.loading import check
from taskkit.config.names import BY_FILE, OTHERS
from taskkit.config.tables import SETTINGS

OLDEST = "1.30"
"""The first that knows `preStop.sleep` by itself."""

FORMS = {"ScaledObject": ScaledObject, "ServiceMonitor": ServiceMonitor}
"""Kinds that Kubernetes does not bring, in the form that those who bring them give out."""


@pytest.fixture(scope="module", params=["as written", "as rendered"])
def documents(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[Document]:
    """All there are for the example."""
    folder = tmp_path_factory.mktemp("kubernetes")
    if request.param == "as written":
        return written(make_secrets(folder / "secrets"))
    binary = kubectl()
    if binary is None:
        pytest.skip("no kubectl with kustomize 5 on PATH")
    return rendered(binary, folder)


def require_form(document: Document, version: str) -> None:
    """Fail where a field is unknown, missing, or not what it must be."""
    if model := FORMS.get(document["kind"]):
        told = model.model_validate(document)  # type: ignore[attr-defined]
        kept = told.model_dump(by_alias=True, exclude_unset=True)
        assert json.loads(json.dumps(kept, default=str)) == document
    else:
        kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
def test_kubernetes_knows_each_field(documents: list[Document], version: str) -> None:
    """The oldest that these files are for, and the newest that there are schemas of."""
    for document in documents:
        require_form(document, version)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Deployment", ("spec", "template", "spec", "containers", 0)),
        ("StatefulSet", ("spec",)),
        ("NetworkPolicy", ("spec",)),
        ("ScaledObject", ("spec", "advanced", "horizontalPodAutoscalerConfig")),
        ("ServiceMonitor", ("spec", "endpoints", 0)),
    ],
)
def test_a_field_that_nobody_knows_is_found(
    documents: list[Document], kind: str, path: tuple[Any, ...]
) -> None:
    """Which Kubernetes would drop in silence."""
    document = copy.deepcopy(of_kind(documents, kind)[0])
    place = document
    for step in path:
        place = place[step]
    place["livenesProbe"] = {}
    with pytest.raises((kubernetes_validate.ValidationError, AssertionError)):
        require_form(document, OLDEST)


def test_no_key_stands_twice() -> None:
    """In no file; the second would hold, and nobody would say so."""
    files = [path for path in FOLDER.rglob("*.yaml") if "secrets" not in path.parts]
    assert len(files) >= 12
    assert all(read(path.read_text()) for path in files)
    with pytest.raises(Twice, match="image"):
        read("containers:\n- image: a\n  name: b\n  image: c\n")


def test_all_parts_fit_together(documents: list[Document]) -> None:
    """Images, resources, rights, selectors, budgets, volumes, networks, probes: see the rules."""
    assert faults(documents) == []


def server(documents: list[Document]) -> Document:
    return named(documents, "Deployment", "taskkit-server")


def container(documents: list[Document]) -> Document:
    found: Document = pod_of(server(documents))["containers"][0]
    return found


def policy(documents: list[Document]) -> Document:
    found: Document = named(documents, "NetworkPolicy", "taskkit-server")["spec"]
    return found


BREAKS: dict[str, Callable[[list[Document]], object]] = {
    "may be any": lambda d: container(d).update(image="taskkit:latest"),
    "no limits of memory": lambda d: container(d)["resources"]["limits"].pop("memory"),
    "runs as root": lambda d: pod_of(server(d))["securityContext"].update(runAsUser=0),
    "all system calls": lambda d: pod_of(server(d))["securityContext"].pop("seccompProfile"),
    "may gain rights": lambda d: container(d)["securityContext"].pop("allowPrivilegeEscalation"),
    "writes its root": lambda d: container(d)["securityContext"].pop("readOnlyRootFilesystem"),
    "gets a token": lambda d: pod_of(server(d)).pop("automountServiceAccountToken"),
    "does not select its own pods": lambda d: server(d)["spec"]["selector"]["matchLabels"].update(
        a="b"
    ),
    "its pods have no port": lambda d: container(d)["ports"][0].update(name="web"),
    "lets none of 1 go": lambda d: server(d)["spec"].update(replicas=1),
    "blobs is only mounted": lambda d: pod_of(server(d))["volumes"].pop(3),
    "there is no PersistentVolumeClaim": lambda d: d.remove(
        named(d, "PersistentVolumeClaim", "taskkit-blobs")
    ),
    "there is no Secret": lambda d: d.remove(named(d, "Secret", "taskkit-shared")),
    "there is no ConfigMap": lambda d: d.remove(named(d, "ConfigMap", "taskkit-public")),
    "lets anybody in": lambda d: policy(d)["ingress"][0].pop("from"),
    "who resolves names": lambda d: policy(d)["egress"][1]["to"][0]["podSelector"][
        "matchLabels"
    ].update(a="b"),
    "anybody reaches it": lambda d: d.remove(named(d, "NetworkPolicy", "taskkit-valkey")),
    "no livenessProbe": lambda d: container(d).pop("livenessProbe"),
    "asks at web": lambda d: container(d)["readinessProbe"]["httpGet"].update(port="web"),
    "there is no such deployment": lambda d: named(d, "ScaledObject", "taskkit-worker")["spec"][
        "scaleTargetRef"
    ].update(name="workers"),
}


@pytest.mark.parametrize("fault", BREAKS)
def test_each_rule_finds_what_breaks_it(documents: list[Document], fault: str) -> None:
    """A rule that finds nothing would be none."""
    broken = copy.deepcopy(documents)
    BREAKS[fault](broken)
    assert any(fault in found for found in faults(broken)), faults(broken)


@pytest.mark.parametrize("part", ["server", "worker"])
def test_arguments_and_variables_are_taskkit_s(documents: list[Document], part: str) -> None:
    """The real parser takes them, and each TASKKIT_ variable is one that is known."""
    [told] = pod_of(named(documents, "Deployment", f"taskkit-{part}"))["containers"]
    assert told["command"] == ["tini", "--", "taskkit", part]
    group: Any = typer.main.get_command(app)
    parsed = group.commands[part].make_context(part, list(told["args"]))
    assert str(parsed.params["config"]) == "/etc/taskkit/config/taskkit.toml"
    known = {one.variable for one in SETTINGS} | OTHERS
    known |= {one.variable + BY_FILE for one in SETTINGS if one.secret}
    given = {one["name"] for one in told["env"] if one["name"].startswith("TASKKIT_")}
    assert given - known == set()
    assert "TASKKIT_SIGNING_KEYS_FILE" in given


def mounted(documents: list[Document], part: str) -> dict[str, set[str]]:
    """Return the files that a part's container finds, by folder."""
    pod = pod_of(named(documents, "Deployment", f"taskkit-{part}"))
    found = {}
    for mount in pod["containers"][0]["volumeMounts"]:
        [volume] = [one for one in pod["volumes"] if one["name"] == mount["name"]]
        for kind, name in (
            ("ConfigMap", volume.get("configMap", {}).get("name")),
            ("Secret", volume.get("secret", {}).get("secretName")),
        ):
            if name:
                [made] = [d for d in of_kind(documents, kind) if d["metadata"]["name"] == name]
                found[mount["mountPath"]] = {*(made.get("data") or made["stringData"])}
    return found


@pytest.mark.parametrize("part", ["server", "worker"])
def test_each_file_that_is_named_is_mounted(documents: list[Document], part: str) -> None:
    """By variables, by arguments and by taskkit.toml; and a worker has not the server's token."""
    [told] = pod_of(named(documents, "Deployment", f"taskkit-{part}"))["containers"]
    toml = named(documents, "ConfigMap", "taskkit-config")["data"]["taskkit.toml"]
    places = [one["value"] for one in told["env"] if one["name"].endswith(BY_FILE)]
    places += [word.partition("=")[2] for word in told["args"] if word.startswith("--config")]
    places += re.findall(r'^\w+_file = "(.*)"$', toml, re.MULTILINE)
    files = mounted(documents, part)
    for place in map(Path, places):
        assert place.name in files[str(place.parent)], place
    tokens = [folder for folder, names in files.items() if "token" in names]
    assert tokens == (["/etc/taskkit/server"] if part == "server" else [])


def test_a_worker_has_the_time_that_it_takes_to_hand_back(
    documents: list[Document], tmp_path: Path
) -> None:
    """Else it would be killed in the midst of it, and the job's lease had to run out."""
    text = named(documents, "ConfigMap", "taskkit-config")["data"]["taskkit.toml"]
    (tmp_path / "redis.url").write_text("redis://lab:6379/0")
    file = tmp_path / "taskkit.toml"
    file.write_text(text.replace("/etc/taskkit/shared", str(tmp_path)))
    told = check(file).configuration
    pod = pod_of(named(documents, "Deployment", "taskkit-worker"))
    takes_s = told.worker.finish_s + told.worker.interrupt_s + 2 * told.worker.beat_s
    assert pod["terminationGracePeriodSeconds"] >= takes_s + 10
    pod = pod_of(server(documents))
    waits_s = container(documents)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] >= waits_s + 10
    assert told.server.port == container(documents)["ports"][0]["containerPort"]


def test_workers_are_as_many_as_there_are_jobs_for(documents: list[Document]) -> None:
    """What is scaled by, and how many jobs a worker runs, is one number; and so are its CPUs."""
    scaled = named(documents, "ScaledObject", "taskkit-worker")["spec"]
    [told] = pod_of(named(documents, "Deployment", "taskkit-worker"))["containers"]
    [concurrency] = [w.partition("=")[2] for w in told["args"] if w.startswith("--concurrency")]
    assert scaled["triggers"][0]["metadata"]["threshold"] == concurrency
    assert told["resources"]["limits"]["cpu"] == concurrency
    assert scaled["minReplicaCount"] >= 1


def test_valkey_has_room_to_fork(documents: list[Document]) -> None:
    """Its limit is twice what it may hold."""
    conf = named(documents, "ConfigMap", "taskkit-valkey-config")["data"]["valkey.conf"]
    assert "\nmaxmemory 1gb\n" in conf
    [told] = pod_of(named(documents, "StatefulSet", "taskkit-valkey"))["containers"]
    assert told["resources"]["limits"]["memory"] == "2Gi"


def test_only_servers_and_workers_reach_valkey(documents: list[Document]) -> None:
    """And nothing leaves it."""
    told = named(documents, "NetworkPolicy", "taskkit-valkey")["spec"]
    [way] = told["ingress"]
    names = [
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for peer in way["from"]
    ]
    assert sorted(names) == ["server", "worker"]
    assert told["egress"] == []


def test_taskkit_s_image_is_of_this_release() -> None:
    """Where no overlay says another."""
    for folder in ("base", "example"):
        [told] = read((FOLDER / folder / "kustomization.yaml").read_text())
        assert [image["newTag"] for image in told["images"]] == [taskkit.__version__] * 2


def test_the_image_s_user_is_the_pods_own(documents: list[Document]) -> None:
    """Who may write what is mounted."""
    file = (FOLDER.parent / "images" / "Dockerfile").read_text()
    [user] = re.findall(r"^USER (\d+):\1$", file, re.MULTILINE)
    for part in ("server", "worker"):
        told = pod_of(named(documents, "Deployment", f"taskkit-{part}"))["securityContext"]
        assert {told["runAsUser"], told["runAsGroup"], told["fsGroup"]} == {int(user)}


def test_secrets_are_made_once(tmp_path: Path) -> None:
    """For their maker alone; half a pair is refused, for its other half would not fit."""
    made = make_secrets(tmp_path / "secrets")
    assert {*made} == {"redis.url", "signing.keys", "token", "users.acl"}
    assert make_secrets(tmp_path / "secrets") == made
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()} == {0o600}
    assert make_secrets(tmp_path / "others")["token"] != made["token"]
    (tmp_path / "secrets" / "users.acl").unlink()
    with pytest.raises(subprocess.CalledProcessError):
        make_secrets(tmp_path / "secrets")


def test_kustomize_fills_in_what_the_files_leave_open(
    documents: list[Document], request: pytest.FixtureRequest
) -> None:
    """The name of the place in the ingress, KEDA's say on the number, the namespace."""
    if "as written" in request.node.name:
        pytest.skip("kustomize's own work")
    host = named(documents, "ConfigMap", "taskkit-public")["data"]["host"]
    ingress = named(documents, "Ingress", "taskkit")["spec"]
    assert ingress["rules"][0]["host"] == ingress["tls"][0]["hosts"][0] == host
    assert "replicas" not in named(documents, "Deployment", "taskkit-worker")["spec"]
    for document in documents:
        if document["kind"] != "Namespace":
            assert document["metadata"]["namespace"] == "taskkit", document["metadata"]
    assert all(":" in told["image"] for _, told in containers(documents))
