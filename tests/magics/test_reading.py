"""Which names a body reads from the notebook, and which it assigns."""

from __future__ import annotations

import ast

import pytest

from taskkit.magics.reading import names_of


def read(text: str) -> str:
    """Return the names of one letter that a body reads, in order."""
    return "".join(sorted(name for name in names_of(ast.parse(text)).read if len(name) == 1))


def assigned(text: str) -> str:
    """Return the names that it assigns, in order."""
    return "".join(sorted(names_of(ast.parse(text)).assigned))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = b + c", "bc"),
        ("a = 1\nb = a", ""),
        ("b = a\na = 1", "a"),
        ("a += 1", "a"),
        ("a[b] = c", "abc"),
        ("a.x = b", "ab"),
        ("del a", "a"),
        ("a = 1\ndel a\nprint(a)", "a"),
        ("a: b = c", "bc"),
        ("def f(x, y=a): return x + g(b)\nf(1)", "abg"),
        ("def f():\n  a = 1\n  return a", ""),
        ("f = lambda x: x + a", "a"),
        ("class A(b):\n  x = c\n  def m(self): return d", "bcd"),
        ("[x + a for x in b if c]", "abc"),
        ("{x: y for x, y in a.items()}", "a"),
        ("x = [x for x in a]", "a"),
        ("print(f'{a!r:{b}}')", "ab"),
        ("@d\ndef f(): pass", "d"),
        ("import a\na.b", ""),
        ("from x import a as b\nb(c)", "c"),
        ("async def f():\n  await a\nawait f()", "a"),
        ("async with a as b: b", "a"),
        ("async for a in b: a", "b"),
    ],
)
def test_what_a_statement_reads(text: str, expected: str) -> None:
    """By the rules of Python's own scopes."""
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if a: b = 1\nprint(b)", "ab"),
        ("if a: b = 1\nelse: b = 2\nprint(b)", "a"),
        ("if a: b = 1\nelse: raise E\nprint(b)", "Ea"),
        ("for a in b:\n  c = a\n  print(c)", "b"),
        ("for a in b: c = a\nprint(c)", "bc"),
        ("for a in b:\n  if a: continue\n  else: c = 1\n  print(c)", "b"),
        ("for a in b: pass\nelse: print(a)", "ab"),
        ("while a:\n  b = 1\n  print(b)\nprint(b)", "ab"),
        ("with open(a) as b: c = b.read()\nprint(c)", "a"),
        ("with suppress(E): c = 1\nprint(c)", "Ec"),
        ("with contextlib.suppress(E): c = 1\nprint(c)", "Ec"),
        ("try: a = b\nexcept E: a = 1\nprint(a)", "Eb"),
        ("try: a = b\nexcept E: pass\nprint(a)", "Eab"),
        ("try: a = b\nexcept E: raise\nprint(a)", "Eb"),
        ("try: pass\nexcept E as c: print(c)\nprint(c)", "Ec"),
        ("try: pass\nexcept E as c: print(c)", "E"),
        ("try: a = b\nfinally: c = 1\nprint(a, c)", "b"),
        ("try: a = 1\nfinally: print(a)", "a"),
        ("try: a = 1\nexcept* E: a = 2\nprint(a)", "E"),
        ("match a:\n  case [b, c]: print(b)\n  case d.x: pass\n  case _: print(b)", "abd"),
        ("match a:\n  case {'k': b} if b > c: d = b", "ac"),
        ("if (a := b): print(a)", "b"),
        ("if c and (a := b): pass\nprint(a)", "abc"),
        ("x = (a := 1) if b else 2\nprint(a)", "ab"),
        ("[a := x for x in b]\nprint(a)", "ab"),
        ("raise E\nprint(a)", "E"),
    ],
)
def test_what_is_assigned_before_whichever_way_is_not_read(text: str, expected: str) -> None:
    """And what may be missing on one way is."""
    assert read(text) == expected


def test_a_cell_that_is_run_again_is_sent_nothing_that_it_made() -> None:
    """Its own names are there from the first time, and some of them might not travel."""
    text = """
import numpy as n
from x import f
def g(u): return f(u) + h(u)
def h(u): return u
with open(p) as i:
    r = i.readlines()
for j, l in enumerate(r):
    try:
        v = float(l)
    except ValueError:
        continue
    w = g(v)
print(len(r))
"""
    # `h` is: it is read by a function before it is there, and nobody knows when that is called.
    assert read(text) == "hp"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = b = 1\nc, (d, *e) = 2, (3,)", "abcde"),
        ("a += 1", "a"),
        ("a[0] = 1\nb.c[1].d = 2\ndel e['k']\nf()[0] = 1", "abe"),
        ("import a.b, c as d\nfrom e import f", "adf"),
        ("def a(b):\n  c = 1\n  d.x = 2", "a"),
        ("def a():\n  global b\n  b = 1", "ab"),
        ("class A:\n  b = 1", "A"),
        ("for a in []: b = 1", "ab"),
        ("with x as a, y as (b, c): pass", "abc"),
        ("if (a := 1): pass\n[b := c for c in []]", "ab"),
        ("lambda: (a := 1)", ""),
        ("a: int\nb: int = 1", "b"),
        ("match x:\n  case [a, *b]: c = 1\n  case {'k': d, **e}: pass", "abcde"),
    ],
)
def test_what_a_body_assigns(text: str, expected: str) -> None:
    """Items and attributes count as the name that they are of; what is local to a function not."""
    assert assigned(text) == expected
