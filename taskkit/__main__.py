"""``python -m taskkit`` is `taskkit`."""

from .cli import main

main()
