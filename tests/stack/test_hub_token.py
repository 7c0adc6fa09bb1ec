"""To whom a notebook shows the token that JupyterHub gave it, and to nobody else."""

from __future__ import annotations

import pytest

from taskkit.connection import Connection, find
from taskkit.hub_token import hub_token

HUB = {
    "JUPYTERHUB_API_TOKEN": "of-the-hub",
    "JUPYTERHUB_API_URL": "http://10.0.0.5:8081/hub/api",
    "JUPYTERHUB_BASE_URL": "/",
    "JUPYTERHUB_PUBLIC_HUB_URL": "https://hub.example.org/hub/",
}


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.5:8000/services/taskkit",
        "http://10.0.0.5/services/taskkit/",
        "https://10.0.0.5:8443/services/taskkit",
        "https://hub.example.org/services/taskkit",
        "https://HUB.example.org:443/services/taskkit",
    ],
)
def test_a_service_of_the_hub_gets_it(url: str) -> None:
    """At the host of the API, by whatever port, and at the public address."""
    assert hub_token(url, HUB) == "of-the-hub"


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.6:8000/services/taskkit",
        "http://elsewhere/services/taskkit",
        "http://hub.example.org/services/taskkit",  # in plain text
        "https://hub.example.org:8443/services/taskkit",
        "https://hub.example.org.evil.org/services/taskkit",
        "https://hub.example.org@evil.org/services/taskkit",
        "https://evil.org\\@hub.example.org/services/taskkit",
        "https://evil.org#@hub.example.org/services/taskkit",
        "https://evil.org?hub.example.org/services/taskkit",
        "https://eve@hub.example.org/services/taskkit",
        "http://10.0.0.5:8000/user/eve/services/taskkit",
        "http://10.0.0.5:8000/services/../user/eve",
        "http://10.0.0.5:8000/services/%2e%2e/user/eve",
        "http://10.0.0.5:8000/services//taskkit",
        "http://10.0.0.5:8000/services",
        "http://10.0.0.5:5000",
        "http://10.0.0.5:99999/services/taskkit",
        "http://[10.0.0.5/services/taskkit",
        "ftp://10.0.0.5/services/taskkit",
        "10.0.0.5:8000/services/taskkit",
        "",
    ],
)
def test_nobody_else_gets_it(url: str) -> None:
    """Other hosts, other users' servers, and whatever two programs may read in two ways."""
    assert hub_token(url, HUB) is None


def test_it_does_not_leave_https() -> None:
    """Where the Hub's API is asked by HTTPS, the same host in plain text is not."""
    secure = {**HUB, "JUPYTERHUB_API_URL": "https://10.0.0.5:8081/hub/api"}
    assert hub_token("http://10.0.0.5:8000/services/taskkit", secure) is None
    assert hub_token("https://10.0.0.5/services/taskkit", secure) == "of-the-hub"


@pytest.mark.parametrize("name", ["JUPYTERHUB_API_TOKEN", "JUPYTERHUB_API_URL"])
def test_outside_of_a_hub_there_is_none(name: str) -> None:
    """A variable alone says nothing of a Hub."""
    url = "http://10.0.0.5:8000/services/taskkit"
    assert hub_token(url, {**HUB, name: ""}) is None


def test_a_hub_below_a_path_has_its_services_there() -> None:
    """What is beside it at the host is not of the Hub."""
    below = {**HUB, "JUPYTERHUB_BASE_URL": "/jupyter/"}
    assert hub_token("https://hub.example.org/jupyter/services/taskkit", below) == "of-the-hub"
    assert hub_token("https://hub.example.org/services/taskkit", below) is None


def test_a_notebook_in_a_hub_needs_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is enough; a token that was set comes first."""
    for name, value in HUB.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TASKKIT_URL", "http://10.0.0.5:8000/services/taskkit/")
    assert find() == Connection("http://10.0.0.5:8000/services/taskkit", "of-the-hub")
    monkeypatch.setenv("TASKKIT_TOKEN", "own")
    assert find() == Connection("http://10.0.0.5:8000/services/taskkit", "own")
    monkeypatch.delenv("TASKKIT_TOKEN")
    monkeypatch.setenv("TASKKIT_URL", "http://elsewhere/services/taskkit")
    assert find() == Connection("http://elsewhere/services/taskkit", None)
