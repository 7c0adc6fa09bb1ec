"""Signing in at the page with JupyterHub, in a real Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import socketio
from hubs import PASSWORD, World, ask

import taskkit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = [pytest.mark.stack, pytest.mark.browser]

WITHIN_MS = 45_000


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is not on PATH; CI must run the browser tests")
        pytest.skip("chromium is not on PATH: no browser tests")
    from playwright.sync_api import sync_playwright

    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser that nobody has used."""
    made = chromium.new_context()
    made.set_default_timeout(WITHIN_MS)
    yield made
    made.close()


def sign_in(page: Page, world: World, user: str) -> None:
    """Go by the page to the Hub's form, and back."""
    page.goto(f"{world.url}/")
    page.click("#hub-login")
    page.fill("#username_input", user)
    page.fill("#password_input", PASSWORD)
    page.click("#login_submit")


def session_cookie(context: BrowserContext) -> dict[str, Any]:
    """Return the cookie of the service."""
    [found] = [one for one in context.cookies() if one["name"] == "taskkit-taskkit"]
    return dict(found)


def test_a_user_signs_in_and_sees_jobs_live(world: World, context: BrowserContext) -> None:
    """Without a token; what the notebook does is there at once, and the page may cancel it."""
    page, faults = context.new_page(), []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Policy" in said.text else None)
    sign_in(page, world, "ana")
    page.wait_for_selector("#connection[data-state=open]")
    assert page.url.startswith(f"{world.url}/")
    _, token = world.token("ana")
    with taskkit.Client(world.url, token=token) as ana:
        job = ana.submit(slowly, 60)
        page.wait_for_selector(f"text={job.id[:8]}")
        done = page.evaluate(
            "id => fetch(`jobs/${id}/cancel`, {method: 'POST'}).then((r) => r.status)", job.id
        )
        assert done == 200
        job.wait_final(30)
    cookie = session_cookie(context)
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (
        True,
        "Lax",
        "/services/taskkit/",
    )
    assert cookie["value"] not in page.content()
    assert "taskkit" not in page.evaluate("document.cookie")
    page.click("#hub-logout")
    page.wait_for_selector("#hub-login")
    assert [one for one in context.cookies() if one["name"].startswith("taskkit-")] == []
    assert faults == []


def slowly(seconds: int) -> None:
    """Take a while."""
    import time

    time.sleep(seconds)


def test_a_session_is_for_the_page_alone(world: World, context: BrowserContext) -> None:
    """No other origin does anything by it, nor does what has none; it submits no functions."""
    page = context.new_page()
    sign_in(page, world, "ana")
    page.wait_for_selector("#connection[data-state=open]")
    cookie = {"Cookie": f"taskkit-taskkit={session_cookie(context)['value']}"}
    hello = ask("GET", f"{world.url}/hello", headers=cookie).json()
    assert (hello["owner"], hello["scopes"]) == ("ana", ["cancel", "read", "submit"])
    body, url = {"task": "demo"}, f"{world.url}/jobs"
    for origin in (None, "null", "http://evil.example.org", f"{world.public}.evil.org"):
        given = {**cookie, **({"Origin": origin} if origin else {})}
        assert ask("POST", url, body=body, headers=given).status == 403, origin
        assert ask("POST", f"{world.url}/hub/logout", body={}, headers=given).status == 403
        assert not connects(world, cookie, origin), origin
    assert connects(world, cookie, world.public)
    made = ask("POST", url, body=body, headers={**cookie, "Origin": world.public})
    assert made.status == 201
    ask("POST", f"{url}/{made.json()['id']}/cancel", headers={**cookie, "Origin": world.public})


def connects(world: World, cookie: dict[str, str], origin: str | None) -> bool:
    """Return whether a socket is let in that brings a session, from a page of this origin."""
    # Without one it would make up its own.
    options = {"origin": origin} if origin else {"suppress_origin": True}
    socket = socketio.Client(reconnection=False, websocket_extra_options=options)
    try:
        socket.connect(
            world.public,
            headers=cookie,
            auth={"logs": {"jobs": {}}},
            transports=["websocket"],
            socketio_path="services/taskkit/socket.io",
        )
    except socketio.exceptions.ConnectionError:
        return False
    socket.disconnect()
    return True


def test_who_may_not_enter_is_not_signed_in(world: World, context: BrowserContext) -> None:
    """The Hub itself turns away a user without the scope."""
    page = context.new_page()
    sign_in(page, world, "mallory")
    page.wait_for_selector("text=403")
    assert [one for one in context.cookies() if one["name"] == "taskkit-taskkit"] == []


def test_a_forged_answer_signs_nobody_in(world: World, context: BrowserContext) -> None:
    """Without the state that this browser was given, whatever code comes with it."""
    page = context.new_page()
    for query in ("", "?code=x", "?code=x&state=", "?code=x&state=y", "?error=access_denied"):
        answer = page.goto(f"{world.url}/oauth_callback{query}")
        assert answer is not None
        assert (answer.status, "did not ask to sign in" in page.content()) == (403, True)
    begun = ask("GET", f"{world.url}/hub/login")
    kept = begun.headers["Set-Cookie"].split(";")[0]
    state = kept.partition("=")[2].partition(".")[0]
    assert f"state={state}" in begun.headers["Location"]
    forged = f"{world.url}/oauth_callback?code=forged&state="
    other = ask("GET", forged + "other", headers={"Cookie": kept})
    assert (other.status, b"did not ask to sign in" in other.body) == (403, True)
    wrong = ask("GET", forged + state, headers={"Cookie": kept})
    assert (wrong.status, wrong.headers["Set-Cookie"]) == (403, None)
    assert "did not confirm" in wrong.body.decode()


def test_nobody_is_signed_in_as_somebody_else(
    world: World, chromium: Browser, context: BrowserContext
) -> None:
    """By an address that was sent to him, with a code that the Hub gave another browser."""
    page = context.new_page()
    sign_in(page, world, "bob")
    page.wait_for_selector("#connection[data-state=open]")
    begun = ask("GET", f"{world.url}/hub/login")
    kept = begun.headers["Set-Cookie"].split(";")[0]
    place = world.public + begun.headers["Location"]
    of_hub = "; ".join(f"{one['name']}={one['value']}" for one in context.cookies(place))
    back = ask("GET", place, headers={"Cookie": of_hub}).headers["Location"]
    assert "code=" in back
    assert "state=" in back
    with chromium.new_context() as other:
        answer = other.new_page().goto(world.public + back)
        assert answer is not None
        assert (answer.status, "did not ask to sign in" in answer.text()) == (403, True)
        assert other.cookies(f"{world.url}/") == []
    signed_in = ask("GET", world.public + back, headers={"Cookie": kept})
    assert (signed_in.status, signed_in.headers["Location"]) == (303, "/services/taskkit/")
    again = ask("GET", world.public + back, headers={"Cookie": kept})
    assert again.status == 403  # a code is good for once
