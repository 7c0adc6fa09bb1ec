"""How often one user may ask."""

from __future__ import annotations

from serving import FadingLedger, Http, RecordingDispatch, problem
from waiting import wait_until

from taskkit_server.app import create_app
from taskkit_server.settings import Settings

TOKEN = "correct-horse"


def users(requests_per_s: float | None, *names: str) -> list[Http]:
    """Return the stack's own client and one for each user, of a server with such a limit."""
    settings = Settings(redis_url="redis://nowhere", token=TOKEN, requests_per_s=requests_per_s)
    app = create_app(settings, FadingLedger(), RecordingDispatch())  # type: ignore[arg-type]
    stack = Http(app, TOKEN)
    made = [stack.post("/tokens", {"user": name, "scopes": ["read"]}).json for name in names]
    return [stack, *(Http(app, one["token"]) for one in made)]


def test_who_asks_too_often_is_told_when_to_ask_again() -> None:
    """Ten seconds' worth at once are taken; others, and the stack itself, go on."""
    stack, ana, eve = users(0.4, "ana", "eve")
    assert [ana.get("/hello").status_code for _ in range(4)] == [200] * 4
    refused = ana.get("/hello")
    told = problem(refused, 429, "too_many_requests")
    assert 1 <= int(refused.headers["Retry-After"]) == told["retry_after_s"] <= 11
    assert "4 times in 10 seconds" in told["detail"]
    assert eve.get("/hello").status_code == 200
    assert [stack.get("/hello").status_code for _ in range(8)] == [200] * 8
    assert ana.get("/health/live").status_code == 200


def test_what_was_refused_does_not_count() -> None:
    """Else who asks again and again would never be answered."""
    _, ana = users(0.1, "ana")
    assert ana.get("/hello").status_code == 200
    wait_until(lambda: ana.get("/hello").status_code == 200, limit_s=30)


def test_without_a_limit_all_are_answered() -> None:
    """As by default."""
    _, ana = users(None, "ana")
    assert {ana.get("/hello").status_code for _ in range(200)} == {200}
