"""What each part of the stack must know of the others: addresses, roles, settings."""

import os
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr
from sqlalchemy import URL

from local.home import Home, LocalSettings
from local.passwords import ensure_passwords
from local.servers import database_admin_url
from settlement.roles import Role
from settlement.settings import Settings

ROLES: Final[tuple[Role, ...]] = ("owner", "settle", "catalogue", "read")
_DATABASE: Final = "kiwi"
_OF_TASKS: Final = frozenset({"runtime", "report_dir"})  # what the stack tells Airflow's tasks is no wish of the user's
_SETTINGS: Final = frozenset(f"KIWI_{name.upper()}" for name in Settings.model_fields.keys() - _OF_TASKS)


@dataclass(frozen=True)
class Connections:
    """The running stack as its own processes and its clients see it.

    Attributes:
        home: whose ports they are.
        admin_url: the database's administrator.
        database: name of the ledger's database.
        passwords: by user.
    """

    home: Home
    admin_url: URL
    database: str
    passwords: dict[str, str]

    @classmethod
    def of(cls, home: Home, settings: LocalSettings) -> "Connections":
        """Return the connections of a home, drawing passwords where they lack."""
        admin_url = database_admin_url(home, settings)
        database = admin_url.database or _DATABASE
        passwords = ensure_passwords(home, tuple(f"{database}_{role}" for role in ROLES))
        return cls(home, admin_url, database, passwords)

    def user(self, role: Role) -> tuple[str, str]:
        """Return the name and the password of the user that has a role."""
        name = f"{self.database}_{role}"
        return name, self.passwords[name]

    def database_url(self, role: Role) -> str:
        """Return the ledger's address, with the password of the user that has a role."""
        user, password = self.user(role)
        return self.admin_url.set(username=user, password=password, database=self.database).render_as_string(
            hide_password=False
        )

    def client_environment(self, role: Role = "read") -> dict[str, str]:
        """Return what a client needs to join, with the rights of a role."""
        return {
            "KIWI_API_URL": f"http://{self.home.address('api')}",
            "KIWI_KAFKA_BOOTSTRAP": self.home.address("kafka"),
            "KIWI_ZOOKEEPER_HOSTS": self.home.address("zookeeper"),
            "KIWI_DATABASE_URL": self.database_url(role),
        }

    def process_environment(self, role: Role) -> dict[str, str]:
        """Return the `KIWI_*` environment of a process: the settings that the user set, and what only the stack knows.

        Called below such a process (a task of Airflow launches the job) it gives the same as above it.
        """
        user_set = {name: value for name, value in os.environ.items() if name in _SETTINGS}
        own = {"KIWI_API_BIND": self.home.address("api"), "KIWI_SCRATCH_DIR": str(self.home.run / "scratch")}
        return user_set | self.client_environment(role) | own

    def settings(self, role: Role) -> Settings:
        """Return the settings of work done in this process, with the rights of a role."""
        given = self.client_environment(role)
        return Settings(
            api_url=given["KIWI_API_URL"],
            kafka_bootstrap=given["KIWI_KAFKA_BOOTSTRAP"],
            zookeeper_hosts=given["KIWI_ZOOKEEPER_HOSTS"],
            database_url=SecretStr(given["KIWI_DATABASE_URL"]),
        )
