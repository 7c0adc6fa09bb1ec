"""A card with what is needed to repeat its job: a folder, a zipped one, or a single file of JSON.

What is read is checked against the digests in the card before anybody loads it. That says that the
parts belong to the card, not that the card is honest.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from ..blobs.digest import digest_of, is_digest
from ..protocol import wire
from ..protocol.errors import DecodeError, RequestError
from .crate import METADATA, metadata
from .facts import SCHEMA
from .parts import BLOBS, Parts

CARD = "card.json"

MOST_INLINE_BYTES = 2**20
"""How much a single file holds of what a job was made of."""

MOST_CARD_BYTES = 64 * 2**20

_NAME = re.compile(r"(function|arguments|result)\.(pickle|json)")
"""What a part may be called: no card leads to another place."""


class Bundle(NamedTuple):
    """A card that was read."""

    facts: dict[str, Any]
    parts: Parts


def write(path: Path, facts: Mapping[str, Any], parts: Parts, license: str = "") -> Path:  # noqa: A002
    """Write a card and its parts; return where. See `Card.save`."""
    if path.exists():
        raise FileExistsError(f"{path} is there already; name another file or folder")
    if path.suffix == ".json":
        _write_whole(path, _single(facts, parts).encode())
        return path
    with tempfile.TemporaryDirectory(dir=path.parent or ".", prefix=".taskkit-card-") as scratch:
        folder = Path(scratch) / "crate"
        _write_folder(folder, facts, parts, license)
        if path.suffix == ".zip":
            whole = Path(scratch) / "crate.zip"
            with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
                for file in sorted(folder.rglob("*")):
                    archive.write(file, file.relative_to(folder).as_posix())
            os.replace(whole, path)  # noqa: PTH105  # by both names
        else:
            shutil.move(folder, path)
    return path


def _single(facts: Mapping[str, Any], parts: Parts) -> str:
    form = facts["arguments"]["form"]
    listed = parts.listed(form)
    size = sum(one["size_bytes"] for one in (*_parts_in(listed).values(), *listed[BLOBS]))
    if size > MOST_INLINE_BYTES:
        raise RequestError(
            f"what the job was made of takes {size / 2**20:.1f} MiB, and a single file holds "
            f"{MOST_INLINE_BYTES // 2**20}: save the card as a folder, or as a .zip"
        )
    for name, _, body in parts.files(form):
        listed[name] |= {"inline": b64encode(body).decode()}
    for one in listed[BLOBS]:
        one["inline"] = b64encode(parts.blobs[one["blake3"]]).decode()
    return json.dumps({**facts, "parts": listed}, ensure_ascii=False, indent=2) + "\n"


def _write_folder(folder: Path, facts: Mapping[str, Any], parts: Parts, license: str) -> None:  # noqa: A002
    form = facts["arguments"]["form"]
    whole = {**facts, "parts": parts.listed(form)}
    (folder / BLOBS).mkdir(parents=True)
    for _, file, body in parts.files(form):
        (folder / file).write_bytes(body)
    for digest, content in parts.blobs.items():
        (folder / BLOBS / digest).write_bytes(content)
    if not parts.blobs:
        (folder / BLOBS).rmdir()
    if source := facts["code"].get("source"):
        (folder / "source.py").write_text(f"{source.rstrip()}\n", encoding="utf-8")
    if output := facts["output"]["tail"]:
        (folder / "output.txt").write_text(output, encoding="utf-8")
    (folder / CARD).write_text(json.dumps(whole, ensure_ascii=False, indent=2) + "\n", "utf-8")
    sizes = {
        file.relative_to(folder).as_posix(): file.stat().st_size
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
    told = json.dumps(metadata(whole, sizes, license), ensure_ascii=False, indent=2)
    (folder / METADATA).write_text(told + "\n", encoding="utf-8")


def _write_whole(path: Path, body: bytes) -> None:
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        scratch.write_bytes(body)
        os.replace(scratch, path)  # noqa: PTH105
    finally:
        scratch.unlink(missing_ok=True)


def read(path: Path) -> Bundle:
    """Read a card: the file itself, its folder, or a zip; and check its parts.

    Raises:
        RequestError: It is none, or of a form that this release does not know.
        DecodeError: A part is not what the card says.
    """
    if path.is_dir():
        return _read(_file(path / CARD), lambda name: _file(path / name))
    if path.suffix == ".zip":
        try:
            with zipfile.ZipFile(path) as archive:
                return _read(_member(archive, CARD), lambda name: _member(archive, name))
        except zipfile.BadZipFile as error:
            raise RequestError(f"{path} is no zip: {error}") from error
        except OSError as error:
            raise RequestError(f"{path} cannot be read: {error.strerror or error}") from error
    return _read(_file(path), lambda name: _file(path.parent / name))


def _read(text: bytes, bring: Callable[[str], bytes]) -> Bundle:
    facts = _facts(text)
    listed = facts.pop("parts", None) or {}
    if not isinstance(listed, dict):
        raise RequestError("the card does not say which parts it has")
    found: dict[str, bytes] = {}
    kind = wire.PICKLE
    for name, told in _parts_in(listed).items():
        found[name] = body = _bytes(told, bring, _NAME.fullmatch)
        if sha256(body).hexdigest() != told.get("sha256"):
            raise DecodeError(f"the {name} beside the card is not what the card says: its digest")
        if name == "result" and str(told.get("file")).endswith(".json"):
            kind = wire.JSON
    blobs = {}
    for told in listed.get(BLOBS, []):
        digest = told.get("blake3") if isinstance(told, dict) else None
        if not is_digest(digest):
            raise RequestError("the card names what is no blob")
        body = _bytes({**told, "file": f"{BLOBS}/{digest}"}, bring, lambda _: True)
        if digest_of(body) != digest:
            raise DecodeError(f"blob {digest} beside the card is not what the card says")
        blobs[str(digest)] = body
    missing = [str(one) for one in listed.get("missing", [])]
    is_resolved = bool(listed.get("arguments", {}).get("is_resolved"))
    parts = Parts(
        **found, media_type=kind, blobs=blobs, is_resolved=is_resolved, missing=(*missing,)
    )
    return Bundle(facts, parts)


def _facts(text: bytes) -> dict[str, Any]:
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"this is no card: it is no JSON ({error})") from error
    schema = facts.get("schema") if isinstance(facts, dict) else None
    if schema != SCHEMA:
        raise RequestError(
            f"this is no card of the form {SCHEMA}, but {schema!r}: a newer taskkit may read it"
        )
    needed = ("job", "code", "arguments", "attempts", "output", "unknown")
    if not all(isinstance(facts.get(name), dict | list) for name in needed):
        raise RequestError("this card has not what every card has")
    return dict(facts)


def _parts_in(listed: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    names = ("function", "arguments", "result")
    return {name: listed[name] for name in names if isinstance(listed.get(name), dict)}


def _bytes(
    told: Mapping[str, Any], bring: Callable[[str], bytes], is_name: Callable[[str], object]
) -> bytes:
    inline, file = told.get("inline"), told.get("file")
    if isinstance(inline, str):
        try:
            return b64decode(inline, validate=True)
        except ValueError as error:
            raise DecodeError("what the card holds is no base64") from error
    if not isinstance(file, str) or not is_name(file):
        raise RequestError(f"the card names a file that none of its parts has: {file!r}")
    return bring(file)


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror or error}") from error


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        if name == CARD and archive.getinfo(name).file_size > MOST_CARD_BYTES:
            raise RequestError("the card in the zip is larger than any card is")
        return archive.read(name)
    except KeyError:
        raise RequestError(f"there is no {name} in the zip") from None
