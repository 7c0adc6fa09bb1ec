"""Pods of deploy/kubernetes as processes of this machine: their command, variables, files, probes.

Places differ, nothing else does: folders are mounted below one of the test's own, ports are free
ones, and the service of Valkey has another name. Where the tests are root's and the kernel lets
them, nothing can be written beside the volumes that are there to be written; and where others may
run what root runs, processes are the user that the pod says, to whom Kubernetes lends secrets as
here: root's, mode 0440, of the pod's group.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
from manifests import Document, named, of_kind, pod_of
from redis_process import redis_binary
from waiting import wait_until

POD_IP = "10.244.1.7"


@dataclass
class Node:
    """Where pods run."""

    documents: list[Document]
    folder: Path
    renamed: dict[str, str]
    #: What is written in the documents -> what it is here.

    def here(self, text: str) -> str:
        """Return a text with this machine's names and ports."""
        for there, here in self.renamed.items():
            text = text.replace(there, here)
        return text


@dataclass
class Pod:
    """One that runs."""

    process: subprocess.Popen[bytes]
    log: Path
    container: Document
    root: Path
    environment: dict[str, str]

    def text(self) -> str:
        """Return what it has logged."""
        return self.log.read_text()

    def probe(self, name: str) -> bool:
        """Return what kubelet would find; without waiting."""
        told = self.container[name]
        if "exec" in told:
            command = [_below(self.root, word) for word in told["exec"]["command"]]
            return subprocess.run(command, check=False, timeout=20).returncode == 0
        return self.get(told["httpGet"]["path"], host=f"{POD_IP}:5000") == 200

    def get(self, path: str, *, host: str, **headers: str) -> int:
        """Ask the server of this pod as somebody who knows it by that name; return the status."""
        given = {"Host": host, **headers}
        try:
            return urllib3.request(
                "GET", self.environment["URL"] + path, headers=given, retries=False, timeout=20
            ).status
        except urllib3.exceptions.HTTPError:
            return 0


def _below(root: Path, text: str) -> str:
    """Return a text whose paths are below the pod's own root."""
    return re.sub(r"(?<![\w.])/(etc|run|var|tmp|data)(?=[/\s\"]|$)", rf"{root}/\1", text)


def _lay(node: Node, root: Path, workload: Document, *, is_lent: bool) -> list[Path]:
    """Make the folders and files that the pod finds; return what it may write."""
    writable = []
    pod = pod_of(workload)
    user = pod["securityContext"]["runAsUser"]
    claims = [one["metadata"]["name"] for one in workload["spec"].get("volumeClaimTemplates", ())]
    for mount in pod["containers"][0]["volumeMounts"]:
        place = root / mount["mountPath"].lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        volumes = [one for one in pod.get("volumes", ()) if one["name"] == mount["name"]]
        if mount["name"] in claims or "persistentVolumeClaim" in volumes[0]:
            shared = node.folder / "claims" / mount["name"]
            shared.mkdir(parents=True, exist_ok=True)
            if is_lent:
                _lend(shared, user, user, 0o2770)
            place.symlink_to(shared)
            writable.append(shared)
            continue
        place.mkdir(exist_ok=True)
        if "emptyDir" in volumes[0]:
            writable.append(place)
            if is_lent:
                _lend(place, 0, user, 0o2777)
            continue
        for name, text in _content(node, volumes[0]).items():
            file = place / name
            file.write_text(_below(root, node.here(text)))
            file.chmod(0o400 if "secret" in volumes[0] else 0o644)
            if is_lent and "secret" in volumes[0]:
                _lend(file, 0, user, 0o440)
    return writable


def _lend(path: Path, owner: int, group: int, mode: int) -> None:
    os.chown(path, owner, group)
    path.chmod(mode)


def _content(node: Node, volume: dict[str, Any]) -> dict[str, str]:
    if "configMap" in volume:
        made = named(node.documents, "ConfigMap", volume["configMap"]["name"])
        return dict(made["data"])
    made = named(node.documents, "Secret", volume["secret"]["secretName"])
    if "stringData" in made:
        return dict(made["stringData"])
    return {name: base64.b64decode(text).decode() for name, text in made["data"].items()}


def _variables(node: Node, root: Path, container: Document) -> dict[str, str]:
    """Return the container's variables, expanded as Kubernetes does: from those before."""
    found: dict[str, str] = {}
    for told in container.get("env", ()):
        source = told.get("valueFrom", {})
        if source.get("fieldRef", {}).get("fieldPath") == "status.podIP":
            value = POD_IP
        elif key := source.get("configMapKeyRef"):
            value = named(node.documents, "ConfigMap", key["name"])["data"][key["key"]]
        else:
            value = re.sub(r"\$\((\w+)\)", lambda name: found[name[1]], told["value"])
            value = _below(root, value)
        found[told["name"]] = value
    return found


def _command(container: Document, root: Path) -> list[str]:
    command: list[str] = container["command"]
    if command[:2] == ["tini", "--"]:
        command = command[2:]  # PID 1 of a container; here there is another one
    program, *words = [*command, *container["args"]]
    programs = {
        "taskkit": [sys.executable, "-P", "-m", "taskkit"],
        "valkey-server": [str(redis_binary())],
    }
    return programs[program] + [_below(root, word) for word in words]


def _as_user(user: int, program: str) -> dict[str, Any]:
    """Return how Popen gets the pod's user; nothing where that user may not run the program."""
    if os.getuid() != 0:
        return {}
    told: dict[str, Any] = {"user": user, "group": user, "extra_groups": []}
    try:
        done = subprocess.run([program, "--version"], capture_output=True, check=False, **told)
    except PermissionError:
        return {}
    return told if done.returncode == 0 else {}


READ_ONLY = """\
mount --make-rprivate /
while [ "$1" != -- ]; do mount --bind "$1" "$1"; shift; done; shift
mount -o remount,bind,ro /
exec "$@"
"""


def _read_only(writable: list[Path], command: list[str], who: dict[str, Any]) -> list[str]:
    """Return a command that sees all of this machine as read-only but for these folders."""
    inside = ["unshare", "--mount", "sh", "-euc", READ_ONLY, "sh"]
    inside += [*map(str, writable), "--"]
    if who:
        inside += ["setpriv", f"--reuid={who['user']}", f"--regid={who['group']}", "--clear-groups"]
    return inside + command


def _can_be_read_only() -> bool:
    """Return whether this machine lets the tests do that."""
    if os.getuid() != 0 or shutil.which("setpriv") is None or shutil.which("unshare") is None:
        return False
    trial = ["test", "!", "-w", "/etc"]
    done = subprocess.run(_read_only([], trial, {}), capture_output=True, check=False)
    return done.returncode == 0


@contextmanager
def pod(node: Node, kind: str, name: str, number: int = 0) -> Iterator[Pod]:
    """Run a pod of a workload until the end of the block; return at its start."""
    workload = named(node.documents, kind, name)
    [container] = pod_of(workload)["containers"]
    root = node.folder / f"{name}-{number}"
    root.mkdir()
    root.chmod(0o755)
    command = _command(container, root)
    who = _as_user(pod_of(workload)["securityContext"]["runAsUser"], command[0])
    writable = _lay(node, root, workload, is_lent=bool(who))
    environment = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", "LANG": "C.UTF-8"}
    environment |= _variables(node, root, container)
    (root / "tmp").mkdir(exist_ok=True)
    environment |= {"TMPDIR": str(root / "tmp"), "MPLCONFIGDIR": str(root / "tmp")}
    if _can_be_read_only():
        command, who = _read_only(writable, command, who), {}
    log = node.folder / f"{name}-{number}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=root,
            env=environment,
            stdout=file,
            stderr=file,
            **who,
        )
    environment["URL"] = f"http://{node.renamed['0.0.0.0']}:{node.renamed['port = 5000'][7:]}"
    running = Pod(process, log, container, root, environment)
    try:
        yield running
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=60)


def wait_started(running: Pod) -> Pod:
    """Return when the pod's startup probe is content."""

    def is_started() -> bool:
        assert running.process.poll() is None, running.text()
        return running.probe("startupProbe")

    wait_until(is_started)
    return running


def workloads(documents: list[Document]) -> list[str]:
    """Return the names of all that run."""
    return [one["metadata"]["name"] for one in of_kind(documents, "Deployment", "StatefulSet")]
