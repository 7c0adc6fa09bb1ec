"""Signing in at the page with JupyterHub, by OAuth. Source: RFC 6749, section 4.1; RFC 7636."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256
from hmac import compare_digest
from html import escape
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, request

from taskkit.protocol.errors import Forbidden, Unauthorized, Unavailable

from ..access.auth import Auth, Identity
from ..access.hub import Hub, HubUser
from ..access.hub_session import HubSession
from ..access.hub_settings import HubSettings
from .page import STATIC, guard, refuse_versions

MARK = "</head>"
SCRIPT = '<script type="module" src="static/hub.js" id="hub" data-user="{user}"></script>'

FAILED = """<!doctype html><html lang="en"><title>taskkit: not signed in</title>
<h1>Not signed in</h1><p>{why}</p><p><a href="./">Back to the page</a></p></html>"""


class NotSignedIn(Exception):
    """Why nobody is signed in, in words for whoever sees the page."""


def signin(settings: HubSettings, hub: Hub, auth: Auth, session: HubSession) -> Blueprint:
    """Return the routes of signing in and out, and of the page that offers it."""
    routes = Blueprint("hub", __name__)
    routes.before_request(refuse_versions)
    routes.after_request(guard)
    oauth = _OAuth(settings, hub)

    @routes.get("/")
    def index() -> Response:
        """Return the page, with what offers to sign in or out."""
        text = (STATIC / "index.html").read_text(encoding="utf-8")
        user = escape(_user(auth), quote=True)
        response = Response(text.replace(MARK, SCRIPT.format(user=user) + MARK, 1))
        response.headers["Vary"] = "Cookie"
        return response

    @routes.get("/hub/login")
    def login() -> Response:
        """Send the browser to the Hub."""
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        response = _moved(oauth.address(state, verifier))
        session.keep_state(response, f"{state}.{verifier}", is_secure=_is_secure(settings))
        return response

    @routes.get("/oauth_callback")
    def callback() -> Response:
        """Take back a browser that the Hub has sent, and sign it in."""
        state, _, verifier = session.state_of(request).partition(".")
        try:
            if not state or not compare_digest(state, request.args.get("state", "")):
                raise NotSignedIn("This browser did not ask to sign in, or too long ago.")
            if "code" not in request.args:
                raise NotSignedIn("JupyterHub did not allow it.")
            token = oauth.token(request.args["code"], verifier)
            _require(hub.user(token))
        except (NotSignedIn, Forbidden, Unavailable) as error:
            return Response(FAILED.format(why=escape(str(error))), status=403)
        response = _moved(settings.prefix)
        session.begin(response, token, is_secure=_is_secure(settings))
        return response

    @routes.post("/hub/logout")
    def logout() -> Response:
        """Sign the browser out."""
        session.token_of(request)  # refuses what no page of ours sends
        response = Response(status=204)
        session.end(response)
        return response

    return routes


class _OAuth:
    """What the Hub wants to be asked, by jupyterhub's own client."""

    def __init__(self, settings: HubSettings, hub: Hub) -> None:
        from jupyterhub.services.auth import HubOAuth

        self._hub = hub
        self._client = HubOAuth(
            api_url=settings.api_url,
            api_token=settings.api_token,
            base_url=settings.prefix,
            oauth_client_id=settings.client_id,
            oauth_redirect_uri=settings.callback_url,
            oauth_authorization_url=settings.authorization_url,
        )

    def address(self, state: str, verifier: str) -> str:
        """Return where the browser is to be sent."""
        asked = {"state": state, **self._challenge(verifier)}
        return f"{self._client.login_url}&{urlencode(asked)}"

    def token(self, code: str, verifier: str) -> str:
        """Return the token for which a code stands.

        Raises:
            NotSignedIn: It stands for none, or the Hub does not answer.
        """
        # Hubs before 6 know nothing of verifiers, nor does their client.
        more = {"code_verifier": verifier} if self._challenge(verifier) else {}
        try:
            token = self._hub.answer(lambda: self._client.token_for_code(code, sync=False, **more))
        except Unavailable as error:
            raise NotSignedIn("JupyterHub did not confirm it: try again.") from error
        return str(token)

    def _challenge(self, verifier: str) -> dict[str, str]:
        if not hasattr(self._client, "generate_pkce_code_challenge"):
            return {}
        digest = sha256(verifier.encode()).digest()
        challenge = urlsafe_b64encode(digest).decode().rstrip("=")
        return {"code_challenge": challenge, "code_challenge_method": "S256"}


def _require(user: HubUser | None) -> None:
    if user is None:
        raise NotSignedIn("JupyterHub does not know the token that it gave: try again.")


def _user(auth: Auth) -> str:
    try:
        who: Identity = auth.asker()()
    except (Unauthorized, Forbidden, Unavailable):
        return ""
    return who.owner


def _moved(place: str) -> Response:
    response = redirect(place, 303, Response)
    response.headers["Cache-Control"] = "no-store"
    return response  # type: ignore[return-value]


def _is_secure(settings: HubSettings) -> bool:
    """Return whether the browser asks by HTTPS, as the proxy or the Hub says."""
    told = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip()
    return told == "https" or settings.is_public_secure
