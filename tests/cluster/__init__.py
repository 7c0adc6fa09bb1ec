"""Worker hosts of the test's own: network namespaces around a server, with cables that fail."""
