"""A submission's JSON as specs, and what becomes of each."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
)

from taskkit.ledger import JobRef, Ledger, Submission, WakeUp
from taskkit.protocol.errors import (
    FunctionNotFound,
    InvalidRequest,
    JobNotFound,
    KeyReused,
    PayloadTooLarge,
    QuotaReached,
    RequestError,
    TaskkitError,
)
from taskkit.protocol.options import (
    KEY_CHARS,
)
from taskkit.protocol.spec import MAX_ARGUMENTS_BYTES, MOST_AFTER, MOST_BLOBS, JobSpec

from .catalogue import Catalogue, bind
from .identities import Digest, IdentityRequest
from .options import NO_OPTIONS, Minor, OptionsRequest
from .workforce import Workforce

Key = Annotated[str, Field(min_length=1, max_length=KEY_CHARS, pattern=r"^[\x21-\x7e]+$")]
Reference = Annotated[
    str, Field(max_length=4 + KEY_CHARS, pattern=r"^([0-9a-f]{32}|key:[\x21-\x7e]+)$")
]
"""Another job: its id, or its idempotency key."""


class JobRequest(BaseModel):
    """One job. A named task takes `arguments` (and `positional`), a shipped function the rest."""

    model_config = ConfigDict(extra="forbid")

    task: Annotated[str, Field(min_length=1, max_length=300)]
    arguments: dict[str, Any] = {}
    positional: list[Any] = []
    function: Digest | None = None
    payload: str = ""
    python: Minor = ""
    after: Annotated[tuple[Reference, ...], Field(max_length=MOST_AFTER)] = ()
    blobs: Annotated[tuple[Digest, ...], Field(max_length=MOST_BLOBS)] = ()
    key: Key | None = None
    require_worker: StrictBool = False
    identity: IdentityRequest | None = None
    options: OptionsRequest = NO_OPTIONS


class JobRequests(BaseModel):
    """Several jobs in one request, and the functions that the ledger may not have yet."""

    model_config = ConfigDict(extra="forbid")

    jobs: Annotated[list[JobRequest], Field(min_length=1, max_length=10_000)]
    functions: Annotated[
        dict[Digest, str], Field(json_schema_extra={"additionalProperties": False})
    ] = {}


Answer = Submission | TaskkitError


class Submissions:
    """Makes specs of requests and has the ledger accept them."""

    def __init__(
        self, ledger: Ledger, catalogue: Catalogue, message: WakeUp, workforce: Workforce
    ) -> None:
        self._workforce = workforce
        self._ledger = ledger
        self._message = message
        self._catalogue = catalogue

    def accept(
        self, owner: str, requests: JobRequests, fallback_keys: Sequence[str]
    ) -> list[Answer]:
        """Submit what fits, in order; the answer to what does not is why.

        `fallback_keys` are for the requests that bring no idempotency key.
        """
        self._keep(owner, requests.functions)
        answers: dict[int, Answer] = {}
        fit: list[tuple[int, tuple[str, JobSpec]]] = []
        for n, request in enumerate(requests.jobs):
            try:
                spec = self._spec(request)
                if request.require_worker and not self._is_known(owner, request.key):
                    self._workforce.require(spec.options)
            except RequestError as error:  # a ledger that is away is no fault of the request's
                answers[n] = error
            else:
                fit.append((n, (request.key or fallback_keys[n], spec)))
        accepted = self._submit(owner, [keyed for _, keyed in fit])
        for (n, _), answer in zip(fit, accepted, strict=True):
            answers[n] = answer
        return [answers[n] for n in range(len(requests.jobs))]

    def _is_known(self, owner: str, key: str | None) -> bool:
        """Return whether a job was made under a key: then its request is only repeated."""
        return key is not None and self._ledger.keyed(owner, key) is not None

    def made_of(self, ref: JobRef) -> JobSpec:
        """Return what a job was made of that has not succeeded.

        Raises:
            JobNotFound: That is not kept any more.
        """
        spec = self._ledger.spec(ref)
        if spec is None:
            raise JobNotFound(f"what job {ref.id} was given is not kept any more; submit it anew")
        return spec

    def repeat(self, owner: str, key: str, spec: JobSpec) -> Submission:
        """Submit that again, under another key.

        Raises:
            FunctionNotFound: Its function is not kept any more.
        """
        return self._ledger.submit(owner, [(key, spec)], message=self._message)[0]

    def _submit(self, owner: str, keyed: Sequence[tuple[str, JobSpec]]) -> Sequence[Answer]:
        if not keyed:
            return []
        try:
            return self._ledger.submit(owner, keyed, message=self._message)
        except QuotaReached as error:
            # As many as there is room for; a request that is known already may be among the rest,
            # and is told as well when it is made again.
            room = min(error.details["room"], len(keyed) - 1)
            return [*self._submit(owner, keyed[:room]), *[error] * (len(keyed) - room)]
        except (KeyReused, FunctionNotFound, JobNotFound) as error:
            if len(keyed) == 1:
                return [error]
            return [answer for one in keyed for answer in self._submit(owner, [one])]

    def _spec(self, request: JobRequest) -> JobSpec:
        options = request.options.options()
        identity = None if request.identity is None else request.identity.identity()
        if request.function is None:
            task = self._catalogue.task(request.task)
            arguments = bind(task, request.positional, request.arguments)
            if request.after:
                raise InvalidRequest("a named task takes values, not the results of other jobs")
            return JobSpec(task=task.name, arguments=arguments, options=options, identity=identity)
        if options.python != request.python:  # else it waits for a worker that has it
            self._catalogue.require_python(request.python)
        payload = decoded(request.payload, "payload")
        if len(payload) > MAX_ARGUMENTS_BYTES:
            limit = MAX_ARGUMENTS_BYTES // 2**20
            raise PayloadTooLarge(f"the arguments of a job may take {limit} MiB in all")
        return JobSpec(
            task=request.task,
            function=request.function,
            payload=payload,
            python=request.python,
            options=options,
            after=request.after,
            blobs=request.blobs,
            identity=identity,
        )

    def _keep(self, owner: str, functions: Mapping[str, str]) -> None:
        for digest, encoded in functions.items():
            pickled = decoded(encoded, "functions")
            if sha256(pickled).hexdigest() != digest:
                raise InvalidRequest("a function does not have the hash it was sent under")
            self._ledger.put_function(owner, digest, pickled)


def decoded(text: str, field: str) -> bytes:
    """Return what base64 text stands for.

    Raises:
        InvalidRequest: It is not base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest(f"{field} is not base64") from error


def parsed(body: object) -> tuple[JobRequests, bool]:
    """Return the requests in a body, and whether it was written as a single job.

    Raises:
        InvalidRequest: It has not the form of either; ``details["fields"]`` names each fault.
    """
    try:
        if isinstance(body, dict) and "jobs" in body:
            return JobRequests.model_validate(body), False
        return JobRequests(jobs=[JobRequest.model_validate(body)]), True
    except ValidationError as error:
        raise not_understood(error) from error


def not_understood(error: ValidationError) -> InvalidRequest:
    """Return the refusal of a body that has another form; ``details["fields"]`` has each fault."""
    faults = {".".join(map(str, fault["loc"])) or "body": fault["msg"] for fault in error.errors()}
    told = "; ".join(f"{where}: {what}" for where, what in faults.items())
    return InvalidRequest(f"the request is not understood: {told}", fields=faults)
