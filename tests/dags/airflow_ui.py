"""Airflow's own API server with our plugins, an account that may only look, and a home that is thrown away."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import StorageState, StorageStateCookie

from settlement.settings import Settings

PROJECT = Path(__file__).parents[2]
_START_SECONDS_MAX = 120
_PASSWORD = "only-for-looking"  # noqa: S105 - of an account that lives as long as the test


@dataclass(frozen=True)
class AirflowUi:
    """Where it answers, and a viewer's token."""

    url: str
    token: str

    @property
    def logged_in(self) -> StorageState:
        """What the viewer's browser keeps."""
        cookie: StorageStateCookie = {
            "name": "_token",
            "value": self.token,
            "domain": "127.0.0.1",
            "path": "/",
            "expires": -1,
            "httpOnly": True,
            "secure": False,
            "sameSite": "Lax",
        }
        return {"cookies": [cookie], "origins": []}


@contextmanager
def airflow_ui(settings: Settings, report_dir: Path, home: Path) -> Iterator[AirflowUi]:
    """Start it on a free port, log in, and stop it with all of its processes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = _environment(settings, report_dir, home)
    airflow = [sys.executable, "-m", "airflow"]
    with (home / "api.log").open("w") as log:
        subprocess.run([*airflow, "db", "migrate"], env=environment, check=True, stdout=log, stderr=log)
        command = [*airflow, "api-server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            url = f"http://127.0.0.1:{port}/"
            _await_answer(server, f"{url}api/v2/version")
            yield AirflowUi(url, _log_in(url))
        finally:
            _stop(server)


def _environment(settings: Settings, report_dir: Path, home: Path) -> dict[str, str]:
    (home / "dags").mkdir()
    passwords = home / "passwords.json"
    passwords.write_text(json.dumps({"viewer": _PASSWORD}))
    kiwi = {
        "KIWI_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "KIWI_ZOOKEEPER_HOSTS": settings.zookeeper_hosts,
        "KIWI_DATABASE_URL": settings.database_url.get_secret_value(),
        "KIWI_TOPIC": settings.topic,
        "KIWI_REPORT_DIR": str(report_dir),
    }
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        **kiwi,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "viewer:viewer",
        "PYTHONPATH": str(PROJECT),
    }


def _await_answer(server: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + _START_SECONDS_MAX
    while True:
        assert server.poll() is None, "Airflow's API server ended; its log is in the test's folder"
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - our own server
        except OSError:
            assert time.monotonic() < deadline, "Airflow's API server does not answer"
            time.sleep(0.3)
        else:
            return


def _log_in(url: str) -> str:
    body = json.dumps({"username": "viewer", "password": _PASSWORD}).encode()
    request = urllib.request.Request(f"{url}auth/token", body, {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - our own server
        token = json.load(answer)["access_token"]
    assert isinstance(token, str)
    return token


def _stop(server: "subprocess.Popen[bytes]") -> None:
    os.killpg(server.pid, 15)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, 9)
        server.wait(20)
