"""What a stack costs, measured beside its neighbours in the same run."""
