"""Puts a server together; the only place that knows all its parts."""

from __future__ import annotations

from flask import Flask

from taskkit.ledger import Ledger, MemoryTokens, Tokens
from taskkit.protocol.spec import MAX_BODY_BYTES

from .auth import Auth
from .blobs_api import BlobsApi
from .catalogue import Catalogue
from .dispatch import Dispatch
from .gate import Gate
from .jobs_api import JobsApi
from .negotiation import negotiate
from .openapi import document_api
from .output_api import OutputApi
from .owned_blobs import OwnedBlobs
from .page import page
from .problems import answer_errors
from .seats import Seats
from .settings import Settings
from .sockets import Sockets
from .state_api import health_api, state_api
from .submissions import Submissions
from .tokens_api import tokens_api
from .versions import Versions


def create_app(
    settings: Settings, ledger: Ledger, dispatch: Dispatch, tokens: Tokens | None = None
) -> Flask:
    """Return the WSGI application: pages, routes and Socket.IO behind the gate.

    Without `tokens`, those that are made live as long as the application.
    """
    app = Flask("taskkit_server", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined]
    tokens = MemoryTokens() if tokens is None else tokens
    auth = Auth(settings, tokens)
    submissions = Submissions(ledger, Catalogue(ledger), dispatch.message)
    answer_errors(app)
    negotiate(app)
    seats = Seats(settings.max_sockets)
    app.register_blueprint(JobsApi(ledger, submissions).blueprint(auth))
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
    app.register_blueprint(health_api(ledger))
    app.register_blueprint(document_api)
    app.register_blueprint(page)
    Sockets(app, settings, seats, ledger, auth, tokens)
    app.wsgi_app = Gate(Versions(app.wsgi_app), settings.allowed_hosts)  # type: ignore[method-assign]
    return app
