"""deploy/images and deploy/compose by their form, without a container; `make images` runs them."""

from __future__ import annotations

import copy
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
import yaml
from manifests import Document
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import taskkit
from taskkit.config.loading import check
from taskkit.config.names import BY_FILE, OTHERS
from taskkit.config.tables import SETTINGS

DEPLOY = Path(__file__).parents[2] / "deploy"
DOCKERFILE = (DEPLOY / "images" / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = DEPLOY / "compose"
PARTS = ("server", "worker")


@pytest.fixture
def compose() -> Document:
    """compose.yaml, read."""
    told: Document = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
    return told


def stages() -> dict[str, list[str]]:
    """Return the instructions of each stage of the Dockerfile, continued lines as one."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    found: dict[str, list[str]] = {"": []}
    name = ""
    for line in filter(None, (" ".join(line.split()) for line in text.splitlines())):
        if line.startswith("FROM "):
            name = line.rpartition(" AS ")[2]
            found[name] = []
        found[name].append(line)
    return found


@pytest.mark.parametrize("part", PARTS)
def test_a_part_s_image_is_nobody_root_s_and_tells_how_it_is(part: str) -> None:
    """Made of the base with what was installed elsewhere: nothing is installed in it."""
    base, own = stages()["base"], stages()[part]
    assert own[0] == f"FROM base AS {part}"
    assert "USER 10001:10001" in base
    assert not [line for line in own if line.startswith(("USER", "RUN"))]
    assert 'ENTRYPOINT ["tini", "--", "taskkit"]' in base
    assert "STOPSIGNAL SIGTERM" in base
    assert own[-1] == f'CMD ["{part}"]'
    [check_] = [line for line in own if line.startswith("HEALTHCHECK")]
    assert check_.endswith('CMD ["healthy"]')
    assert not [line for line in base if re.search(r"apt-get|pip|COPY \.", line)]
    [version] = re.findall(r'image\.version="([^"]*)"', DOCKERFILE)
    assert version == taskkit.__version__


def test_nothing_is_installed_but_by_hashes() -> None:
    """As wheels that the lock names, or from what was built in the image that builds."""
    calls = re.findall(r"\bpip(?: --python \S+)? (?:install|wheel)(?:(?!&&).)*", _joined())
    assert len(calls) == 5
    for call in calls:
        is_locked = "--require-hashes --only-binary :all: -r" in call
        assert "--no-deps" in call
        assert is_locked or "--no-index" in call, call
    assert not re.search(r"https?://|index-url|trusted-host", DOCKERFILE)


def _joined() -> str:
    return "\n".join(line for lines in stages().values() for line in lines)


def locked(*words: str) -> str:
    """Return what pip would be told of a part."""
    root = str(DEPLOY.parent)
    command = [sys.executable, str(DEPLOY / "images" / "locked.py"), "--root", root, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def names(entries: str) -> set[str]:
    """Return the packages of some entries."""
    return set(re.findall(r"^([a-z0-9-]+)==", entries, re.MULTILINE))


def needed(requirement: Requirement) -> Iterator[str]:
    """Yield what has to be there for a requirement, by what is installed here."""
    waiting, seen = [requirement], set[tuple[str, str]]()
    while waiting:
        one = waiting.pop()
        for extra in ("", *one.extras):
            if (one.name, extra) in seen:
                continue
            seen.add((one.name, extra))
            yield canonicalize_name(one.name)
            further = map(Requirement, requires(one.name) or ())
            waiting += [
                each
                for each in further
                if each.marker is None or each.marker.evaluate({"extra": extra})
            ]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_has_all_that_it_needs_and_little_else(part: str) -> None:
    """By the packages' own words: what is picked from the lock is complete."""
    picked = names(locked(part))
    wanted = {*needed(Requirement(f"taskkit-notebook[{part}]"))} - {"taskkit-notebook"}
    assert wanted <= picked
    assert not picked & {"jupyterlab", "pytest", "matplotlib", "uv", "ruff", "torch"}
    assert len(picked - wanted) <= 15, picked - wanted


def test_entries_are_the_lock_s_own() -> None:
    """With each of their hashes; a package may have one for each Python."""
    lock = (DEPLOY.parent / "requirements.lock").read_text(encoding="utf-8")
    entries = locked("worker", "scikit-learn", "--without", "psutil")
    assert {"numpy", "scikit-learn", "scipy", "threadpoolctl"} <= names(entries)
    assert "psutil" not in names(entries)
    blocks = re.split(r"^(?=[a-z0-9-]+==)", entries, flags=re.MULTILINE)
    assert all(block in lock for block in blocks)
    assert all("--hash=sha256:" in block for block in blocks if block)
    assert len(re.findall(r"^numpy==", entries, re.MULTILINE)) == len(
        re.findall(r"^numpy==", lock, re.MULTILINE)
    )


def test_a_package_that_the_lock_has_not_is_refused() -> None:
    """In words, not by an image without it."""
    with pytest.raises(AssertionError, match="has no astropyy"):
        locked("worker", "astropyy")


def test_the_build_sees_what_it_takes_and_no_more() -> None:
    """Neither the repository's history nor anybody's secrets are sent to who builds."""
    lines = (DEPLOY.parent / ".dockerignore").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if not line.startswith("#")]
    assert lines[0] == "*"
    let_in = {line[1:] for line in lines if line.startswith("!")}
    assert all((DEPLOY.parent / name).exists() for name in let_in)
    assert {"requirements.lock", "pyproject.toml", "taskkit", "server", "worker"} <= let_in
    assert not {"deploy", "deploy/compose", ".git", "tests"} & let_in
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    for source in " ".join(copied).split():
        assert source == "." or any(source.startswith(name) for name in let_in), source


def faults(told: Document) -> list[str]:
    """Return what is wrong with a compose.yaml."""
    found = []
    secret = re.compile(r"(?i)(password|passwd|token|secret|key)")
    for name, service in told["services"].items():
        wanted = {
            "writes its root": service.get("read_only") is True,
            "has capabilities": service.get("cap_drop") == ["ALL"] and "cap_add" not in service,
            "may gain rights": service.get("security_opt") == ["no-new-privileges:true"],
            "is not started again": service.get("restart") == "unless-stopped",
            "has no check": "test" in service.get("healthcheck", {}),
            "may be any": re.search(r":[0-9][^:/]*$", _default(service["image"])),
            "is killed soon": "stop_grace_period" in service,
            "is on all networks": "networks" in service,
            "is the machine's": not {"privileged", "network_mode", "pid", "ipc"} & service.keys(),
        }
        found += [f"{name} {what}" for what, is_kept in wanted.items() if not is_kept]
        for variable, value in service.get("environment", {}).items():
            if secret.search(variable) and not (
                variable.endswith(BY_FILE) and str(value).startswith("/run/secrets/")
            ):
                found.append(f"{name}: {variable} is no file")
        found += [
            f"{name}: there is no secret {one}"
            for one in service.get("secrets", ())
            if one not in told["secrets"]
        ]
        for port in service.get("ports", ()):
            if not _default(port).startswith("127.0.0.1:"):
                found.append(f"{name} listens to the world")
    found += [f"{name} is not a file" for name, one in told["secrets"].items() if "file" not in one]
    return found


def _default(text: str) -> str:
    """Return a text as it is where no variable is set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def test_each_service_may_little_and_is_looked_after(compose: Document) -> None:
    """Rights, restarts, checks, secrets by file, ports: see `faults`."""
    assert faults(compose) == []


BREAKS: dict[str, Callable[[Any], object]] = {
    "server writes its root": lambda s: s["server"].pop("read_only"),
    "worker has capabilities": lambda s: s["worker"].update(cap_add=["SYS_ADMIN"]),
    "worker may gain rights": lambda s: s["worker"].pop("security_opt"),
    "valkey is not started again": lambda s: s["valkey"].pop("restart"),
    "server has no check": lambda s: s["server"].pop("healthcheck"),
    "valkey may be any": lambda s: s["valkey"].update(image="docker.io/valkey/valkey:latest"),
    "worker is killed soon": lambda s: s["worker"].pop("stop_grace_period"),
    "TASKKIT_TOKEN is no file": lambda s: s["server"]["environment"].update(TASKKIT_TOKEN="x"),
    "there is no secret tokens": lambda s: s["server"]["secrets"].append("tokens"),
    "server listens to the world": lambda s: s["server"].update(ports=["5000:5000"]),
    "server is the machine's": lambda s: s["server"].update(network_mode="host"),
}


@pytest.mark.parametrize("fault", BREAKS)
def test_each_fault_is_found(compose: Document, fault: str) -> None:
    """A rule that finds nothing would be none."""
    broken = copy.deepcopy(compose)
    BREAKS[fault](broken["services"])
    assert any(fault in found for found in faults(broken)), faults(broken)


def test_who_has_which_secret_and_network(compose: Document) -> None:
    """The token is the server's alone; Valkey is in a network that leads nowhere."""
    services = compose["services"]
    assert {name: sorted(one["secrets"]) for name, one in services.items()} == {
        "valkey": ["users.acl"],
        "server": ["redis.url", "signing.keys", "token"],
        "worker": ["redis.url", "signing.keys"],
    }
    assert [*services["valkey"]["networks"]] == ["ledger"]
    assert compose["networks"]["ledger"] == {"internal": True}
    shared = {*services["server"]["networks"]} & {*services["worker"]["networks"]}
    assert shared == {"ledger"}
    aliases = services["valkey"]["networks"]["ledger"]["aliases"]
    assert f"@{aliases[0]}:6379" in (DEPLOY / "kubernetes" / "secrets.sh").read_text()


@pytest.mark.parametrize("part", PARTS)
def test_a_service_is_the_image_of_this_release(compose: Document, part: str) -> None:
    """As build.sh calls it; it is looked after as the image itself says."""
    service = compose["services"][part]
    assert _default(service["image"]) == f"taskkit-{part}:{taskkit.__version__}"
    assert f"build {part} " in (DEPLOY / "images" / "build.sh").read_text()
    assert service["healthcheck"]["test"] == ["CMD", "healthy"]
    [told] = [line for line in stages()[part] if line.startswith("HEALTHCHECK")]
    for name in ("interval", "timeout", "start_period", "retries"):
        assert f"--{name.replace('_', '-')}={service['healthcheck'][name]} " in told


def test_variables_are_taskkit_s_and_files_are_mounted(compose: Document, tmp_path: Path) -> None:
    """What server and worker are told is known; and a worker has time to hand its jobs back."""
    known = {one.variable for one in SETTINGS} | OTHERS
    known |= {one.variable + BY_FILE for one in SETTINGS if one.secret}
    for part in PARTS:
        service = compose["services"][part]
        assert service["environment"].keys() - known == set()
        mounted = {one.split(":")[1] for one in service["volumes"]}
        assert service["environment"]["TASKKIT_CONFIG"] in mounted
        for variable, value in service["environment"].items():
            if variable.endswith(BY_FILE):
                assert Path(value).name in service["secrets"]
    text = (COMPOSE / "taskkit.toml").read_text()
    (tmp_path / "redis.url").write_text("redis://lab:6379/0")
    (tmp_path / "taskkit.toml").write_text(text.replace("/run/secrets", str(tmp_path)))
    told = check(tmp_path / "taskkit.toml").configuration
    grace = compose["services"]["worker"]["stop_grace_period"]
    takes_s = told.worker.finish_s + told.worker.interrupt_s + 2 * told.worker.beat_s
    assert int(grace.removesuffix("s")) >= takes_s + 10
    assert f"{told.blobs.place}" in mounted
    assert _default(compose["services"]["server"]["ports"][0]).endswith(f":{told.server.port}")


def test_valkey_is_told_the_same_as_on_kubernetes() -> None:
    """But for where its users are."""
    ours = (COMPOSE / "valkey.conf").read_text()
    theirs = (DEPLOY / "kubernetes" / "base" / "valkey.conf").read_text()
    assert ours.replace("/run/secrets/", "/etc/valkey/secret/") == theirs


def test_every_variable_that_is_read_is_explained(compose: Document) -> None:
    """In example.env, with the value that holds without it."""
    read_ = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", (COMPOSE / "compose.yaml").read_text()))
    explained = dict(
        re.findall(r"^#(LAB_\w+)=(.*)$", (COMPOSE / "example.env").read_text(), re.MULTILINE)
    )
    assert read_.keys() == explained.keys()
    assert {k: v for k, v in read_.items() if v} == {k: explained[k] for k, v in read_.items() if v}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can lend files")
def test_secrets_are_lent_to_the_containers_users(tmp_path: Path) -> None:
    """Root's, mode 0440, of the group that the container is in: others read nothing."""
    subprocess.run(["cp", "-r", str(DEPLOY), str(tmp_path)], check=True)
    script = tmp_path / "deploy" / "compose" / "secrets.sh"
    for _ in range(2):  # the second run changes nothing
        subprocess.run(["sh", str(script)], check=True, timeout=30)
    made = {path.name: path.stat() for path in (script.parent / "secrets").iterdir()}
    assert {name: (s.st_uid, s.st_gid, s.st_mode & 0o777) for name, s in made.items()} == {
        "redis.url": (0, 10001, 0o440),
        "signing.keys": (0, 10001, 0o440),
        "token": (0, 10001, 0o440),
        "users.acl": (0, 999, 0o440),
    }
    assert (script.parent / "secrets").stat().st_mode & 0o777 == 0o700
