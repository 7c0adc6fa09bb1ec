"""The real application on the ledger in memory; only the broker is missing."""

from __future__ import annotations

import pytest
from flask import Flask
from serving import DEMO, ISING, TOKEN, FadingLedger, Http, RecordingDispatch

from taskkit.protocol.workers import WorkerInfo
from taskkit_server.app import create_app
from taskkit_server.settings import Settings


@pytest.fixture
def ledger() -> FadingLedger:
    """A ledger that one worker has joined."""
    kept = FadingLedger()
    kept.join(
        WorkerInfo(
            name="lab-7-1f",
            host="lab",
            pid=7,
            processes=2,
            python="3.11.7",
            tasks=(DEMO, ISING),
        )
    )
    return kept


@pytest.fixture
def dispatch() -> RecordingDispatch:
    """The broker's stand-in."""
    return RecordingDispatch()


@pytest.fixture
def settings() -> Settings:
    """A server with a token."""
    return Settings(redis_url="redis://nowhere", token=TOKEN)


@pytest.fixture
def app(settings: Settings, ledger: FadingLedger, dispatch: RecordingDispatch) -> Flask:
    """The whole application."""
    return create_app(settings, ledger, dispatch)  # type: ignore[arg-type]


@pytest.fixture
def http(app: Flask) -> Http:
    """A client with the right token."""
    return Http(app)
