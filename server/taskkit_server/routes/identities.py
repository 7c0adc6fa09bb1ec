"""What a submission may say of its call, so that an earlier result of an equal one will do."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from taskkit.protocol.identity import (
    MARK_CHARS,
    MOST_PARTS,
    PART_CHARS,
    REASON_CHARS,
    Identity,
)

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
PartName = Annotated[str, Field(max_length=PART_CHARS)]
Mark = Annotated[str, Field(max_length=MARK_CHARS)]


class IdentityRequest(BaseModel):
    """What a call is, for whom an earlier result of an equal one will do; see `Identity`."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    topics: Annotated[tuple[Digest, ...], Field(max_length=2)] = ()
    parts: Annotated[dict[PartName, Mark], Field(max_length=MOST_PARTS)] = {}
    unsure: Annotated[str, Field(max_length=REASON_CHARS)] = ""
    is_renewed: StrictBool = False

    def identity(self) -> Identity:
        """Return it in the protocol's own form."""
        return Identity(**self.model_dump())
