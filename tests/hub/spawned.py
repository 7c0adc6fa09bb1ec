"""Stands in for a single-user server: writes down what the Hub gave it, and answers."""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import urlsplit


class Answer(BaseHTTPRequestHandler):
    """Says that it is there; the Hub looks for its own version in a header."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    folder, user = Path(sys.argv[1]), os.environ["JUPYTERHUB_USER"]
    made = folder / f".{user}"
    made.write_text(json.dumps(dict(os.environ)))
    made.rename(folder / f"{user}.json")
    where = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    HTTPServer((where.hostname or "127.0.0.1", where.port or 80), Answer).serve_forever()
