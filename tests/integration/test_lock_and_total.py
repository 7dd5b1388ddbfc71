"""The lock with its fencing tokens, and the total that ZooKeeper shows, on a real ZooKeeper."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Event, Thread

import pytest
from kazoo.client import KazooClient

from jobs.publisher import Publisher
from settlement.head import Head
from settlement.lock import SettlementLock
from settlement.settings import Settings
from settlement.status import read_status
from settlement.total import publish_total
from settlement.zookeeper import TOTAL_PATH, connect_zookeeper

_SECONDS_MAX = 30
Connect = Callable[[], KazooClient]


@pytest.fixture
def connect(app_settings: Settings) -> Iterator[Connect]:
    """Gives clients of their own sessions, all stopped at the end."""
    clients: list[KazooClient] = []

    def new() -> KazooClient:
        clients.append(connect_zookeeper(app_settings.zookeeper_hosts, session_seconds=2))
        return clients[-1]

    yield new
    for client in clients:
        client.stop()
        client.close()


def test_tokens_only_grow(connect: Connect) -> None:
    """Each holder gets a newer token than all before it."""
    tokens = []
    for _ in range(3):
        lock = SettlementLock(connect())
        tokens.append(lock.acquire())
        lock.release()
    assert None not in tokens
    assert tokens == sorted(set(tokens))  # type: ignore[type-var] # None is ruled out above


def test_a_standby_enters_only_when_the_holder_has_left(connect: Connect) -> None:
    """Two never hold the lock together, and the second waits in line."""
    first, second = SettlementLock(connect()), SettlementLock(connect())
    token = first.acquire()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(second.acquire)
        while len(first.contenders()) < 2:
            assert not waiting.done()
        assert not waiting.done()
        first.release()
        later = waiting.result(_SECONDS_MAX)
    assert token is not None
    assert later is not None
    assert later > token


def test_an_ended_session_is_noticed_and_another_may_enter(connect: Connect) -> None:
    """The holder learns that its session has ended; the next in line does not wait for it."""
    client = connect()
    sleeper = SettlementLock(client)
    token = sleeper.acquire()
    _end_session(client)
    later = SettlementLock(connect()).acquire()
    assert sleeper.lost.wait(_SECONDS_MAX)
    assert token is not None
    assert later is not None
    assert later > token


def test_waiting_ends_when_cancelled(connect: Connect) -> None:
    """A standby that is asked to stop leaves without a token, and without its place in line."""
    holder, standby = SettlementLock(connect()), SettlementLock(connect())
    holder.acquire()
    outcome: list[int | None] = []
    thread = Thread(target=lambda: outcome.append(standby.acquire()), daemon=True)
    thread.start()
    while len(holder.contenders()) < 2:
        thread.join(0.01)
    standby.cancel()
    thread.join(_SECONDS_MAX)
    assert outcome == [None]
    assert len(holder.contenders()) == 1


def test_an_older_total_never_overwrites_a_newer_one(connect: Connect) -> None:
    """A late publisher changes nothing; equal batches are published once."""
    client = connect()
    assert publish_total(client, 2, Decimal("20.005"))
    assert not publish_total(client, 1, Decimal(10))
    assert not publish_total(client, 2, Decimal(99))
    assert client.get(TOTAL_PATH)[0] == b"20.00"


def test_totals_published_side_by_side_end_at_the_newest(connect: Connect) -> None:
    """Eight publishers at once; nothing is lost, and nothing is counted twice."""
    clients = [connect() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for batch in range(1, 81):
            pool.submit(publish_total, clients[batch % 8], batch, Decimal(batch))
    assert clients[0].get(TOTAL_PATH)[0] == b"80.00"


def test_a_new_driver_makes_good_what_the_last_one_did_not_publish(connect: Connect) -> None:
    """At its start the ledger's total is published; holding and halting show in the status."""
    client = connect()
    publisher = Publisher(client, Head(7, 1, 0, 10, Decimal("123.455")))
    published = Event()
    publisher.report(None, "rates are missing")
    while (status := read_status(client)) is None or status.state != "holding":
        published.wait(0.01)
    assert (status.batch, status.detail) == (7, "rates are missing")
    assert client.get(TOTAL_PATH)[0] == b"123.46"
    publisher.close(halted_because="a gap")
    status = read_status(client)
    assert status is not None
    assert (status.state, status.detail) == ("halted", "a gap")


def _end_session(client: KazooClient) -> None:
    """End a client's session from outside, as its expiry would: a second connection takes it over and closes it."""
    session_id, password = client.client_id
    thief = KazooClient(
        hosts=",".join(f"{host}:{port}" for host, port in client.hosts), client_id=(session_id, password)
    )
    thief.start()
    thief.stop()
    thief.close()
