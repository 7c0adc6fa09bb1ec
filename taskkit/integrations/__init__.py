"""What lets other libraries run on taskkit: one small file a library that needs one.

Most need none: a `Client` is an executor, and its `map` is called as `multiprocessing.Pool`'s is.
"""
