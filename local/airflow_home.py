"""What Airflow keeps: its folder, its metadata database, its keys, and the password of its one user."""

import base64
import hashlib
import importlib.metadata
import json
import os
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.home import PROJECT, Home, SetupError, write_private
from local.passwords import ensure_passwords

USER: Final = "admin"
_KEYS: Final = ("airflow_fernet", "airflow_jwt", "airflow_session")
_PASSWORD_BYTES: Final = 10
_MIGRATE_SECONDS: Final = 180


@dataclass(frozen=True)
class AirflowHome:
    """The state of one stack's Airflow.

    Attributes:
        home: the stack's.
    """

    home: Home

    @property
    def folder(self) -> Path:
        """AIRFLOW_HOME."""
        return self.home.data / "airflow"

    @property
    def password_file(self) -> Path:
        """Where the user's password stands, as a JSON object; the API server reads it at each login."""
        return self.folder / "passwords.json"

    @property
    def database_url(self) -> str:
        """The metadata database's address."""
        return f"sqlite:///{self.folder / 'airflow.db'}"

    def ensure_password(self) -> None:
        """Have a password for the user, drawing it the first time."""
        if not self.password_file.exists():
            self.folder.mkdir(mode=0o700, exist_ok=True)
            write_private(self.password_file, json.dumps({USER: secrets.token_hex(_PASSWORD_BYTES)}))

    @property
    def password(self) -> str:
        """The user's password.

        Raises:
            SetupError: there is none yet.
        """
        try:
            return str(json.loads(self.password_file.read_text())[USER])
        except FileNotFoundError as error:
            raise SetupError("Airflow has not been set up yet; start the stack with `make up`") from error

    def keys(self) -> dict[str, str]:
        """Return the settings of the secret keys, drawn once like the database's passwords."""
        drawn = ensure_passwords(self.home, _KEYS)
        fernet, jwt, session = (hashlib.sha512(drawn[name].encode()) for name in _KEYS)
        return {
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(fernet.digest()[:32]).decode(),
            "AIRFLOW__API_AUTH__JWT_SECRET": jwt.hexdigest(),
            "AIRFLOW__API__SECRET_KEY": session.hexdigest(),
        }

    def needs_migration(self) -> bool:
        """Return whether the database is missing, or was last used by another version."""
        mark = self._version_file
        return not mark.exists() or mark.read_text() != _version()

    def migrate(self, environment: dict[str, str]) -> None:
        """Bring the metadata database to this version of Airflow; nothing may be using it.

        Raises:
            SetupError: Airflow refused.
        """
        self.folder.mkdir(mode=0o700, exist_ok=True)
        log = self.home.logs / "airflow-migrate.log"
        command = [sys.executable, "-m", "airflow", "db", "migrate"]
        given = os.environ | environment | {"PYTHONPATH": str(PROJECT)}
        with log.open("w") as output:
            done = subprocess.run(
                command, env=given, cwd=PROJECT, stdout=output, stderr=output, timeout=_MIGRATE_SECONDS, check=False
            )
        if done.returncode:
            raise SetupError(f"Airflow's metadata database cannot be migrated; {log} has the reason")
        self._version_file.write_text(_version())

    @property
    def _version_file(self) -> Path:
        return self.folder / "migrated-by"


def _version() -> str:
    return importlib.metadata.version("apache-airflow-core")
