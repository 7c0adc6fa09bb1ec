"""Notebooks that run as jobs: read, given their parameters, and what came of them."""
