"""How services are told to supervisord: one main file, and one file a program that can be replaced alone."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from local.home import PROJECT, Home, write_private
from local.service import SERVERS, Service

_MAIN: Final = """\
[supervisord]
logfile={logs}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=2
pidfile={run}/supervisord.pid
nocleanup=true

[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[include]
files=programs/*.conf
"""
# A service that was up for a second is restarted for ever; one that fails at once is tried four times more.
_PROGRAM: Final = """\
[program:{name}]
command={command}
directory={directory}
environment={environment}
priority={priority}
autostart=false
autorestart=unexpected
exitcodes={exit_codes}
startsecs=1
startretries=4
stopasgroup=true
killasgroup=true
stopwaitsecs={stop_seconds}
redirect_stderr=true
stdout_logfile={logs}/{name}.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=3
"""
_LEASH: Final = """
[program:leash]
command={python} -m local.leash {owner}
directory={directory}
stdout_logfile=NONE
stderr_logfile=NONE
"""


def write_programs(home: Home, services: Sequence[Service], owner: int | None) -> Path:
    """Write all of the configuration, and return the main file.

    Args:
        home: whose it is.
        services: others that are known from earlier are forgotten.
        owner: id of a process that the stack must not outlive.
    """
    folder = _folder(home)
    folder.mkdir(exist_ok=True)
    for service in services:
        write_program(home, service)
    for stale in folder.glob("*.conf"):
        if stale.stem not in {service.name for service in services}:
            stale.unlink()
    main = home.run / "supervisord.conf"
    leash = "" if owner is None else _LEASH.format(python=sys.executable, owner=owner, directory=PROJECT)
    write_private(main, _MAIN.format(logs=home.logs, run=home.run, socket=home.socket("supervisor")) + leash)
    return main


def write_program(home: Home, service: Service) -> None:
    """Write the configuration of one service; it holds passwords."""
    text = _PROGRAM.format(
        name=service.name,
        command=_escape(shlex.join(service.command)),
        directory=PROJECT,
        environment=",".join(f'{name}="{_escape(value)}"' for name, value in service.environment.items()),
        exit_codes=",".join(map(str, service.final_exit_codes)),
        priority=1 if service.name in SERVERS else 2,  # the lowest starts first and stops last
        stop_seconds=service.stop_seconds,
        logs=home.logs,
    )
    write_private(_folder(home) / f"{service.name}.conf", text)


def _folder(home: Home) -> Path:
    return home.run / "programs"


def _escape(text: str) -> str:
    return text.replace("%", "%%")
