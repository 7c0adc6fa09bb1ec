"""Whether a function can run here, found before anything of it is loaded.

Jobs say what they need where it matters when they are submitted. A worker of another environment
that comes later finds in a function itself what that needs, and gives its job back.
"""

from __future__ import annotations

import platform
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache

from taskkit.ledger import JobRef
from taskkit.protocol.errors import BadSignature, DecodeError
from taskkit.protocol.fit import fits, why_not
from taskkit.protocol.needs import Advert, Needs, needs_of
from taskkit.protocol.spec import JobSpec, function_digest
from taskkit.travel.functions import PYTHON_MINOR
from taskkit.travel.installed import version_of
from taskkit.travel.stamps import packages_of

KEPT = 256
"""Of how many functions, and of how many jobs that were given back, a process knows."""

Versions = Callable[[str], str | None]


class Fitness:
    """Of one pool process."""

    def __init__(
        self,
        fetch: Callable[[str, str], bytes | None],
        *,
        versions: Versions = version_of,
        minor: str = PYTHON_MINOR,
    ) -> None:
        self._fetch = fetch
        #: Brings the pickle of an owner's function by its digest.
        self._versions = versions
        self._minor = minor
        self._packages = lru_cache(maxsize=KEPT)(self._needed)
        self._returned: deque[JobRef] = deque(maxlen=KEPT)

    def lacking(self, ref: JobRef, spec: JobSpec) -> tuple[Needs, str] | None:
        """Return what a job needs that this process has not, and that in words; None where it fits.

        Of a job once: one that comes back all the same is to be run, and fails in its own words.
        """
        if spec.function is None or ref in self._returned:
            return None
        packages = self._packages(ref.owner, function_digest(spec.function))
        if spec.python == self._minor and not packages:
            return None
        found = {name: has for name in packages if (has := self._versions(name))}
        here = Advert(cores=1, python=f"{self._minor}.0", packages=found)
        needs = Needs(python=spec.python, packages=packages)
        if fits(needs, here):
            return None
        self._returned.append(ref)
        whole = needs_of(spec.options)
        all_packages = {**packages, **whole.packages}
        return replace(whole, python=spec.python, packages=all_packages), why_not(needs, here)

    def _needed(self, owner: str, digest: str) -> Mapping[str, str]:
        try:
            pickled = self._fetch(owner, digest)
            return {} if pickled is None else packages_of(pickled)
        except (DecodeError, BadSignature):  # which is found again, and told, when it is loaded
            return {}


def explained(error: ImportError | AttributeError, stamp: bytes | None, python: str) -> Exception:
    """Return an error of loading what a kernel sent, with what both sides have."""
    packages = packages_of(stamp) if stamp else {}
    theirs = "".join(f", {name}{spec}" for name, spec in sorted(packages.items()))
    ours = "".join(f", {name} {version_of(name) or '(none)'}" for name in sorted(packages))
    words = (
        f"{error}. The worker cannot load what the notebook sent: there it is Python "
        f"{python}{theirs}; the worker has Python {platform.python_version()}{ours}. "
        "Have both use the same packages"
    )
    match error:
        case ModuleNotFoundError():
            return ModuleNotFoundError(words, name=error.name, path=error.path)
        case ImportError():
            return ImportError(words, name=error.name, path=error.path)
    return AttributeError(words)
