"""The record of all jobs. Server and worker meet here and nowhere else."""

from .base import Ledger
from .figures import CAUSES, RUN_MS, WAIT_MS, Durations, Figures, Standing, StoreFacts
from .fitness import examine
from .open import open_figures, open_ledger, open_tokens
from .terms import (
    UNLIMITED,
    Claim,
    Due,
    JobFilter,
    JobRef,
    Lease,
    Limits,
    Load,
    LogPage,
    StoredResult,
    Submission,
    WakeUp,
    Write,
)
from .tokens import MemoryTokens, Tokens

__all__ = [
    "CAUSES",
    "RUN_MS",
    "UNLIMITED",
    "WAIT_MS",
    "Claim",
    "Due",
    "Durations",
    "Figures",
    "JobFilter",
    "JobRef",
    "Lease",
    "Ledger",
    "Limits",
    "Load",
    "LogPage",
    "MemoryTokens",
    "Standing",
    "StoreFacts",
    "StoredResult",
    "Submission",
    "Tokens",
    "WakeUp",
    "Write",
    "examine",
    "open_figures",
    "open_ledger",
    "open_tokens",
]
