"""What code inside a job may say: how far it is. Outside a job it has no effect."""
