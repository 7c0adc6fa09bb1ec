"""Routes of users' tokens: who runs the server makes them, who has one may see and revoke it."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint, Response, g, jsonify
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from taskkit.ledger import Tokens
from taskkit.protocol import wire
from taskkit.protocol.errors import InvalidRequest, PayloadTooLarge, TokenNotFound
from taskkit.protocol.tokens import NOTE_CHARS, USER_PATTERN, USUAL_SCOPES, Scope, TokenInfo

from ..access.auth import Auth, Identity
from ..access.new_tokens import digest_of, new_info, new_secret
from ..clock import now_ms
from ..contract import shapes
from ..contract.negotiation import UnsupportedMediaType, json_body
from ..contract.operations import Answer, promises
from .options import Number
from .submissions import not_understood

LONGEST_S = 10 * 365 * 86_400.0

Lifetime = Annotated[float, Field(gt=0, le=LONGEST_S, allow_inf_nan=False), Number]


class TokenRequest(BaseModel):
    """Whose a token is to be, what it allows, and for how long."""

    model_config = ConfigDict(extra="forbid")

    user: Annotated[str, Field(pattern=USER_PATTERN)]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))] = list(USUAL_SCOPES)
    expires_s: Lifetime | None = None
    note: Annotated[str, Field(max_length=NOTE_CHARS)] = ""


def tokens_api(tokens: Tokens, auth: Auth) -> Blueprint:
    """Return the routes under ``/tokens``."""
    routes = Blueprint("tokens", __name__, url_prefix="/tokens")
    routes.before_request(auth.require)

    @routes.post("")
    @promises(
        Answer(means="The token, told this once", status=201, body=shapes.NewToken),
        body=TokenRequest,
        problems=(InvalidRequest, PayloadTooLarge, UnsupportedMediaType),
    )
    def post_token() -> Response:
        """Make a token for a user."""
        asked = _parsed(json_body())
        now, expires_at = now_ms(), None
        if asked.expires_s is not None:
            expires_at = now + round(1000 * asked.expires_s)
        info = new_info(
            asked.user, asked.scopes, now_ms=now, expires_at=expires_at, note=asked.note
        )
        secret = new_secret()
        tokens.add(info, digest_of(secret))
        # The only time that it is told.
        response = jsonify({**wire.token_to_wire(info), "token": secret})
        response.status_code = 201
        response.headers["Cache-Control"] = "no-store"
        return response

    @routes.get("")
    @promises(Answer(means="The tokens", body=shapes.TokenList))
    def get_tokens() -> Response:
        """List the asker's own tokens, or by the scope `admin` all."""
        return jsonify(tokens=[wire.token_to_wire(info) for info in _seen(tokens, g.identity)])

    @routes.delete("/<id>")
    @promises(
        Answer(means="It opens nothing any more", status=204, media_types=()),
        problems=(TokenNotFound,),
        ids=r"^[0-9a-f]{12}$",
    )
    def delete_token(id: str) -> Response:
        """Revoke a token."""
        if not any(info.id == id for info in _seen(tokens, g.identity)) or not tokens.revoke(id):
            raise TokenNotFound(f"there is no token {id[:64]!r}")
        return Response(status=204)

    return routes


def _seen(tokens: Tokens, who: Identity) -> list[TokenInfo]:
    """Return the tokens that somebody may see: their own, or all."""
    is_admin = Scope.ADMIN in who.scopes
    return [info for info in tokens.all(now_ms()) if is_admin or info.user == who.owner]


def _parsed(body: bytes) -> TokenRequest:
    try:
        return TokenRequest.model_validate_json(body)
    except ValidationError as error:
        raise not_understood(error) from None
