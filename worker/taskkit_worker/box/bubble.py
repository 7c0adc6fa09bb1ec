"""How bubblewrap is told to start a job's own process: what of this machine is there in it.

Source: bwrap(1). Of what is not named there, nothing is there.
"""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import taskkit
import taskkit_worker

from ..sandbox import KEPT

PROGRAM = "bwrap"
INSTALL = (
    "bubblewrap is not installed (apt-get install bubblewrap, dnf install bubblewrap, "
    "pacman -S bubblewrap)"
)

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")

OF_ETC = (
    *("passwd", "group", "nsswitch.conf", "hosts", "host.conf", "resolv.conf", "services"),
    *("protocols", "gai.conf", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime"),
    *("timezone", "locale.alias", "locale.conf", "alternatives", "ssl/certs", "ssl/openssl.cnf"),
    *("pki/tls/certs", "pki/ca-trust/extracted", "ca-certificates", "crypto-policies", "fonts"),
    *("mime.types", "machine-id", "os-release", "debian_version", "OpenCL", "magic"),
)
"""The files that programs look for and that hold no secret."""

MACHINE = "/sys/devices/system"
"""Of processors and memory; what counts cores looks there."""

DEVICES = ("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-modeset", "/dev/kfd", "/dev/dri")
"""Of graphics cards, where there are any; and ``/dev/nvidia0`` and so on."""

SCRATCH = "/tmp"  # noqa: S108  # a folder of the job's own is there

_UNSET = {"HOME", "TMPDIR", "MPLCONFIGDIR", "XDG_CACHE_HOME", "SHELL"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """What the boxes of one worker have."""

    tasks: tuple[str, ...] = ()
    #: Where the named tasks are.
    paths: tuple[str, ...] = ()
    #: Folders and files of this machine that jobs may read, and with ``:rw`` at the end write.
    has_network: bool = True
    cpu_s: float | None = None
    #: How much CPU time each process of an attempt may take.
    hidden: tuple[Path, ...] = ()
    #: Files that are never there, whatever folder they are in: keys and the configuration.

    def command(self, scratch: Path, line: int) -> list[str]:
        """Return the command that starts one, with its folder and its end of the line."""
        words = [_program() or PROGRAM, "--unshare-user", "--unshare-pid", "--unshare-ipc"]
        words += ["--unshare-uts", "--unshare-cgroup-try", "--die-with-parent", "--new-session"]
        words += ["--cap-drop", "ALL"]
        if _can("--disable-userns"):
            words += ["--disable-userns"]
        if not self.has_network:
            words += ["--unshare-net"]
        words += ["--proc", "/proc", "--dev", "/dev"]
        for device in (*DEVICES, *map(str, sorted(Path("/dev").glob("nvidia[0-9]*")))):
            words += ["--dev-bind-try", device, device]
        for path, shown in _of_roots():
            words += ["--ro-bind-try", shown, path]
        words += ["--bind", str(scratch), SCRATCH, "--symlink", SCRATCH, "/var/tmp"]  # noqa: S108
        for path in self._readable():
            words += ["--ro-bind-try", path, path]
        for path, is_writable in map(parted, self.paths):
            words += ["--bind" if is_writable else "--ro-bind", path, path]
        for place in self._hiding():
            words += ["--ro-bind", os.devnull, place]
        # What is not any of these is memory that nobody bounds.
        words += ["--remount-ro", "/", "--chdir", SCRATCH]
        words += ["--", sys.executable, "-P", "-m", "taskkit_worker.box.inside"]
        words += ["--line", str(line)]
        words += [word for task in self.tasks for word in ("--tasks", _whole(task))]
        words += [word for one in places(self.tasks) for word in ("--from", str(one.parent))]
        return words + ([] if self.cpu_s is None else ["--cpu-s", str(self.cpu_s)])

    def _readable(self) -> list[str]:
        system = [path for path in SYSTEM if Path(path).exists()]
        etc = [f"/etc/{name}" for name in OF_ETC]
        return list(
            dict.fromkeys([*system, *etc, MACHINE, *pythons(), *map(str, places(self.tasks))])
        )

    def _hiding(self) -> list[str]:
        """Return where in a box something would be that is to be hidden, by whatever name."""
        found = []
        for shown in [*self._readable(), *(path for path, _ in map(parted, self.paths))]:
            real = Path(shown).resolve()
            for hidden in (one.resolve() for one in self.hidden):
                if hidden.is_file() and hidden.is_relative_to(real):
                    found.append(str(Path(shown) / hidden.relative_to(real)))
        return list(dict.fromkeys(found))


def environment() -> dict[str, str]:
    """Return the variables that a box has."""
    kept = {name: value for name, value in os.environ.items() if KEPT.fullmatch(name)}
    home = {"HOME": SCRATCH, "TMPDIR": SCRATCH}
    if site.ENABLE_USER_SITE:
        home["PYTHONUSERBASE"] = site.getuserbase()
    return {**{name: value for name, value in kept.items() if name not in _UNSET}, **home}


def why_none() -> str:
    """Return why bubblewrap is not to be had here; "" where it is."""
    return "" if _program() else INSTALL


def parted(path: str) -> tuple[str, bool]:
    """Return a folder's path, and whether it may be written.

    >>> parted("/data"), parted("/scratch:rw")
    (('/data', False), ('/scratch', True))
    """
    return (path.removesuffix(":rw"), True) if path.endswith(":rw") else (path, False)


def pythons() -> list[str]:
    """Return where this Python, its packages and taskkit are."""
    program = Path(sys.executable)
    found = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix]
    found += [str(Path(os.path.realpath(program)).parents[1])]
    found += [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    if site.ENABLE_USER_SITE:
        found += [site.getusersitepackages()]
    found += [*taskkit.__path__, *taskkit_worker.__path__]
    return [path for path in dict.fromkeys(found) if path not in ("/", "") and Path(path).exists()]


def places(tasks: Iterable[str]) -> list[Path]:
    """Return where named tasks are: of a package its folder, of a file the one that it is in."""
    found = []
    for task in tasks:
        path = Path(task)
        if path.is_dir() or path.suffix == ".py":
            found.append((path if path.is_dir() else path.parent).resolve())
            continue
        spec = find_spec(task.partition(".")[0])
        if spec is not None:
            found += map(Path, spec.submodule_search_locations or filter(None, [spec.origin]))
    return found


def _of_roots() -> list[tuple[str, str]]:
    """Return what root could write of the system, also without privileges, and what is to be seen.

    That of /proc which is no process's, such as ``sys/kernel/core_pattern``: it goes by the user's
    number alone. What only root reads is not seen.
    """
    if os.geteuid() != 0:
        return []
    found = []
    for one in sorted(Path("/proc").iterdir()):
        if not (one.name.isdigit() or one.is_symlink()):
            is_open = one.is_dir() or one.stat().st_mode & 0o044
            found.append((str(one), str(one) if is_open else os.devnull))
    return found


def _whole(task: str) -> str:
    path = Path(task)
    return str(path.resolve()) if path.is_dir() or path.suffix == ".py" else task


def _program() -> str | None:
    return shutil.which(PROGRAM)


@cache
def _can(option: str) -> bool:
    command: Sequence[str] = (_program() or PROGRAM, "--help")
    said = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return option in said.stdout
