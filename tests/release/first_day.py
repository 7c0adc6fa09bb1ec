"""The first day of a user who has installed the wheel, in a minute."""

from __future__ import annotations

from pathlib import Path

from installing import Installed
from waiting import wait_until

from taskkit.stack.identity import free_port

WHERE = """
import taskkit, taskkit_server, taskkit_worker
print(taskkit.__file__, taskkit_server.__file__, taskkit_worker.__file__)
"""

SCRIPT = """
import taskkit

def squares(n):
    return [k * k for k in taskkit.track(range(n))]

with taskkit.Client() as client:
    print(client.submit(squares, 5).result(60), client.submit("primes", limit=100).result(60))
"""
"""What a user writes first: a function of one's own, and a task that the workers bring."""


def is_whole(it: Installed) -> None:
    """Check it: up, jobs, down, and nothing is left but what is kept of jobs."""
    where = it.run("python", "-c", WHERE)
    assert all(Path(path).is_relative_to(it.packages) for path in where.split())
    (it.work / "first.py").write_text(SCRIPT)
    up = it.run("taskkit", "up", "--detach", "--port", str(free_port()), "--workers", "1")
    assert "taskkit is ready" in up
    assert it.run("python", "first.py").strip().endswith("[0, 1, 4, 9, 16] 25")
    # A part is "starting" in its first seconds, whether or not it serves already.
    wait_until(lambda: it.run("taskkit", "status").count("running") == 3, 20)
    assert any("taskkit_worker" in line for line in it.processes())
    assert "nothing is left running" in it.run("taskkit", "down")
    assert it.processes() == []
    assert "No stack is running" in it.run("taskkit", "status", fails=True)
    kept = it.home / ".local" / "share" / "taskkit"
    outside = [
        path
        for folder in (it.home, it.work, it.temporary)
        for path in folder.rglob("*")
        if path.is_file() and not path.is_relative_to(kept)
    ]
    assert sorted(path.name for path in outside) == ["first.py", "lock"]
    assert {path.name for path in kept.iterdir()} == {
        *("blobs", "identity.json", "lock", "logs", "redis", "signing.keys")
    }
