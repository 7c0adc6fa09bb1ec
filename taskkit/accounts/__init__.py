"""Accounts at Redis, one a process: what each may do there, in the file that Redis reads."""
