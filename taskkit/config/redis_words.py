"""The arguments by which server and worker are told how to reach Redis."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any


def add_redis_words(parser: ArgumentParser) -> None:
    """Have a parser know them."""
    for part, what in (
        ("ca", "who signed the certificate of Redis, for rediss://"),
        ("cert", "a certificate of its own, where Redis asks for one"),
        ("key", "the key of that certificate, mode 0600"),
    ):
        parser.add_argument(f"--redis-{part}-file", type=Path, metavar="FILE", help=what)
    parser.add_argument(
        "--plain-redis",
        action="store_true",
        default=None,
        help="Redis on another machine, without encryption",
    )


def redis_words(given: Namespace) -> dict[str, tuple[str, Any]]:
    """Return them by the settings that they tell, as `load` takes them."""
    return {
        "redis.ca_file": ("--redis-ca-file", given.redis_ca_file),
        "redis.cert_file": ("--redis-cert-file", given.redis_cert_file),
        "redis.key_file": ("--redis-key-file", given.redis_key_file),
        "redis.plain": ("--plain-redis", given.plain_redis),
    }
