"""The third hop: what answers at the port, and whether it is a taskkit server that lets us in."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from .asking import WITHIN_S, Answer, Silence, Why
from .chart import Chart
from .finding import Finding, broken, good
from .here import Here

GATEWAY_ERRORS = (502, 503, 504)


def check(chart: Chart) -> tuple[Finding, Chart]:
    """Ask for the one thing that every taskkit server answers."""
    live = chart.asking.get("/health/live")
    return judge(live, chart.connection.url, chart.here), replace(chart, live=live)


def judge(live: Answer | Silence, url: str, here: Here) -> Finding:
    """Return what it is that answers."""
    if isinstance(live, Silence):
        return _silent(live, url, here)
    if live.status == 200 and live.json().get("status") == "live":
        return good(f"taskkit answers ({live.took_ms:.0f} ms)", {"answer_ms": live.took_ms})
    host = urlsplit(url).hostname or ""
    if live.code == "forbidden":
        return broken(
            f"the server does not go by the name {host!r} (HTTP 403)",
            f"Start it with `taskkit server --allow-host {host}`, or use a name that it has.",
        )
    if 300 <= live.status < 400:
        target = live.headers.get("location", "another place")
        return broken(
            f"what answers sends requests on to {target} (HTTP {live.status})",
            "Set TASKKIT_URL to the server itself: a login or a redirect cannot stand before it.",
        )
    named = live.headers.get("server", "")
    who = f" from {named}" if named else ""
    if live.status in GATEWAY_ERRORS:
        return broken(
            f"a proxy before the server answers in its place: HTTP {live.status}{who}",
            "Start the server behind that proxy, or correct the address that the proxy passes to.",
        )
    return broken(
        f"something else than taskkit answers there: HTTP {live.status}{who}",
        _cure_of_another(url, named),
    )


def _silent(live: Silence, url: str, here: Here) -> Finding:
    match live.why:
        case Why.TLS:
            return _insecure(live.words, url)
        case Why.TIMEOUT:
            part = here.part("server")
            return broken(
                f"it takes connections and answers nothing within {WITHIN_S:g} s"
                + (f": {part}" if part else ""),
                "See by `taskkit logs` what the server does, and start it again."
                if here.url
                else "Have the server looked at on its own machine: it hangs, or is overloaded.",
            )
        case _:
            return broken(
                f"what takes connections there does not speak HTTP: {live.words}",
                "Set TASKKIT_URL to the server's own port"
                + (", or to https:// where it is behind TLS." if "https" not in url else "."),
            )


def _insecure(words: str, url: str) -> Finding:
    if "WRONG_VERSION_NUMBER" in words or "record layer" in words.lower():
        return broken(
            "the server does not speak TLS, and the address says https://",
            f"Set TASKKIT_URL to http://{urlsplit(url).netloc}.",
        )
    if "CERTIFICATE_VERIFY_FAILED" in words:
        reason = words.partition("CERTIFICATE_VERIFY_FAILED]")[2].partition(" (_ssl")[0]
        said = reason.rpartition(": ")[2].strip() or "it cannot be verified"
        return broken(
            f"its certificate is not trusted: {said}",
            "Set SSL_CERT_FILE to the certificate of who signed it, and use the name that it is "
            "made out to.",
        )
    return broken(f"no secure connection: {words}", "Have the server's TLS settings looked at.")


def _cure_of_another(url: str, named: str) -> str:
    port = urlsplit(url).port or 80
    if named.startswith("AirTunes"):
        return "Switch off macOS' AirPlay Receiver, or start the stack by `taskkit up --port 5001`."
    return f"Set TASKKIT_URL to the server's own port, or free port {port} for it."
