"""What taskkit is told, and by whom: arguments, variables, `taskkit.toml`, defaults.

Server, worker and command line `loading.load` all of it, by pydantic-settings. A client needs the
one table `client` of the file, which `client` reads with the standard library alone.
"""
