"""What is counted and told to who runs the server."""
