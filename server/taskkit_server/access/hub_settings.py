"""What a server that is a service of JupyterHub is told, for the most part by the Hub itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from taskkit.protocol.errors import Misconfigured
from taskkit.protocol.tokens import USUAL_SCOPES, Scope

ANYBODY = "*"

NEEDED = (
    "JUPYTERHUB_API_TOKEN",
    "JUPYTERHUB_API_URL",
    "JUPYTERHUB_SERVICE_NAME",
    "JUPYTERHUB_SERVICE_PREFIX",
    "JUPYTERHUB_SERVICE_URL",
)
"""Source: JupyterHub, *Services*, "Hub-managed services"; who runs one elsewhere sets them."""

PUBLIC = ("JUPYTERHUB_PUBLIC_URL", "JUPYTERHUB_PUBLIC_HUB_URL", "JUPYTERHUB_HOST")
"""Where browsers find the Hub, as far as the Hub was told itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """What the Hub calls this service, and what its users may do."""

    api_url: str
    #: Where the server reaches the Hub's API.
    api_token: str = field(repr=False)
    #: The service's own; it is the secret of its OAuth client.
    service: str
    #: Its name: a user needs the scope ``access:services!service=…`` of the Hub.
    prefix: str
    #: Under which path of the Hub's proxy it is; begins and ends with a slash.
    host: str
    port: int
    #: Where the proxy expects it.
    public_hosts: frozenset[str] = frozenset()
    #: Names by which browsers reach the Hub.
    is_public_secure: bool = False
    #: Whether browsers reach it by HTTPS.
    client_id: str = ""
    #: By which the Hub knows the service where users sign in.
    callback_url: str = ""
    authorization_url: str = ""
    #: Where browsers are sent to sign in, as they reach it.
    scopes: tuple[Scope, ...] = USUAL_SCOPES
    #: What each user of the Hub may do.
    code_users: frozenset[str] = frozenset()
    #: Who may submit functions, too; ``*`` is everybody.

    @property
    def access_scope(self) -> str:
        """The scope by which the Hub lets a user in here."""
        return f"access:services!service={self.service}"

    def scopes_of(self, user: str) -> frozenset[Scope]:
        """Return what a user may do."""
        is_trusted = bool({user, ANYBODY} & self.code_users)
        return frozenset({*self.scopes, *([Scope.CODE] if is_trusted else [])})


def read_hub(
    environment: Mapping[str, str],
    *,
    scopes: Sequence[str] = USUAL_SCOPES,
    code_users: Sequence[str] = (),
) -> HubSettings:
    """Return what the environment of a service says.

    Raises:
        Misconfigured: Something is missing, or cannot be; by its name.
    """
    missing = [name for name in NEEDED if not environment.get(name)]
    if missing:
        raise Misconfigured(
            f"--jupyterhub needs {', '.join(missing)}, which the Hub sets for a service that it "
            "starts, and you for one that runs elsewhere"
        )
    token, api_url, service, prefix, url = (environment[name] for name in NEEDED)
    _address("JUPYTERHUB_API_URL", api_url)
    host, port = _address("JUPYTERHUB_SERVICE_URL", url)
    if not (prefix.startswith("/") and prefix.endswith("/") and prefix != "/"):
        raise Misconfigured(f"JUPYTERHUB_SERVICE_PREFIX must read /services/NAME/, not {prefix!r}")
    public = [environment[name] for name in PUBLIC if environment.get(name)]
    return HubSettings(
        api_url=api_url,
        api_token=token,
        service=service,
        prefix=prefix,
        host=host,
        port=port,
        public_hosts=frozenset(_address("the Hub's public address", one)[0] for one in public),
        is_public_secure=any(one.startswith("https:") for one in public),
        client_id=environment.get("JUPYTERHUB_CLIENT_ID") or f"service-{service}",
        callback_url=environment.get("JUPYTERHUB_OAUTH_CALLBACK_URL") or f"{prefix}oauth_callback",
        authorization_url=(
            environment.get("JUPYTERHUB_HOST", "").rstrip("/")
            + f"{urlsplit(api_url).path.rstrip('/')}/oauth2/authorize"
        ),
        scopes=_scopes(scopes),
        code_users=frozenset(name.strip() for name in code_users if name.strip()),
    )


def _address(what: str, url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        raise Misconfigured(f"{what} is no address that begins with http:// or https://") from None
    if not parts.hostname:
        raise Misconfigured(f"{what} names no host")
    return parts.hostname, port


def _scopes(names: Sequence[str]) -> tuple[Scope, ...]:
    unknown = ", ".join(name for name in names if name not in USUAL_SCOPES)
    if unknown or not names:
        raise Misconfigured(
            f"the Hub's users may have {', '.join(USUAL_SCOPES)}, not {unknown or 'nothing'}; "
            "functions of their own are given to single users by --code-user"
        )
    return tuple(scope for scope in USUAL_SCOPES if scope in names)
