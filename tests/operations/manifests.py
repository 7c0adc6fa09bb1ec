"""The files of deploy/kubernetes: as they are written, and as kustomize puts them together."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"

Document = dict[str, Any]

WORKLOADS = ("Deployment", "StatefulSet")


class Twice(Exception):
    """A key that stands twice in one mapping, of which the second would hold."""


class _Strict(yaml.SafeLoader):
    """Refuses what YAML's own reader passes over."""


def _mapping(loader: _Strict, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise Twice(f"{key}{node.start_mark}")
    return {
        loader.construct_object(key, deep=True): loader.construct_object(value, deep=True)
        for key, value in node.value
    }


_Strict.add_constructor("tag:yaml.org,2002:map", _mapping)


def read(text: str) -> list[Document]:
    """Return the documents of a text.

    Raises:
        Twice: A key does.
    """
    return [one for one in yaml.load_all(text, Loader=_Strict) if one is not None]


def make_secrets(folder: Path) -> dict[str, str]:
    """Have the repository's script make secrets; return them by the names of their files."""
    subprocess.run(["sh", str(FOLDER / "secrets.sh"), str(folder)], check=True)
    return {path.name: path.read_text() for path in folder.iterdir()}


def written(secrets: dict[str, str]) -> list[Document]:
    """Return all documents without kustomize: the generators' are made here, by their own names."""
    documents: list[Document] = []
    for folder in (FOLDER / "base", *sorted((FOLDER / "components").iterdir()), FOLDER / "example"):
        [told] = read((folder / "kustomization.yaml").read_text())
        for name in told.get("resources", ()):
            if (folder / name).is_file():
                documents += read((folder / name).read_text())
        for made in told.get("configMapGenerator", ()):
            data = {name: (folder / name).read_text() for name in made.get("files", ())}
            data |= dict(literal.split("=", 1) for literal in made.get("literals", ()))
            documents.append(_made("ConfigMap", made["name"], data))
        for made in told.get("secretGenerator", ()):
            names = [Path(name).name for name in made["files"]]
            documents.append(_made("Secret", made["name"], {name: secrets[name] for name in names}))
        tags = {image["name"]: image["newTag"] for image in told.get("images", ())}
        for _, container in containers(documents):
            if container["image"] in tags:
                container["image"] += f":{tags[container['image']]}"
    return documents


def _made(kind: str, name: str, data: dict[str, str]) -> Document:
    field = "stringData" if kind == "Secret" else "data"
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, field: data}


def kubectl() -> str | None:
    """Return a kubectl whose kustomize knows components; None where there is none."""
    found = shutil.which("kubectl")
    if found is None:
        return None
    told = subprocess.run([found, "version", "--client"], capture_output=True, text=True).stdout
    return found if re.search(r"Kustomize Version: v([5-9]|\d\d)", told) else None


def rendered(binary: str, folder: Path) -> list[Document]:
    """Return what `kubectl apply -k` would send for the example, with secrets just made."""
    copy = folder / "kubernetes"
    shutil.copytree(FOLDER, copy)
    make_secrets(copy / "example" / "secrets")
    done = subprocess.run(
        [binary, "kustomize", str(copy / "example")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return read(done.stdout)


def of_kind(documents: list[Document], *kinds: str) -> list[Document]:
    """Return the documents of these kinds."""
    return [one for one in documents if one["kind"] in kinds]


def named(documents: list[Document], kind: str, name: str) -> Document:
    """Return the one of a kind and a name; what a generator adds to a name is passed over."""
    [found] = [
        one
        for one in of_kind(documents, kind)
        if re.fullmatch(re.escape(name) + "(-[a-z0-9]{10})?", one["metadata"]["name"])
    ]
    return found


def pod_of(workload: Document) -> Document:
    """Return the description of a workload's pods."""
    template: Document = workload["spec"]["template"]["spec"]
    return template


def labels_of(workload: Document) -> dict[str, str]:
    """Return the labels of a workload's pods."""
    labels: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return labels


def containers(documents: list[Document]) -> Iterator[tuple[Document, Document]]:
    """Yield each workload with each of its containers."""
    for workload in of_kind(documents, *WORKLOADS):
        for container in pod_of(workload)["containers"]:
            yield workload, container


def selected(documents: list[Document], selector: dict[str, str]) -> list[Document]:
    """Return the workloads whose pods have these labels."""
    return [
        one for one in of_kind(documents, *WORKLOADS) if selector.items() <= labels_of(one).items()
    ]
