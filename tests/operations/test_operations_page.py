"""docs/operations.md: its file of settings is one that a server starts with."""

from __future__ import annotations

import re
from pathlib import Path

import taskkit_server.configured
import taskkit_worker.configured
from taskkit.config.loading import load

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"


def test_the_file_of_settings_is_taken_as_it_is(tmp_path: Path) -> None:
    """By server and worker, with secrets from the files that the page makes."""
    text = PAGE.read_text(encoding="utf-8")
    [settings] = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    for name, secret in (("redis.url", "redis://:hush@127.0.0.1:6379/0"), ("token", "correct")):
        file = tmp_path / name
        file.write_text(f"{secret}\n")
        file.chmod(0o600)
        assert f"/etc/taskkit/{name}" in settings
        settings = settings.replace(f"/etc/taskkit/{name}", str(file))
    path = tmp_path / "taskkit.toml"
    path.write_text(settings)
    told = load({}, {}, path=path)
    assert list(told.warnings) == []
    server = taskkit_server.configured.settings_of(told.configuration)
    assert (server.token, server.redis_url) == ("correct", "redis://:hush@127.0.0.1:6379/0")
    assert server.max_queued_jobs == 20_000
    assert "taskkit.example" in server.allowed_hosts
    worker = taskkit_worker.configured.settings_of(told.configuration)
    assert worker.blobs == server.blobs == "/var/lib/taskkit/blobs"


def test_every_page_that_is_named_is_there() -> None:
    """And each of its own sections."""
    text = PAGE.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]*)(?:#[^)]*)?\)", text):
        is_here = target and not target.startswith("https://")
        assert not is_here or (PAGE.parent / target).exists(), target
    sections = {title.lower().replace(" ", "-") for title in re.findall(r"^## (.*)$", text, re.M)}
    assert {"install", "secure", "watch", "back-up", "upgrade"} <= sections
