"""Functions that notebooks ship: loaded once a pool process, and called."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

from taskkit.ledger import JobRef, StoredResult
from taskkit.protocol.errors import PythonMismatch
from taskkit.protocol.spec import JobSpec, unsealed
from taskkit.travel import values
from taskkit.travel.chunks import Chunk, Raised
from taskkit.travel.classes import Classes
from taskkit.travel.functions import PYTHON_MINOR
from taskkit.travel.outgoing import arrived

from .fitness import explained
from .owns_blobs import OwnsBlobs

KEPT = 64
"""How many functions a process keeps."""


class _Loaded(NamedTuple):
    function: Callable[..., Any]
    classes: Classes


class ShippedFunctions:
    """Knows functions by owner and digest; each has its own classes, whatever comes later."""

    def __init__(
        self,
        fetch: Callable[[str, str], bytes | None],
        result: Callable[[JobRef], StoredResult | None],
        blobs: OwnsBlobs,
        tell: Callable[[BaseException], Raised],
    ) -> None:
        self._fetch = fetch
        #: Brings the pickle of an owner's function by its digest.
        self._result = result
        #: Brings what a job has returned.
        self._blobs = blobs
        self._tell = tell
        self._loaded = lru_cache(maxsize=KEPT)(self._load)

    def call(self, owner: str, digest: str, spec: JobSpec) -> Any:
        """Call the function with what the job brings.

        Raises:
            PythonMismatch: It was pickled by another minor version.
            BadSignature: Somebody without the keys wrote it, or the result of such a job.
            LookupError: The ledger no longer has it, or the result of a job that it is given.
            BlobNotFound, BlobDamaged: What is large of it is not to be had.
            ImportError, AttributeError: It, or an argument, needs what is not installed here.
            BaseException: Whatever it raises.
        """
        if spec.python != PYTHON_MINOR:
            raise PythonMismatch(
                f"the function was pickled by Python {spec.python} and this worker runs "
                f"{PYTHON_MINOR}: start the notebook's kernel and the workers with the same version"
            )
        try:
            function, classes = self._loaded(owner, digest)
        except (ImportError, AttributeError) as error:
            raise explained(error, self._fetch(owner, digest), spec.python) from error
        blobs = self._blobs.patient(owner)
        read = partial(arrived, blobs=blobs, load=classes.load)

        def result(place: int) -> Any:
            stored = self._result(JobRef(owner, spec.after[place]))
            if stored is None:
                raise LookupError(f"the result of job {spec.after[place]} is no longer kept")
            return values.decode(stored.media_type, stored.body, read)

        load = partial(classes.load, results=result)
        try:
            args, kwargs = arrived(unsealed(spec.payload)[1], blobs, load)
        except (ImportError, AttributeError) as error:
            raise explained(error, self._fetch(owner, digest), spec.python) from error
        if len(args) == 1 and type(args[0]) is Chunk:
            return args[0].run(function, read, self._tell)
        return function(*args, **kwargs)

    def _load(self, owner: str, digest: str) -> _Loaded:
        pickled = self._fetch(owner, digest)
        if pickled is None:
            raise LookupError("the function is no longer in the ledger; submit the job again")
        classes = Classes()
        return _Loaded(arrived(pickled, self._blobs.patient(owner), classes.load), classes)
