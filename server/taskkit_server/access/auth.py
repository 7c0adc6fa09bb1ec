"""Who asks, and what they may do: a bearer token's owner and scopes."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from hmac import compare_digest

from flask import g, request

from taskkit.ledger import MemoryShares, Shares, Tokens
from taskkit.logs import also_about
from taskkit.protocol.errors import Forbidden, InvalidRequest, JobNotFound, Unauthorized
from taskkit.protocol.spec import LOCAL_OWNER
from taskkit.protocol.tokens import ALL_SCOPES, OWNER_HEADER, USER_PATTERN, Scope, ShareInfo

from ..clock import now_ms
from ..settings import LOOPBACK, Settings
from .hub import Hub
from .hub_session import HubSession
from .new_tokens import PREFIX, SHARE_PREFIX, digest_of
from .rates import Rates
from .trusted import Trusted

NEEDED: dict[str, Scope | None] = {
    "jobs.post_jobs": Scope.SUBMIT,
    "jobs.post_tasks": Scope.SUBMIT,
    "jobs.retry": Scope.SUBMIT,
    "jobs.delete_calls": Scope.SUBMIT,
    "jobs.get_jobs": Scope.READ,
    "jobs.get_job": Scope.READ,
    "jobs.get_panel": Scope.READ,
    "jobs.get_result": Scope.READ,
    "jobs.get_error": Scope.READ,
    "jobs.get_card": Scope.READ,
    "jobs.get_function": Scope.READ,
    "jobs.get_arguments": Scope.READ,
    "jobs.cancel": Scope.CANCEL,
    "output.get_output": Scope.READ,
    "blobs.post_missing": Scope.SUBMIT,
    "blobs.put_blob": Scope.SUBMIT,
    "blobs.get_probe": None,
    "blobs.get_blob": Scope.READ,
    "state.get_hello": None,
    "state.get_tasks": None,
    "state.get_workers": None,
    "state.get_environment": None,
    "state.get_queues": None,
    "state.get_counts": Scope.READ,
    "state.get_events": Scope.READ,
    "tokens.post_token": Scope.ADMIN,
    "tokens.get_tokens": None,
    "tokens.delete_token": None,
    "metrics.get_metrics": Scope.METRICS,
    "shares.post_share": Scope.SUBMIT,
    "shares.get_shares": None,
    "shares.delete_share": None,
    "shares.get_shared": None,
}
"""Which scope each route needs; None where any token does. A route that is not here needs admin."""

ALSO: dict[str, Scope] = {"shares.post_share": Scope.READ}
"""What some need beside that: who shows jobs to others must see them, and be who submits them."""

SHARED = frozenset(
    {
        "jobs.get_job",
        "jobs.get_panel",
        "jobs.get_card",
        "output.get_output",
        "blobs.get_blob",
        "state.get_hello",
        "shares.get_shared",
    }
)
"""What a share opens, of its own jobs only. A route that is not here is shut to it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks."""

    owner: str
    scopes: frozenset[Scope]
    token: str = ""
    #: The id of a user's token; empty for the stack's own.
    hub_token: str = field(default="", repr=False)
    #: The token itself where it is the Hub's, which alone can say whether it is valid still.
    share: ShareInfo | None = None
    #: The share by which somebody looks at jobs of the owner's; it has no scopes.

    def require(self, scope: Scope | None) -> None:
        """Return if this is allowed.

        Raises:
            Forbidden: It is not; the message says how to ask for it.
        """
        if self.share is not None:
            raise Forbidden("this link shows some jobs, and opens nothing else")
        if scope is None or scope in self.scopes:
            return
        wanted = ",".join([*(one for one in Scope if one in self.scopes), scope])
        what = _WHAT[scope]
        if self.hub_token:
            how = f"--code-user {self.owner}" if scope is Scope.CODE else f"--hub-scope {scope}"
            if scope is Scope.ADMIN:
                how = "a token by `taskkit token create`"
            raise Forbidden(
                f"{self.owner!r} of JupyterHub may not {what} here (scope {scope!r}): ask whoever "
                f"runs the server for {how}",
                scope=str(scope),
            )
        raise Forbidden(
            f"this token does not allow to {what} (scope {scope!r}): ask whoever runs the server "
            f"for one by `taskkit token create --user {self.owner} --scope {wanted}`",
            scope=str(scope),
        )


_WHAT = {
    Scope.SUBMIT: "submit jobs",
    Scope.READ: "read",
    Scope.CANCEL: "cancel jobs",
    Scope.CODE: "submit functions of your own, named tasks only",
    Scope.ADMIN: "see to the tokens of others",
    Scope.METRICS: "read the server's metrics",
    Scope.BLOBS: "fetch and keep the large values of other users, as workers do",
}


class Auth:
    """Knows the stack's own token by its hash, and asks for those of users.

    hub: whom to ask for tokens that are not taskkit's own; None where nobody is.
    session: where browsers keep a token of the Hub's.
    """

    def __init__(
        self,
        settings: Settings,
        tokens: Tokens,
        hub: Hub | None = None,
        session: HubSession | None = None,
        shares: Shares | None = None,
    ) -> None:
        self._digest = digest_of(settings.token) if settings.token else None
        self._is_open = settings.is_open
        self._tokens = tokens
        self._trusted = Trusted(tokens)
        self._hub = hub
        self._session = session
        self._trusted_shares = Trusted(MemoryShares() if shares is None else shares)
        self._are_shares_open = settings.max_share_s > 0
        self._rates = Rates(settings.requests_per_s)
        self._share_rates = Rates(settings.share_requests_per_s, "all who have this link")

    def identity(self, token: str | None, address: str | None) -> Identity:
        """Return whom a token, or on an open server a loopback address, stands for.

        Raises:
            Unauthorized: The token is missing, unknown or expired; a wrong one also on an open
                server.
            Forbidden: It is the Hub's, and does not open this service.
            Unavailable: It is not the stack's own, and others cannot be looked up at the moment.
        """
        if token is None:
            if self._is_open and address in LOOPBACK:
                # Who may use this machine need not see what is of others, or give them tokens.
                return Identity(LOCAL_OWNER, ALL_SCOPES - {Scope.ADMIN, Scope.BLOBS})
            raise Unauthorized("this server wants a token: send it as `Authorization: Bearer …`")
        digest = digest_of(token)
        if token.startswith(SHARE_PREFIX):
            return self._of_share(digest)
        if self._digest and compare_digest(digest, self._digest):
            return Identity(LOCAL_OWNER, ALL_SCOPES)
        info = self._trusted.find(digest)
        if info is None:
            return self._of_hub(token, digest)
        if info.is_expired(now_ms()):
            raise Unauthorized("the token has expired: ask whoever runs the server for another")
        return Identity(info.user, frozenset(info.scopes), info.id)

    def asker(self) -> Callable[[], Identity]:
        """Return what says, as often as it is asked, who makes the present request.

        Raises:
            Unauthorized: The header that should tell holds something else.
            Forbidden: A browser's session may not make it.
        """
        token, address = bearer(request.headers.get("Authorization")), request.remote_addr
        kept = self._session.token_of(request) if token is None and self._session else None
        if kept is None:
            return lambda: self.identity(token, address)

        def of_session() -> Identity:
            who = self._of_hub(kept, digest_of(kept))
            # The page ships no functions, and other pages of the Hub's origin could.
            return replace(who, scopes=who.scopes - {Scope.CODE})

        return of_session

    def valid(self, asking: Collection[Identity]) -> set[str]:
        """Return the ids of the tokens that open the server still, of these.

        Raises:
            Unavailable: It cannot be told at the moment.
        """
        valid: set[str] = set()
        own = {who.token for who in asking if not who.hub_token}
        if own:
            valid |= self._tokens.valid(own, now_ms())
        of_hub = {who.hub_token: who.token for who in asking if who.hub_token}
        if of_hub and self._hub is not None:
            valid |= {of_hub[token] for token in self._hub.valid(set(of_hub))}
        return valid

    def require(self) -> None:
        """Put who asks into `flask.g`, or refuse the request."""
        who = self.asker()()
        endpoint = request.endpoint or ""
        g.owner, g.identity, g.is_worker = who.owner, who, False
        if who.share is not None:
            also_about(user=who.owner, share=who.share.id)
            self._share_rates.require(who.share.id)
            _require_shared(who.share, endpoint)
            return
        if request.blueprint == "blobs" and OWNER_HEADER in request.headers:
            g.owner = request.headers[OWNER_HEADER]
            g.is_worker = Scope.BLOBS in who.scopes
        if who.token and not g.is_worker:  # what the stack itself and workers ask is not counted
            self._rates.require(who.owner)
        also_about(user=g.owner)
        if g.owner != who.owner and not re.fullmatch(USER_PATTERN, g.owner):
            raise InvalidRequest(f"{OWNER_HEADER} must be the name of a user, not {g.owner[:64]!r}")
        if g.is_worker or g.owner != who.owner:
            who.require(Scope.BLOBS)
            return
        who.require(NEEDED.get(endpoint, Scope.ADMIN))
        who.require(ALSO.get(endpoint))

    def _of_hub(self, token: str, digest: str) -> Identity:
        # A token of taskkit's own that was revoked, or is of another stack, is not for the Hub.
        is_own = token.startswith(PREFIX)
        user = None if self._hub is None or is_own else self._hub.user(token)
        if user is None:
            raise Unauthorized("the token is not one that this server knows")
        return Identity(user.name, user.scopes, f"hub:{digest}", token)

    def _of_share(self, digest: str) -> Identity:
        info = self._trusted_shares.find(digest) if self._are_shares_open else None
        if info is None:
            raise Unauthorized("this link shows nothing: it was revoked, or is not whole")
        if info.is_expired(now_ms()):
            raise Unauthorized("this link has expired: ask who sent it for another")
        return Identity(info.user, frozenset(), info.id, share=info)


def _require_shared(share: ShareInfo, endpoint: str) -> None:
    """Return if a share opens the present request.

    Raises:
        Forbidden: It is no route for shares.
        JobNotFound: It is about another job: as if there were none.
    """
    if endpoint not in SHARED:
        raise Forbidden("this link shows some jobs, and opens nothing else")
    id = (request.view_args or {}).get("id")
    if id is not None and id not in share.jobs:
        raise JobNotFound(f"there is no job {id[:64]!r}")


def bearer(header: str | None) -> str | None:
    """Return the token of an Authorization header, None where there is no header.

    Raises:
        Unauthorized: It holds something else.
    """
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("the Authorization header must read `Bearer …`")
    return token.strip()
