"""The database server: MariaDB or MySQL on loopback, tuned for one writer that commits large batches."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pymysql
from sqlalchemy import URL

from local.database_binary import DatabaseBinary
from local.home import Home, SetupError, write_private
from local.service import Endpoint, NotReadyError, Service

ADMIN: Final = "kiwi_admin"
_INITIALISE_SECONDS: Final = 180
_PROBE_SECONDS: Final = 3
_CONFIGURATION: Final = """\
[mysqld]
datadir={data}
socket={socket}
pid-file={run}/database.pid
port={port}
bind-address=127.0.0.1
skip-name-resolve
skip-log-bin
local-infile=1
character-set-server=utf8mb4
max-connections=200
max-allowed-packet=64M
innodb-flush-log-at-trx-commit=1
innodb-buffer-pool-size=512M
performance-schema=OFF
{particular}"""
# TLS protects nothing on loopback and makes a connection 80 times slower.
_MARIADB: Final = "skip-ssl\ninnodb-log-file-size=256M\nlc-messages-dir={share}\n"
_MYSQL: Final = "tls-version=\nsecure-file-priv=NULL\ninnodb-redo-log-capacity=512M\nloose-mysqlx=OFF\n"


def database_service(home: Home, binary: DatabaseBinary, admin_password: str) -> Service:
    """Write the configuration, create the data folder the first time, and return the service.

    Raises:
        SetupError: the data folder cannot be created.
    """
    data = home.data / "database"
    if not data.exists():
        _initialise(home, binary, data, admin_password)
    configuration = _write_configuration(home, binary, data)
    command = [str(binary.program), f"--defaults-file={configuration}", *_user()]
    return Service("database", tuple(command), stop_seconds=60)


def own_admin_url(home: Home, password: str) -> URL:
    """Return the administrator's address of our own server."""
    return URL.create("mysql+pymysql", ADMIN, password, "127.0.0.1", home.port("database"))


def database_endpoint(url: URL) -> Endpoint:
    """Return where a server of ours or of somebody else's serves."""
    return Endpoint("database", f"{url.host}:{url.port or 3306}", lambda: _probe(url))


def _probe(url: URL) -> None:
    try:
        connection = pymysql.connect(
            host=url.host or "127.0.0.1",
            port=url.port or 3306,
            user=url.username,
            password=url.password or "",
            connect_timeout=_PROBE_SECONDS,
            read_timeout=_PROBE_SECONDS,
            ssl_disabled=url.host in ("127.0.0.1", "localhost", "::1"),
        )
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except pymysql.MySQLError as error:
        raise NotReadyError(f"no answer: {error}") from error


def _user() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


def _write_configuration(home: Home, binary: DatabaseBinary, data: Path) -> Path:
    particular = _MARIADB.format(share=binary.share) if binary.mariadb else _MYSQL
    text = _CONFIGURATION.format(
        data=data, socket=home.socket("database"), run=home.run, port=home.port("database"), particular=particular
    )
    configuration = home.run / "database.cnf"
    configuration.write_text(text)
    return configuration


def _initialise(home: Home, binary: DatabaseBinary, data: Path, admin_password: str) -> None:
    """Create the system tables with one user, the administrator, in a folder that gets its name when it is complete."""
    draft = data.with_name("database.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    configuration = _write_configuration(home, binary, draft)
    command = [str(binary.program), f"--defaults-file={configuration}", *_user()]
    if binary.mariadb:
        scripts = [script.read_text() for script in binary.bootstrap]
        text = "CREATE DATABASE mysql;\nUSE mysql;\n" + "\n".join(scripts) + _mariadb_admin(admin_password)
        command += ["--bootstrap"]
    else:
        text = ""
        statements = home.run / "database-admin.sql"
        write_private(statements, _mysql_admin(admin_password))
        command += ["--initialize-insecure", f"--init-file={statements}"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=_INITIALISE_SECONDS, check=False)
    (home.run / "database-admin.sql").unlink(missing_ok=True)
    if done.returncode:
        raise SetupError(f"the database's data folder cannot be created:\n{(done.stdout + done.stderr)[-800:]}")
    draft.replace(data)


def _mariadb_admin(password: str) -> str:
    return f"""
FLUSH PRIVILEGES;
DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys';
DELETE FROM mysql.proxies_priv;
FLUSH PRIVILEGES;
CREATE USER {ADMIN}@'127.0.0.1' IDENTIFIED BY '{password}';
GRANT ALL PRIVILEGES ON *.* TO {ADMIN}@'127.0.0.1' WITH GRANT OPTION;
"""  # noqa: S608 - the password is hexadecimal and our own


def _mysql_admin(password: str) -> str:
    return f"""
RENAME USER root@localhost TO {ADMIN}@'127.0.0.1';
ALTER USER {ADMIN}@'127.0.0.1' IDENTIFIED BY '{password}';
"""
