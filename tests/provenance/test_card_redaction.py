"""What opens doors is not in a card; what only sounds like it is."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from taskkit.provenance.redaction import redacted, redacted_text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('password = "hush"', 'password = "…"'),
        ("os.environ['DB_TOKEN'] = 'hush'", "os.environ['DB_TOKEN'] = '…'"),
        ("connect(host='h', api_key='hush')", "connect(host='h', api_key='…')"),
        ('{"client_secret": "hush"}', '{"client_secret": "…"}'),
        ("amqp://me:hush@broker/x", "amqp://…@broker/x"),
        ("token tk_" + "a1" * 20, "token …"),
        ("ghp_" + "a" * 36, "…"),
        ("Authorization: Bearer " + "x" * 20, "Authorization: Bearer …"),
        ("tokens = tokenize('a b')", "tokens = tokenize('a b')"),
        ("the passage = 'of time'", "the passage = 'of time'"),
        ("mail to me@example.org", "mail to me@example.org"),
        ("def f(seed=3): return 'x'", "def f(seed=3): return 'x'"),
    ],
)
def test_a_text_loses_what_is_assigned_to_a_secret_s_name(text: str, told: str) -> None:
    """And tokens of known forms; other words stay as they are."""
    assert redacted_text(text) == told
    assert redacted_text(told) == told


def test_values_are_hidden_by_their_names_and_where_is_said() -> None:
    """However deep; digests and packages are no secrets, whatever they are called."""
    card: dict[str, Any] = {
        "arguments": {"value": {"db": [{"password": "hush", "port": 5}], "n": 1}},
        "environment": {"packages": {"google-auth": "2.1", "token": "1.0"}},
        "code": {"token_sha256": "ab", "needs": {"requests-oauth": "==2.*", "secret": ""}},
    }
    told = redacted(card)
    assert told["arguments"]["value"] == {"db": [{"password": "…", "port": 5}], "n": 1}
    assert told["environment"] == card["environment"]
    assert told["code"] == card["code"]
    assert told["redacted"] == ["arguments.value.db.0.password"]
    assert redacted(told) == told
    assert card["arguments"]["value"]["db"][0]["password"] == "hush"


def test_a_card_is_always_json_that_utf_8_carries() -> None:
    """Whatever a stranger's client or box has said of itself."""
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    told = redacted({"a": "\udce9", "\udce9": math.nan, "b": -math.inf, "deep": deep})
    written = json.dumps(told, ensure_ascii=False, allow_nan=False).encode()
    assert json.loads(written)["a"] == r"\udce9"
    assert (told["b"], told[r"\udce9"]) == ("-inf", "nan")
