"""Tasks that every worker offers: examples, one file each."""
