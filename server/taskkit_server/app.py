"""Puts a server together; the only place that knows all its parts."""

from __future__ import annotations

from functools import partial

from flask import Flask, Response, g, request

from taskkit.ledger import Ledger, MemoryShares, MemoryTokens, Shares, Tokens
from taskkit.protocol.spec import MAX_BODY_BYTES
from taskkit.tracing import Tracing

from .access.auth import Auth
from .access.gate import Gate, WsgiApp
from .access.hub import Hub
from .access.hub_session import HubSession
from .contract.negotiation import negotiate
from .contract.openapi import document_api
from .contract.problems import answer_errors
from .contract.versions import Versions
from .live.seats import Seats
from .live.sockets import Sockets
from .metrics.counts import Metrics
from .metrics.witness import witness
from .process.mount import Mount
from .routes.blobs import BlobsApi
from .routes.catalogue import Catalogue
from .routes.hub_signin import signin
from .routes.jobs import JobsApi
from .routes.metrics import metrics_api
from .routes.output import OutputApi
from .routes.owned_blobs import OwnedBlobs
from .routes.page import page
from .routes.shares import SharesApi
from .routes.state import health_api, state_api
from .routes.submissions import Submissions
from .routes.tokens import tokens_api
from .routes.workforce import Workforce
from .settings import Settings
from .upkeep.dispatch import Dispatch


def create_app(
    settings: Settings,
    ledger: Ledger,
    dispatch: Dispatch,
    tokens: Tokens | None = None,
    *,
    shares: Shares | None = None,
    metrics: Metrics | None = None,
    tracing: Tracing | None = None,
) -> Flask:
    """Return the WSGI application: pages, routes and Socket.IO behind the gate.

    Without `tokens` and `shares`, those that are made live as long as the application. `metrics`
    are what it counts of itself.
    """
    app = Flask("taskkit_server", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined]
    tokens = MemoryTokens() if tokens is None else tokens
    shares = MemoryShares() if shares is None else shares
    metrics = Metrics() if metrics is None else metrics
    hub = Hub(settings.hub) if settings.hub else None
    session = HubSession(settings.hub) if settings.hub else None
    auth = Auth(settings, tokens, hub, session, shares)
    workforce = Workforce(ledger)
    submissions = Submissions(ledger, Catalogue(ledger), dispatch.message, workforce)
    answer_errors(app)
    negotiate(app)
    seats = Seats(settings.max_sockets)
    app.register_blueprint(JobsApi(ledger, submissions, workforce, tracing).blueprint(auth))
    app.register_blueprint(OutputApi(ledger, auth, seats).blueprint())
    blobs = OwnedBlobs(
        ledger,
        settings.blobs,
        settings.blobs_cache,
        max_stored_bytes=settings.max_stored_bytes,
    )
    app.register_blueprint(BlobsApi(blobs, settings.max_blob_bytes).blueprint(auth))
    app.register_blueprint(state_api(ledger, settings, auth))
    app.register_blueprint(tokens_api(tokens, auth))
    app.register_blueprint(SharesApi(ledger, shares, settings).blueprint(auth))
    app.register_blueprint(health_api(ledger, dispatch.trouble))
    app.register_blueprint(document_api)
    app.register_blueprint(metrics_api(metrics, auth))
    if settings.hub and hub and session:
        # Before the page, whose index it has with a way to sign in.
        app.register_blueprint(signin(settings.hub, hub, auth, session))
    app.register_blueprint(page)
    Sockets(app, settings, seats, ledger, auth, metrics)
    served: WsgiApp = Versions(app.wsgi_app)
    if settings.hub is not None:
        served = Mount(served, settings.hub.prefix)
    app.wsgi_app = Gate(served, settings.allowed_hosts)  # type: ignore[method-assign]
    witness(app, metrics, is_access_logged=settings.access_log)
    app.after_request(partial(_ring, dispatch))
    return app


def _ring(dispatch: Dispatch, response: Response) -> Response:
    if request.blueprint == "jobs" and request.method == "POST" and "owner" in g:
        dispatch.ring()
    return response
