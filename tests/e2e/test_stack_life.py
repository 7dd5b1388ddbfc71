"""The stack as its user sees it: up, orders in, results out, env, status, down, and up again."""

import socket

import pymysql
import pytest
from sqlalchemy import make_url

from local.airflow_home import AirflowHome
from local.connections import Connections
from local.home import PORTS
from local.processes import processes_of
from local.stack import Stack
from settlement.settings import Settings
from settlement.topic import describe_topic
from settlement.zookeeper import RATES_PATH, connect_zookeeper
from tests.e2e.client import Client, order_of
from tests.e2e.command import run
from tests.settling_stack import bring_up_settling

SAMPLE_ORDERS = [
    (123456, "RMB", {"2": 2, "3": 1}, True),
    (7777, "RMB", {"1": 8, "2": 5, "3": 8}, True),
    (8888, "USD", {"4": 5}, True),
    (6666, "JPY", {"3": 800}, False),
    (4444, "EUR", {"1": 1}, True),
    (123456, "RMB", {"2": 2, "3": 1}, True),
]


def test_the_samples_orders_are_settled(stack: Stack) -> None:
    """The original's six orders go in by HTTP, and each has its result; the one beyond the stock is refused."""
    client = Client(stack.home.address("api"))
    accepted = [
        (client.post(order_of(user, initiator, items)), success) for user, initiator, items, success in SAMPLE_ORDERS
    ]
    results = [client.settled(order_id) for order_id, _ in accepted]
    assert [result["success"] for result in results] == [success for _, success in accepted]
    assert [result.get("reason") for result in results if not result["success"]] == ["insufficient_stock"]
    assert [result["id"] for result in client.get("/querybyuserid?user-id=6666")] == [accepted[3][0]]
    assert float(client.get("/amount")) > 0


def test_env_lets_a_client_join(stack: Stack) -> None:
    """The lines of `make env` lead to the API, Kafka, ZooKeeper, Airflow, and the ledger with the right to read."""
    answer = run(stack, "env")
    assert answer.returncode == 0, answer.stderr
    given = dict(line.split("=", 1) for line in answer.stdout.splitlines())
    servers = ["KIWI_API_URL", "KIWI_KAFKA_BOOTSTRAP", "KIWI_ZOOKEEPER_HOSTS", "KIWI_DATABASE_URL"]
    assert list(given) == [*servers, "KIWI_AIRFLOW_URL"]
    assert Client(given["KIWI_AIRFLOW_URL"].removeprefix("http://")).get("/api/v2/version")
    assert Client(given["KIWI_API_URL"].removeprefix("http://")).get("/rates")
    assert describe_topic(Settings(kafka_bootstrap=given["KIWI_KAFKA_BOOTSTRAP"])).partitions > 0
    client = connect_zookeeper(given["KIWI_ZOOKEEPER_HOSTS"])
    assert set(client.get_children(RATES_PATH)) >= {"CNY", "USD", "JPY", "EUR"}
    client.stop()
    client.close()
    url = make_url(given["KIWI_DATABASE_URL"])
    with (
        pymysql.connect(
            host=url.host, port=url.port or 0, user=url.username, password=str(url.password), database=url.database
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT COUNT(*) FROM commodity")
        assert cursor.fetchone() == (4,)
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            cursor.execute("DELETE FROM commodity")


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    """Every process is still the same one."""
    before = {name: state.pid for name, state in stack.supervisor.states().items()}
    bring_up_settling(stack)
    assert {name: state.pid for name, state in stack.supervisor.states().items()} == before


def test_status_names_the_unhealthy_service(stack: Stack) -> None:
    """All well is exit code 0; a stopped service is named, and the exit code is 1."""
    well = run(stack, "status")
    assert well.returncode == 0, well.stdout
    stack.supervisor.stop(["api"])
    try:
        ill = run(stack, "status")
    finally:
        bring_up_settling(stack)
    assert ill.returncode == 1
    (line,) = [line for line in ill.stdout.splitlines() if line.split()[:1] == ["api"]]
    assert "stopped" in line


def test_no_password_is_shown(stack: Stack) -> None:
    """Neither a command line nor a log holds a password of the database or of Airflow, nor one of its keys."""
    airflow = AirflowHome(stack.home)
    passwords = [*Connections.of(stack.home, stack.settings).passwords.values(), airflow.password]
    passwords += airflow.keys().values()
    shown = [" ".join(process.cmdline()) for process in processes_of(stack.home)]
    shown += [log.read_text(errors="replace") for log in stack.home.logs.rglob("*") if log.is_file()]
    assert len(shown) > len(PORTS)
    assert not [text for text in shown for password in passwords if password in text]


def test_down_leaves_nothing_and_up_continues_the_same_ledger(stack: Stack) -> None:
    """No process and no port is left; afterwards old results are there, and new orders are settled after them."""
    client = Client(stack.home.address("api"))
    before = client.post(order_of(1, "EUR", {"4": 1}))
    result = client.settled(before)
    stack.down()
    assert processes_of(stack.home) == []
    assert [name for name in PORTS if _listens(stack.home.port(name))] == []
    assert run(stack, "status").returncode == 1
    bring_up_settling(stack)
    assert client.settled(before) == result
    after = client.settled(client.post(order_of(1, "EUR", {"4": 1})))
    assert after["success"]
    assert [each["id"] for each in client.get("/querybyuserid?user-id=1")] == [before, after["id"]]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
