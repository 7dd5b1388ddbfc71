"""What went wrong with locks in the public implementations (pitfalls 19 to 22), on a real ZooKeeper and ledger."""

from collections.abc import Callable, Iterator
from threading import Thread

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import ConnectionLoss
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from settlement.database import create_database_engine
from settlement.head import FencedError, claim, lock_head
from settlement.lock import SettlementLock
from settlement.settings import Settings
from settlement.zookeeper import LOCK_PATH, connect_zookeeper
from tests.integration.settling import messages, new_bench, open_shop, order_text

ORDER = order_text(123456, "CNY", [(1, 2), (3, 1)])


@pytest.fixture
def client(app_settings: Settings) -> Iterator[Callable[[], KazooClient]]:
    """Connects further ZooKeeper clients, each with a session of its own."""
    clients: list[KazooClient] = []

    def connect() -> KazooClient:
        clients.append(connect_zookeeper(app_settings.zookeeper_hosts))
        return clients[-1]

    yield connect
    for connected in clients:
        connected.stop()
        connected.close()


def end_session(holder: KazooClient, app_settings: Settings) -> None:
    """End a client's session on the server, as its expiry does while the client sleeps."""
    twin = KazooClient(hosts=app_settings.zookeeper_hosts, client_id=holder.client_id)
    twin.start(timeout=15)
    twin.stop()
    twin.close()


def test_pitfall_19_a_vanished_neighbour_lets_nobody_in(client: Callable[[], KazooClient]) -> None:
    """Of three in line the second one leaves: the third still waits for the first."""
    holder, leaver, waiter = (SettlementLock(client()) for _ in range(3))
    assert holder.acquire() is not None
    entered: list[int | None] = []
    threads = []
    for lock in (leaver, waiter):
        threads.append(Thread(target=lambda lock=lock: entered.append(lock.acquire())))
        threads[-1].start()
        while len(holder.contenders()) < len(threads) + 1:
            threads[-1].join(0.01)
    leaver.cancel()
    threads[0].join(30)
    threads[1].join(0.3)
    assert entered == [None]
    assert threads[1].is_alive()
    holder.release()
    threads[1].join(30)
    assert entered[1] is not None
    waiter.release()


def test_pitfall_20_a_failing_lock_lets_nobody_settle(client: Callable[[], KazooClient]) -> None:
    """Without ZooKeeper no token is given: the error reaches the caller."""
    away = client()
    away.stop()
    with pytest.raises(Exception, match=r"(?i)closed|connection|session"):
        SettlementLock(away).acquire()


def test_pitfall_21_a_lock_node_whose_reply_was_lost_is_found_again(
    client: Callable[[], KazooClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node was created but the answer never came: its owner recognises it, and nobody waits for ever."""
    holder = client()
    create = holder.create
    lost: list[str] = []

    def create_without_answer(*arguments: object, **options: object) -> str:
        path = str(create(*arguments, **options))
        if not lost:
            lost.append(path)
            raise ConnectionLoss
        return path

    monkeypatch.setattr(holder, "create", create_without_answer)
    lock = SettlementLock(holder)
    assert lock.acquire() is not None
    assert [f"{LOCK_PATH}/{name}" for name in holder.get_children(LOCK_PATH)] == lost
    lock.release()
    assert holder.get_children(LOCK_PATH) == []


def test_pitfall_22_a_holder_that_slept_commits_nothing(
    client: Callable[[], KazooClient], app_settings: Settings, engine: Engine, zookeeper: KazooClient
) -> None:
    """A paused holder wakes up after another took over, tries to write, and is refused by the ledger itself."""
    sleeper = client()
    open_shop(engine, zookeeper)
    token = SettlementLock(sleeper).acquire()
    assert token is not None
    asleep = new_bench(engine, zookeeper, app_settings, token)
    asleep.feed(ORDER)
    in_hand = asleep.fetch(messages([ORDER, ORDER], start=1))
    end_session(sleeper, app_settings)
    newer = SettlementLock(client()).acquire()
    assert newer is not None
    claim(engine, newer, "topic-of-the-test")
    with pytest.raises(FencedError, match="superseded"):
        asleep.settler.settle(in_hand)
    assert asleep.rows("SELECT batch, orders, fencing_token FROM head") == [(1, 1, newer)]
    assert asleep.rows("SELECT COUNT(*) FROM result") == [(1,)]
    assert asleep.inventory(1) == 121


def test_a_writer_that_falls_silent_in_its_transaction_keeps_nobody_out(engine: Engine) -> None:
    """Paused, or cut off without a goodbye: the database gives its lock on the head row to the next holder."""
    claim(engine, 1, "topic")
    sleeper = create_database_engine(engine.url, pool_size=1, silence_seconds_max=1)
    with sleeper.connect() as connection:
        lock_head(connection, 1)
        claim(engine, 2, "topic")  # waits for the row, and fails once the database tires of waiting
        with pytest.raises(OperationalError):
            connection.execute(text("UPDATE head SET batch = batch + 1"))
    sleeper.dispose()
    with pytest.raises(FencedError), engine.connect() as connection:
        lock_head(connection, 1)
