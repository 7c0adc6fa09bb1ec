"""The record of all jobs. Server and worker meet here and nowhere else."""

from .base import Ledger
from .fitness import examine
from .open import open_ledger
from .terms import (
    Claim,
    JobFilter,
    JobRef,
    Lease,
    LogPage,
    StoredResult,
    Submission,
    WakeUp,
    Write,
)

__all__ = [
    "Claim",
    "JobFilter",
    "JobRef",
    "Lease",
    "Ledger",
    "LogPage",
    "StoredResult",
    "Submission",
    "WakeUp",
    "Write",
    "examine",
    "open_ledger",
]
