"""Each route, and what only routes need."""
