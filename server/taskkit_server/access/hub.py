"""Users of JupyterHub, by the tokens that the Hub gave them: it is asked whose each one is."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from taskkit.protocol.errors import Forbidden, Unavailable
from taskkit.protocol.spec import LOCAL_OWNER
from taskkit.protocol.tokens import USER_PATTERN, Scope

from .hub_settings import HubSettings
from .new_tokens import digest_of

logger = logging.getLogger(__name__)

TRUSTED_S = 1.0
"""For how long the Hub's word on a token holds; a revoked one opens the server for no longer."""

AWAY_S = 300.0
"""For how long it holds while the Hub is away, and with it whatever could revoke a token: as long
as it holds with JupyterHub's own services at all times."""

LIMIT_S = 5.0
"""How long the Hub may take to answer; a thread of this server waits for no longer."""

AGAIN_S = 1.0
"""After what time a Hub that did not answer is asked again; until then nobody waits for it."""

LOOK_WAIT_S = 0.5
"""How long the tokens of open sockets are waited for, those of all together."""

MOST_SEEN = 4096
MOST_CALLS = 128
"""How many tokens are asked for at once; each socket and thread of the server may have its own."""

TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,512}")
"""What a bearer's token is made of. Source: RFC 6750, section 2.1."""

Model = Mapping[str, Any]
Ask = Callable[[str], Awaitable[Model | None]]


@dataclass(frozen=True, slots=True)
class HubUser:
    """A user of the Hub, and what they may do here."""

    name: str
    scopes: frozenset[Scope]


@dataclass(frozen=True, slots=True)
class _Word:
    """What the Hub said of a token, and when it was asked."""

    model: Model | None
    at: float


class Hub:
    """Asks the Hub in a thread of its own, one request a token, and none while it is away.

    ask: returns what the Hub says of a token, None of one that it does not know, and raises
    whatever it likes where it cannot tell.
    """

    def __init__(
        self,
        settings: HubSettings,
        ask: Ask | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._ask = ask or hub_asker(settings)
        self._clock = clock
        self._lock = threading.Lock()
        self._words: OrderedDict[str, _Word] = OrderedDict()
        #: By the token's hash.
        self._calls: dict[str, Future[None]] = {}
        self._is_away = False
        self._again_at = float("-inf")
        #: When a Hub that is away is asked again.
        self._loop: asyncio.AbstractEventLoop | None = None

    def user(self, token: str) -> HubUser | None:
        """Return whose a token is, None of one that the Hub does not know.

        Raises:
            Forbidden: The Hub knows it, and it does not open this service.
            Unavailable: The Hub does not answer, and said nothing of it lately.
        """
        if not TOKEN.fullmatch(token):
            return None
        digest = digest_of(token)
        call = self._begin(digest, token, TRUSTED_S)
        if call is not None:
            wait([call], timeout=LIMIT_S + 1)
        word = self._word(digest)
        if word is None:
            raise Unavailable(
                "JupyterHub does not answer, so that nobody can say whose this token is: try again",
                retry_after_s=2,
            )
        return None if word.model is None else self._judged(word.model)

    def valid(self, tokens: set[str]) -> set[str]:
        """Return those tokens that open this service still, as far as the Hub answers."""
        digests = {token: digest_of(token) for token in tokens}
        calls = []
        with suppress(Unavailable):
            for token, digest in digests.items():
                calls.append(self._begin(digest, token, TRUSTED_S / 2))
        wait([call for call in calls if call is not None], timeout=LOOK_WAIT_S)
        return {token for token, digest in digests.items() if self._is_open(digest)}

    def answer(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Return what another call of the Hub's API answers.

        Raises:
            Unavailable: It failed, or took too long.
        """

        async def limited() -> Any:
            async with asyncio.timeout(LIMIT_S):
                return await call()

        with self._lock:
            loop = self._running()
        try:
            return asyncio.run_coroutine_threadsafe(limited(), loop).result(LIMIT_S + 1)
        except Exception as error:
            raise Unavailable("JupyterHub does not answer") from error

    def _is_open(self, digest: str) -> bool:
        with self._lock:
            word = self._words.get(digest)
        if word is None:  # forgotten for others, while the Hub is away
            return True
        try:
            return word.model is not None and bool(self._judged(word.model))
        except Forbidden:
            return False

    def _begin(self, digest: str, token: str, trusted_s: float) -> Future[None] | None:
        """Return the call that asks for a token, None where none is to be waited for.

        Raises:
            Unavailable: There are too many already.
        """
        with self._lock:
            now, word = self._clock(), self._words.get(digest)
            if word is not None and now < word.at + trusted_s:
                return None
            call = self._calls.get(digest)
            if call is not None:
                return call
            if self._is_away and (self._calls or now < self._again_at):
                return None  # one looks whether it is back, the others do not wait for that
            if len(self._calls) >= MOST_CALLS:
                raise Unavailable("JupyterHub is being asked for as many tokens as can be")
            call = asyncio.run_coroutine_threadsafe(self._look(digest, token), self._running())
            self._calls[digest] = call
            return call

    async def _look(self, digest: str, token: str) -> None:
        asked_at, word, reason = self._clock(), None, ""
        try:
            async with asyncio.timeout(LIMIT_S):
                word = _Word(_checked(await self._ask(token)), asked_at)
        except Exception as error:  # noqa: BLE001 — an edge: whatever is where the Hub should be
            reason = str(error) or type(error).__name__
        with self._lock:
            # Under the lock under which it was begun, so not before it is there.
            self._calls.pop(digest, None)
            was_away, self._is_away = self._is_away, word is None
            self._again_at = self._clock() + AGAIN_S
            if word is not None:
                self._words[digest] = word
                self._words.move_to_end(digest)
                while len(self._words) > MOST_SEEN:
                    self._words.popitem(last=False)
        if word is None and not was_away:
            logger.warning("JupyterHub does not answer at %s: %s", self._settings.api_url, reason)
        elif word is not None and was_away:
            logger.warning("JupyterHub answers again")

    def _word(self, digest: str) -> _Word | None:
        """Return what the Hub said; while it is away, what good it said lately."""
        with self._lock:
            word = self._words.get(digest)
        if word is None:
            return None
        age_s = self._clock() - word.at
        # A call takes at most LIMIT_S, in which its word grows older than it is trusted for.
        holds_s = AWAY_S if word.model is not None else TRUSTED_S + LIMIT_S
        return word if age_s < holds_s else None

    def _judged(self, model: Model) -> HubUser:
        from jupyterhub.services.auth import check_scopes

        name = model["name"]
        if model.get("kind") != "user":
            raise Forbidden(
                f"this is the token of {name!r}, which is no user of JupyterHub: for programs "
                "there is `taskkit token create`"
            )
        if not check_scopes({self._settings.access_scope}, set(model["scopes"])):
            raise Forbidden(
                f"this token of JupyterHub does not open the service {self._settings.service!r}: "
                f"ask whoever runs the Hub for the scope {self._settings.access_scope!r}, for "
                "users and for their servers",
                scope=self._settings.access_scope,
            )
        if name == LOCAL_OWNER or not re.fullmatch(USER_PATTERN, name):
            raise Forbidden(
                f"taskkit has no place for a user of the name {name[:64]!r}: one has up to 64 of "
                "a-z, 0-9 and . _ @ + -, begins with a letter or digit, and is not "
                f"{LOCAL_OWNER!r}; ask whoever runs the Hub"
            )
        return HubUser(name, self._settings.scopes_of(name))

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="taskkit-hub", daemon=True).start()
        return self._loop


def _checked(model: Model | None) -> Model | None:
    if model is None:
        return None
    name, scopes = model.get("name"), model.get("scopes")
    if not isinstance(name, str) or not isinstance(scopes, list):
        raise ValueError("what it says of a token is not what a Hub says")
    return model


def hub_asker(settings: HubSettings) -> Ask:
    """Return what asks a real Hub, by JupyterHub's own client."""
    # A line or more for each wrong token, and those of tools of its database.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("tornado.application").setLevel(logging.CRITICAL)
    from jupyterhub.services.auth import HubAuth

    hub = HubAuth(
        api_url=settings.api_url,
        api_token=settings.api_token,
        base_url=settings.prefix,
        access_scopes={settings.access_scope},
    )

    def ask(token: str) -> Awaitable[Model | None]:
        # Its own cache forgets nothing that a token lost; and it would wait without a limit.
        found: Awaitable[Model | None] = hub.user_for_token(token, use_cache=False, sync=False)
        return found

    return ask
