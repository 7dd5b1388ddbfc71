"""Jars that PySpark does not carry, resolved by the Ivy inside it and checked against `jars.sha256`."""

import hashlib
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from local.home import PROJECT, Home, LocalSettings, SetupError
from local.java import Java

SPARK_HOME: Final = Path(sysconfig.get_path("purelib")) / "pyspark"  # to import it would take a second
_IVY_FILE: Final = PROJECT / "local" / "ivy.xml"
_SUMS_FILE: Final = PROJECT / "local" / "jars.sha256"
_DOWNLOAD_SECONDS: Final = 900


def ensure_jars(home: Home, java: Java, group: str) -> Path:
    """Return the folder that holds exactly the jars of a configuration of `ivy.xml`, downloading what is missing.

    Ivy keeps what it has already fetched, so an interrupted download goes on where it stopped.

    Raises:
        SetupError: a jar cannot be had, or is not the pinned one.
    """
    folder = home.cache / "jars" / group
    if _wrong(folder, group):
        _download(home, java, group, folder)
        if wrong := _wrong(folder, group):
            raise SetupError(f"{folder / wrong} is not the pinned jar (its SHA-256 differs); remove it and try again")
        shutil.rmtree(_ivy_cache(home, group), ignore_errors=True)
    return folder


def _names(group: str) -> set[str]:
    root = ET.parse(_IVY_FILE).getroot()  # noqa: S314 - the file is our own
    chosen = (d for d in root.iter("dependency") if d.get("conf", "kafka->master").startswith(f"{group}->"))
    return {f"{dependency.get('name')}-{dependency.get('rev')}.jar" for dependency in chosen}


def _wrong(folder: Path, group: str) -> str | None:
    """Return the name of a jar that is missing or not the pinned one."""
    pinned = {name: digest for digest, name in map(str.split, _SUMS_FILE.read_text().splitlines())}
    for name in sorted(_names(group)):
        path = folder / name
        if not path.exists() or _sha256(path) != pinned[name]:
            return name
    return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _ivy_cache(home: Home, group: str) -> Path:
    return home.cache / "ivy" / group


def _download(home: Home, java: Java, group: str, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    command = [java.executable, *java.network_options, "-cp", str(SPARK_HOME / "jars" / "*"), "org.apache.ivy.Main"]
    if (settings := LocalSettings().ivy_settings) is not None:
        command += ["-settings", str(settings)]
    command += ["-cache", str(_ivy_cache(home, group)), "-ivy", str(_IVY_FILE), "-confs", group]
    command += ["-types", "jar", "bundle", "-retrieve", str(folder / "[artifact]-[revision].[ext]"), "-warn"]
    log = home.logs / f"ivy-{group}.log"
    with log.open("w") as output:
        done = subprocess.run(command, stdout=output, stderr=output, timeout=_DOWNLOAD_SECONDS, check=False)
    if done.returncode:
        raise SetupError(
            f"the jars of `{group}` cannot be downloaded; {log} has the reason. Give the machine access to a Maven "
            "repository, or name your mirror in an Ivy settings file and set KIWI_IVY_SETTINGS to its path."
        )
