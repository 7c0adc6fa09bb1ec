"""supervisord's configuration."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from ..private import write_private
from .folders import Folders
from .part import Part

_RETRIES = 2**31 - 1  # never FATAL: what dies is started again for as long as the stack is wanted
_HEAD = """\
[unix_http_server]
file={socket}
chmod=0600
[supervisord]
nodaemon=true
silent=true
nocleanup=true
minfds=256
minprocs=1
pidfile=supervisor.pid
logfile={logs}/supervisor.log
logfile_maxbytes=1MB
logfile_backups=1
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[rpcinterface:taskkit]
supervisor.rpcinterface_factory=taskkit.stack.plugin:make_watch
"""
_PART = """\
[program:{name}]
command={command}
priority={priority}
autostart=false
autorestart=true
startsecs=3
startretries={retries}
stopsignal=TERM
stopasgroup=false
killasgroup=true
stopwaitsecs={stop_within_s}
redirect_stderr=true
stdout_logfile={logs}/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""
# SIGTERM goes to a part's main process alone, as Celery's warm shutdown wants; the SIGKILL of one
# that took too long goes to its whole group.


def write_configuration(
    folders: Folders, control: Path, parts: Sequence[Part], working: Path
) -> None:
    """Write supervisord's configuration; what is secret goes to one 0600 file a part."""
    text = _HEAD.format(socket=_verbatim(control), logs=_verbatim(folders.logs))
    for place, part in enumerate(parts):
        spec = folders.parts / f"{part.name}.json"
        write_private(
            spec,
            {
                "command": part.command,
                "env": dict(part.env),
                "dies_by": part.dies_by,
                "lock": str(part.lock or ""),
                "folder": str(working),
            },
        )
        # The first word, which must be a program that there is, is not what is run: `become` is.
        command = shlex.join([sys.executable, str(spec)])
        text += _PART.format(
            name=part.name,
            command=_verbatim(command),
            priority=place,  # supervisord stops the highest first and waits for it
            retries=_RETRIES,
            stop_within_s=max(1, round(part.stop_within_s)),
            logs=_verbatim(folders.logs),
        )
    (folders.run / "supervisor.conf").write_text(text, encoding="utf-8")


def _verbatim(value: Path | str) -> str:
    return str(value).replace("%", "%%")
