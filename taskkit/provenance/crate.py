"""A saved card as an RO-Crate: what others' tools read of it.

Source: RO-Crate 1.1, and Process Run Crate 0.5 of the Workflow Run RO-Crate profiles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

METADATA = "ro-crate-metadata.json"

CONTEXT = [
    "https://w3id.org/ro/crate/1.1/context",
    "https://w3id.org/ro/terms/workflow-run/context",
]
CRATE = "https://w3id.org/ro/crate/1.1"
PROCESS = "https://w3id.org/ro/wfrun/process/0.5"

_STATUS = {
    "succeeded": "http://schema.org/CompletedActionStatus",
    "failed": "http://schema.org/FailedActionStatus",
    "cancelled": "http://schema.org/FailedActionStatus",
    "running": "http://schema.org/ActiveActionStatus",
    "queued": "http://schema.org/PotentialActionStatus",
}

_FORMATS = {
    ".json": "application/json",
    ".pickle": "application/octet-stream",
    ".py": "text/x-python",
    ".txt": "text/plain",
}

_DESCRIBED = {
    "card.json": ("Card", "How the result came about, in taskkit's own form."),
    "function.pickle": ("Function", "What was called, as Python's cloudpickle writes it."),
    "source.py": ("Source", "The text of the function."),
    "arguments.pickle": ("Arguments", "What it was called with, a pickle of (args, kwargs)."),
    "arguments.json": ("Arguments", "What it was called with, by name."),
    "result.pickle": ("Result", "What it returned, a pickle."),
    "result.json": ("Result", "What it returned."),
    "output.txt": ("Output", "The end of what it printed and logged."),
}

Entity = dict[str, Any]


def metadata(card: Mapping[str, Any], sizes: Mapping[str, int], license: str = "") -> Entity:  # noqa: A002
    """Return the metadata of a crate that holds these files, by their sizes in bytes."""
    return {"@context": CONTEXT, "@graph": list(_entities(card, sizes, license))}


def _entities(
    card: Mapping[str, Any],
    sizes: Mapping[str, int],
    license: str,  # noqa: A002
) -> Iterator[Entity]:
    job = card["job"]
    files = [_file(name, size, card) for name, size in sizes.items()]
    yield {
        "@id": METADATA,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": [{"@id": CRATE}, {"@id": PROCESS}],
    }
    root: Entity = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"{job['title']}, {job['state']}",
        "description": (
            f"A run of {job['task']} by taskkit: what was called with what, in which environment, "
            "and what came of it."
        ),
        "datePublished": _moment(card["card"]["made_at"]),
        "conformsTo": {"@id": PROCESS},
        **_linked("hasPart", [one["@id"] for one in files]),
        "mentions": {"@id": _action_id(card)},
        "license": {"@id": license} if license else "No license is given; ask the author.",
    }
    if job["owner"]:
        root["author"] = {"@id": _person_id(card)}
    yield root
    yield {"@id": PROCESS, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}
    if license:
        yield {"@id": license, "@type": "CreativeWork", "name": license, "description": license}
    yield from files
    yield from _run(card, sizes)


def _run(card: Mapping[str, Any], sizes: Mapping[str, int]) -> Iterator[Entity]:
    job, environment = card["job"], card["environment"] or {}
    objects = [name for name in sizes if name.startswith(("arguments.", "blobs/"))]
    results = [name for name in sizes if name.startswith(("result.", "output."))]
    values = list(_values(card))
    action: Entity = {
        "@id": _action_id(card),
        "@type": "CreateAction",
        "name": f"Run of {job['title']}",
        "instrument": {"@id": "#task"},
        "description": _told(card),
        "actionStatus": _STATUS[job["state"]],
    }
    action |= _linked("object", [*objects, *(value["@id"] for value in values)])
    action |= _linked("result", results)
    variables = list(_variables(environment))
    action |= _linked("environment", [one["@id"] for one in variables])
    if job["started_at"]:
        action["startTime"] = _moment(job["started_at"])
    # The profile wants one of every action; of what has not ended, when this was written.
    action["endTime"] = _moment(job["finished_at"] or card["card"]["made_at"])
    if job["owner"]:
        action["agent"] = {"@id": _person_id(card)}
    if error := card["error"]:
        action["error"] = f"{error['type']}: {error['message']}"
    yield action
    yield from values
    yield from variables
    if job["owner"]:
        yield {"@id": _person_id(card), "@type": "Person", "name": job["owner"]}
    yield from _task(card, sizes, environment)


def _task(
    card: Mapping[str, Any], sizes: Mapping[str, int], environment: Mapping[str, Any]
) -> Iterator[Entity]:
    code = card["code"]
    packages: Mapping[str, str] = environment.get("packages") or {}
    task: Entity = {
        "@id": "#task",
        "@type": "SoftwareApplication",
        "name": code.get("qualname") or code["task"],
        "description": f"A {code['form']} of {code.get('module') or 'a module that is not known'}.",
        "softwareVersion": code.get("version") or code.get("sha256") or "not known",
        "url": f"urn:sha256:{code.get('sha256') or code.get('source_sha256') or 'not-known'}",
    }
    made_of = [name for name in ("function.pickle", "source.py") if name in sizes]
    task |= _linked("hasPart", made_of)
    needed = [_package(*one) for one in packages.items()]
    if version := environment.get("python"):
        python = f"https://docs.python.org/release/{version}/"
        needed.append(python)
        yield {
            "@id": python,
            "@type": "SoftwareApplication",
            "name": environment.get("implementation") or "Python",
            "softwareVersion": version,
            "operatingSystem": environment.get("system") or "not known",
            "url": "https://www.python.org/",
        }
    task |= _linked("softwareRequirements", needed)
    yield task
    for name, version in packages.items():
        yield {
            "@id": _package(name, version),
            "@type": "SoftwareApplication",
            "name": name,
            "softwareVersion": version,
            "url": _package(name, version),
        }


def _package(name: str, version: str) -> str:
    return f"https://pypi.org/project/{quote(name)}/{quote(version)}/"


def _variables(environment: Mapping[str, Any]) -> Iterator[Entity]:
    for name, value in (environment.get("variables") or {}).items():
        told = {"name": name, "value": str(value)}
        yield {"@id": f"#variable-{quote(name)}", "@type": "PropertyValue", **told}


def _values(card: Mapping[str, Any]) -> Iterator[Entity]:
    """Yield the arguments that are known by name."""
    given = card["arguments"]
    told = [
        *((name, value) for name, value in (given.get("value") or {}).items()),
        *((one["name"], one["preview"]) for one in given.get("items", ())),
    ]
    for name, value in told:
        plain = value if isinstance(value, str | int | float | bool) else str(value)
        yield {
            "@id": f"#argument-{quote(name)}",
            "@type": "PropertyValue",
            "name": name,
            "value": plain,
        }


def _file(name: str, size: int, card: Mapping[str, Any]) -> Entity:
    title, text = _DESCRIBED.get(name, ("Blob", "What is large of another part."))
    told: Entity = {
        "@id": name,
        "@type": "File",
        "name": title,
        "description": text,
        "contentSize": str(size),
        "encodingFormat": _FORMATS.get(f".{name.rpartition('.')[2]}", "application/octet-stream"),
    }
    listed = card.get("parts", {})
    for one in listed.values():
        if isinstance(one, dict) and one.get("file") == name:
            told["sha256"] = one["sha256"]
    return told


def _linked(name: str, ids: list[str]) -> Entity:
    """Return a property that links to these: nothing, one, or a list."""
    links = [{"@id": one} for one in ids]
    return {name: links[0] if len(links) == 1 else links} if links else {}


def _moment(text: str) -> str:
    """Return a time as the profile wants it, with its zone as a number."""
    return text.removesuffix("Z") + "+00:00" if text.endswith("Z") else text


def _told(card: Mapping[str, Any]) -> str:
    last = card["attempts"][-1] if card["attempts"] else {}
    where = f" on worker {last['worker']}" if last.get("worker") else ""
    seed = f", seed {card['seed']}" if card["seed"] else ""
    return f"Attempt {last.get('attempt', 0)}{where}{seed}; {card['job']['state']}."


def _person_id(card: Mapping[str, Any]) -> str:
    return f"#user-{quote(card['job']['owner'])}"


def _action_id(card: Mapping[str, Any]) -> str:
    return f"#run-{card['job']['id']}"
