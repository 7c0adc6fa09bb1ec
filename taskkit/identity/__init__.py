"""What a call is: its function's code and what that reads, arguments and versions, as digests."""

from .calls import Calls, identify, made_of
from .parts import Unsure

__all__ = ["Calls", "Unsure", "identify", "made_of"]
