"""The same work on taskkit and on its neighbours, measured in one run; see `bench.__main__`."""
