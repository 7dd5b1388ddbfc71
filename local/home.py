"""Where the local stack keeps its state, and on which ports it listens."""

import os
import stat
import tempfile
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT: Final = Path(__file__).resolve().parents[1]
PORTS: Final = ("api", "zookeeper", "kafka", "database", "kafka-controller", "airflow")
_SOCKET_PATH_BYTES_MAX: Final = 85  # the system allows 104 to 108, and supervisord appends its process id


class SetupError(Exception):
    """The machine lacks something; the message names it and the remedy."""


class LocalSettings(BaseSettings):
    """What can be set from outside about the stack itself; each field is the variable `KIWI_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="KIWI_", frozen=True)

    home: Path = Field(Path(".kiwi"), description="state folder; a relative path starts at the project")
    cache: Path = Field(Path(".kiwi/cache"), description="downloads, shared by all homes")
    port_base: int = Field(21000, ge=1024, le=32760, description="first of six ports, below the ephemeral range")
    ivy_settings: Path | None = Field(None, description="Ivy settings file that names your own Maven mirror")
    local_database_admin_url: SecretStr | None = Field(
        None, description="use this server instead of an own one: mysql+pymysql://admin:password@host:port"
    )
    up_seconds_max: float = Field(300, gt=0, description="longest wait for one service to become ready")
    airflow: bool = Field(True, description="whether Airflow belongs to the stack")

    @property
    def variables(self) -> dict[str, str]:
        """What leads another process to the same stack; the values may be secret."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        plain = {
            name: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in given.items()
            if value is not None
        }
        return {f"KIWI_{name.upper()}": value for name, value in plain.items()}


@dataclass(frozen=True)
class Home:
    """The state folder of one stack: `data`, `logs` and `run` below `root`, and its ports.

    Attributes:
        root: absolute path; everything that this stack writes lies below it, but for `cache`.
        cache: jars and server binaries, which several stacks may share.
        port_base: the API's port; the others follow it.
    """

    root: Path
    cache: Path
    port_base: int

    @classmethod
    def of(cls, settings: LocalSettings) -> "Home":
        """Return the home that the settings name."""
        return cls((PROJECT / settings.home).resolve(), (PROJECT / settings.cache).resolve(), settings.port_base)

    @property
    def data(self) -> Path:
        """What the servers must not lose."""
        return self.root / "data"

    @property
    def logs(self) -> Path:
        """One rotated log file a service."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Generated configuration and scratch files; readable by this user alone."""
        return self.root / "run"

    @property
    def report(self) -> Path:
        """What the last demonstration run reported."""
        return self.root / "report"

    def create(self) -> None:
        """Create the folders."""
        for folder in (self.root, self.cache, self.data, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        self.run.mkdir(mode=0o700, exist_ok=True)

    def port(self, name: str) -> int:
        """Return the port of `api`, `zookeeper`, `kafka`, `database` or `kafka-controller`."""
        return self.port_base + PORTS.index(name)

    def address(self, name: str) -> str:
        """Return `127.0.0.1:port`."""
        return f"127.0.0.1:{self.port(name)}"

    def socket(self, name: str) -> Path:
        """Return a path for a Unix socket, in the state folder or, where that lies too deep, in the temporary one.

        Raises:
            SetupError: the folder in the temporary one belongs to somebody else.
        """
        path = self.run / f"{name}.sock"
        if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES_MAX:
            return path
        folder = Path(tempfile.gettempdir()) / f"kiwi-{blake2b(os.fsencode(self.root), digest_size=6).hexdigest()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.stat(follow_symlinks=False)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise SetupError(
                f"{folder} must be a folder of this user alone; remove it, or set KIWI_HOME to a short path"
            )
        return folder / f"{name}.sock"


def write_private(path: Path, text: str) -> None:
    """Write a file that this user alone can read, in one step."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)


def shown_path(path: Path) -> str:
    """Return a path as people read it: from the project, where it lies in there."""
    return str(path.relative_to(PROJECT)) if path.is_relative_to(PROJECT) else str(path)
