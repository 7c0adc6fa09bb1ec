"""How values and functions travel between a notebook and a worker."""
