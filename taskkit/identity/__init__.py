"""What a call is: its function's code and what that reads, arguments and versions, as digests."""

from .calls import identify

__all__ = ["identify"]
