"""The command `taskkit`, whose stack has stand-ins for server and worker."""

from __future__ import annotations

import os
from pathlib import Path

from conftest import plan_with

from taskkit.cli import main
from taskkit.stack.stack import Stack

defaults = Stack.__init__.__kwdefaults__
assert defaults is not None
defaults["plan"] = plan_with(Path(os.environ["JOURNAL"]))
main()
