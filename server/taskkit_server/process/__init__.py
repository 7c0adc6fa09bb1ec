"""The process under gunicorn: its workers, its log, how it is mounted."""
