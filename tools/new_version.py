"""Write a version into every file that tells it: ``tools/new_version.py 0.2.0``.

`PLACES` is where; a test compares them all. In CHANGELOG.md what is unreleased becomes the section
of the version, of today, and CITATION.cff says the day. What follows is in CONTRIBUTING.md.
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parent.parent

IMAGE = r"taskkit-(?:server|worker|\$part):([0-9][\w.+-]*)"
TAG = r"newTag: (\S+)"

PLACES: dict[str, str] = {
    "taskkit/__init__.py": r'^__version__ = "(.+)"$',
    "CITATION.cff": r"^version: (.+)$",
    "clients/js/package.json": r'"name": "taskkit-client",\s+"version": "(.+)"',
    "clients/js/package-lock.json": r'"name": "taskkit-client",\s+"version": "(.+)"',
    "deploy/compose/compose.yaml": IMAGE,
    "deploy/compose/example.env": IMAGE,
    "deploy/images/Dockerfile": r'image\.version="(.+?)"',
    "deploy/kubernetes/base/kustomization.yaml": TAG,
    "deploy/kubernetes/example/kustomization.yaml": TAG,
    "docs/deploy/compose.md": IMAGE,
    "docs/deploy/kubernetes.md": IMAGE,
}
"""File -> what the version, its one group, stands in; as often as it is there."""

UNRELEASED = "## Unreleased\n"


def told(name: str, root: Path = ROOT) -> list[str]:
    """Return the versions that a file tells."""
    return re.findall(PLACES[name], (root / name).read_text(encoding="utf-8"), re.MULTILINE)


def write(version: str, day: str, root: Path = ROOT) -> None:
    """Write a version into all places; `day` is that of its release, ``2026-11-27``.

    Raises:
        ValueError: It is no version, none that comes after, or nothing has changed since the last.
    """
    try:
        is_newer = Version(version) >= Version(told("taskkit/__init__.py", root)[0])
    except InvalidVersion as error:
        raise ValueError(f"{version!r} is no version: 0.2.0") from error
    if not is_newer or str(Version(version)) != version:
        raise ValueError(
            f"{version} does not come after what is there, or is not in its short form"
        )
    changes = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    before, _, after = changes.partition(UNRELEASED)
    if not after.partition("\n## ")[0].strip() or f"## {version} " in changes:
        raise ValueError(f"CHANGELOG.md says nothing of what {version} changes: under {UNRELEASED}")
    dated = f"{before}{UNRELEASED}\n## {version} - {day}\n{after}"
    (root / "CHANGELOG.md").write_text(dated, encoding="utf-8")
    for name, pattern in PLACES.items():
        path = root / name
        text = path.read_text(encoding="utf-8")
        path.write_text(_replaced(text, pattern, version), encoding="utf-8")
    cited = root / "CITATION.cff"
    text = re.sub(r"\ndate-released: .*", "", cited.read_text(encoding="utf-8"))
    cited.write_text(f"{text.rstrip()}\ndate-released: {day}\n", encoding="utf-8")


def _replaced(text: str, pattern: str, version: str) -> str:
    def once(match: re.Match[str]) -> str:
        start, end = (place - match.start() for place in match.span(1))
        return match[0][:start] + version + match[0][end:]

    return re.sub(pattern, once, text, flags=re.MULTILINE)


def main(version: str = "", *_: str) -> None:
    """Write it, and say what is to be done next."""
    try:
        write(version, datetime.now(UTC).date().isoformat())
    except ValueError as error:
        sys.exit(f"version: {error}")
    print(f"{version} is in {len(PLACES)} files and CHANGELOG.md. Then:")
    print(f"  make env release-check && git commit -am 'Release {version}'")
    print(f"  git tag -s v{version} && git push origin v{version}")


if __name__ == "__main__":
    main(*sys.argv[1:])
