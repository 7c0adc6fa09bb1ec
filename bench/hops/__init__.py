"""Where the time of one no-op goes: stamps at points of taskkit's own code, put there from outside.

`points` names the places, `stamps` wraps them in every process, `profile` reads what they wrote.
"""
