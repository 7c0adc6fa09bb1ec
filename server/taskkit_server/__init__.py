"""Takes jobs over HTTP, wakes workers, and pushes what happens to those who watch."""
