"""JupyterLab's launcher: a card that opens the dashboard, by jupyter-server-proxy.

JupyterLab loads this package at its start, where that is installed; nothing else imports it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from .hosting import host

ICON = Path(__file__).with_name("icon.svg")


def dashboard() -> dict[str, Any]:
    """Return what jupyter-server-proxy is told of the dashboard.

    Source: jupyter-server-proxy, "Server Process options"; `pyproject.toml` names this function as
    an entry point.
    """
    return {
        "command": host,
        "unix_socket": True,
        # The dashboard lets no page frame it, so it cannot be a tab within JupyterLab.
        "new_browser_tab": True,
        # A dashboard that is left open is no reason to keep an idle JupyterLab running.
        "update_last_activity": False,
        "launcher_entry": {
            "title": "taskkit dashboard",
            "icon_path": str(ICON),
            # In the other sections JupyterLab 4.6 draws no icon that has an address.
            "category": "Notebook",
            "enabled": sys.platform != "win32",
        },
    }
