"""A whole plant on one machine: a thousand notebooks, a hundred thousand jobs, what they cost."""
