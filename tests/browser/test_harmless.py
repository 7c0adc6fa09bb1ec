"""HTML of a job's, however hostile, is only read: in a real browser, under the page's policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from reader import Reader
from test_job_figures import GALLERY, LIMIT_S, goes_to, showing

import taskkit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.stack]

SETTLED_MS = 500

AWAY = "http://away.example/"
RUN = "window.isRun=true"

HOSTILE = [
    f"<script>{RUN}</script>",
    f"<script src={AWAY}></script><script type=module>{RUN}</script>",
    f"<img src=x onerror='{RUN}'>",
    f'<img src="{AWAY}a" srcset="{AWAY}b 2x" alt="a picture">',
    f"<b a=q\"z onclick={RUN}>b</b><b a='x'style=color:red>c</b><b/style>d</b>",
    '<b STYLE\n=\n"a:b">e</b><b title="<b style=x>" style="a:b">f</b>',
    f"<b style='background:url({AWAY})'>styled</b><style>@import '{AWAY}'</style>",
    f"<table><style>td{{background:url({AWAY})}}</style><tr style='a:b'><td background={AWAY}>x",
    f"<svg onload='{RUN}'><style>*{{fill:url({AWAY})}}</style><image href={AWAY} /></svg>",
    f"<svg><a xlink:href='javascript:{RUN}'><text y=9>x</text></a><script>{RUN}</script></svg>",
    f"<svg><animate onbegin='{RUN}' attributeName=x dur=1s><set onbegin='{RUN}'/></svg>",
    f"<iframe src='javascript:{RUN}'></iframe>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f"<object data={AWAY}></object><embed src={AWAY}><portal src={AWAY}></portal>",
    f"<form action={AWAY}><input autofocus onfocus='{RUN}'><button formaction={AWAY}>go</button>",
    f"<meta http-equiv=refresh content='0;url={AWAY}'><base href={AWAY}><a href=x>based</a>",
    f"<link rel=stylesheet href={AWAY}><link rel=preload as=image href={AWAY}>",
    f"<video src={AWAY} poster={AWAY} autoplay></video><audio src={AWAY} autoplay></audio>",
    f"<picture><source srcset={AWAY}><img></picture><input type=image src={AWAY}>",
    f"<details open ontoggle='{RUN}'><summary>s</summary>t</details><marquee onstart='{RUN}'>m",
    f"<body onload='{RUN}' background={AWAY}><p id=job-panel name=getElementById class=unseen>p",
    f"<a href='javascript:{RUN}'>a</a><a href='java&#10;script:{RUN}'>b</a>",
    f"<a href='\ufdd0javascript:{RUN}'>c</a><a href='data:text/html,<script>{RUN}</script>'>d</a>",
    "<math><mtext><table><mglyph><style><!--</style>"
    f'<img title="--&gt;&lt;img src=1 onerror={RUN}&gt;">',
    f'<svg></p><style><a id="</style><img src=1 onerror={RUN}>">',
    f"<form><math><mtext></form><form><mglyph><style></math><img src onerror={RUN}>",
    f'<noscript><p title="</noscript><img src=x onerror={RUN}>">',
    f"<math><annotation-xml encoding='text/html'><style><img src=x onerror={RUN}></style>",
    f"<template><img src=x onerror={RUN}><style>p{{}}</style></template><xmp><b style=x></xmp>",
    f"<select><style></select><img src=x onerror={RUN}></style>",
    f"<!--><img src=x onerror={RUN}>--><![CDATA[<img src=x onerror={RUN}>]]><?x <b style=y>?>",
    f"<div><template shadowrootmode=open><img src=x onerror={RUN}></template></div>",
    "<b style='never closed",
    "<style",
]
"""What runs, loads, moves, looks or is mistaken otherwise. The odd ones are from DOMPurify's own
tests and the reports that they are about, on HTML that changes when it is parsed twice."""

READABLE = {
    *("a", "b", "br", "details", "div", "img", "p", "summary", "wbr"),
    *("table", "tbody", "td", "tr"),
}

PUT = """async (html) => {
    const { harmless } = await import(new URL("static/harmless.js", document.baseURI));
    const box = document.body.appendChild(document.createElement("div"));
    box.className = "put";
    box.append(harmless(html) ?? "");
    for (const one of box.querySelectorAll("*")) one.click();
    return box.innerHTML;
}"""


@pytest.fixture(scope="module")
def reader(chromium: Browser, stack: taskkit.LocalStack) -> Iterator[Reader]:
    """A reader of the open stack."""
    with chromium.new_context() as context:
        yield Reader(context.new_page(), stack.url).opens()


def put(reader: Reader, html: str) -> str:
    """Show HTML in the page, click at all of it, and return what of it is there."""
    made: str = reader.page.evaluate(PUT, html)
    return made


def test_nothing_hostile_runs_is_requested_or_is_complained_of(reader: Reader) -> None:
    """However it is written; what can be read stays."""
    requested: list[str] = []
    reader.page.on("request", lambda request: requested.append(request.url))
    put(reader, "")
    requested.clear()
    for html in HOSTILE:
        made = put(reader, html)
        reader.page.wait_for_timeout(20)
        assert (html, requested, reader.faults) == (html, [], [])
        assert not reader.page.evaluate("'isRun' in window"), html
        tags, attributes = set(re.findall(r"<(\w+)", made)), set(re.findall(r' (\w+)="', made))
        assert tags <= READABLE, made
        assert attributes <= {"title", "alt", "class", "open", "colspan"}, made
        assert AWAY not in made
    reader.page.wait_for_timeout(SETTLED_MS)
    assert requested == []
    assert reader.faults == []
    assert len(reader.page.context.pages) == 1
    text = reader.page.locator(".put").all_inner_texts()
    assert {"a picture", "bcd", "ef", "styled", "based"} <= set(text)


def test_a_browser_would_complain(reader: Reader) -> None:
    """The test above can fail."""
    look = "html => { new DOMParser().parseFromString(html, 'text/html') }"
    for html in HOSTILE[4:8]:
        reader.page.evaluate(look, html)
    reader.page.wait_for_timeout(SETTLED_MS)
    assert len(reader.faults) >= 4
    reader.faults.clear()


def test_what_may_be_shown_is_shown_as_it_is(reader: Reader) -> None:
    """Words on styles, links that lead out, pictures that come along, cells that span."""
    source = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"
    made = put(
        reader,
        '<p>my style = "x", on/style/</p><a href="https://a.example/style/on/?a=b">out</a>'
        f'<img src="{source}"><table class="x"><tr><td colspan=2>1</table><h2 id=a>head</h2>',
    )
    assert made == (
        '<p>my style = "x", on/style/</p><a href="https://a.example/style/on/?a=b" target="_blank" '
        f'rel="noopener noreferrer">out</a><img src="{source}" alt=""><table class="dataframe">'
        '<tbody><tr><td colspan="2">1</td></tr></tbody></table><h2>head</h2>'
    )
    for closed in reader.page.context.pages[1:]:
        closed.close()


def test_a_jobs_own_html_is_cleaned_and_one_without_a_rest_is_told_in_words(
    reader: Reader, stack: taskkit.LocalStack
) -> None:
    """All the way: what a job can display at all, and a frame with the style that pandas adds."""
    requested: list[str] = []
    reader.page.on("request", lambda request: requested.append(request.url))
    hostile = "<p>read me</p>".join(html for html in HOSTILE if "<script" not in html)
    frame = "<style scoped>td{color:red}</style><table><tr style='x:y'><td>1</td></tr></table>"
    with stack.client() as client:
        job: taskkit.Job[Any] = client.submit(
            showing, "text/html", hostile, frame, f"<iframe src={AWAY}></iframe>"
        )
        job.result(LIMIT_S)
        page = goes_to(reader, job)
    reader.sees(f"{GALLERY} .tk-html").get_by_text("read me").first.wait_for()
    assert page.locator(f"{GALLERY} figure:nth-child(2)").inner_text() == "1"
    told = page.locator(f"{GALLERY} figure:nth-child(3)").inner_text()
    assert told == "a <rich> thing is shown in the notebook only"
    page.wait_for_timeout(SETTLED_MS)
    assert not page.evaluate("'isRun' in window")
    assert [url for url in requested if not url.startswith(stack.url)] == []
    assert reader.complaints() == []
