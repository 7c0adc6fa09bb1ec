"""Faults on purpose: a proxy that makes them, a record of what was seen, and its judge."""
