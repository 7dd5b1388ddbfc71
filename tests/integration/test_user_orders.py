"""The lists of orders by user against the results themselves."""

from collections.abc import Callable

import pytest
from alembic import command
from sqlalchemy import Engine, text

from settlement import migrate as migration
from settlement import user_orders
from settlement.queries import list_results
from tests.integration.settling import Bench, messages, order_text

ORDER = ((2, 1),)


def ids_of(engine: Engine, user_id: int) -> list[int]:
    """Return the ids of a user's results by looking at every result."""
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT id FROM result WHERE user_id = :user ORDER BY batch, id"), {"user": user_id}
        )
        return [row.id for row in rows]


def paged(engine: Engine, user_id: int, limit: int) -> list[int]:
    """Return the ids that a client gets who follows the pages."""
    found: list[int] = []
    with engine.connect() as connection:
        while page := list_results(connection, user_id, found[-1] if found else -1, limit):
            assert len(page) <= limit
            found += [result.id for result in page]
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_hold_each_order_of_a_user_once_in_order(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """Also where users share a bucket, a page ends within a batch, and steps of batches end within a history."""
    monkeypatch.setattr(user_orders, "_BATCHES_FIRST", 1)
    neighbour = 5 + user_orders.BUCKETS
    for users in ([5, 5, 5, neighbour], [neighbour, 6], [6], [5, neighbour, 5], [5]):
        bench.feed(*(order_text(user, "CNY", ORDER) for user in users), b"no order")
    for user in (5, neighbour, 6):
        assert paged(bench.engine, user, limit) == ids_of(bench.engine, user)
    assert len(ids_of(bench.engine, 5)) == 6
    assert paged(bench.engine, 7, limit) == []


def test_an_order_of_another_partition_is_listed_by_its_batch(bench: Bench) -> None:
    """A producer that is not our API may spread a user over partitions: ids then do not grow with the batches."""
    for start in range(3):
        bench.settler.settle(bench.fetch(messages([order_text(5, "CNY", ORDER)], start, partition=1)))
    bench.settler.settle(bench.fetch(messages([order_text(5, "CNY", ORDER)], 0, partition=0)))
    assert paged(bench.engine, 5, 2) == ids_of(bench.engine, 5) == [1, 4097, 8193, 0]


def test_the_migration_lists_what_was_settled_before(bench: Bench, rebuild: Callable[[], None]) -> None:
    """Results from before the lists are found as those after them."""
    bench.feed(*(order_text(user, "CNY", ORDER) for user in (5, 6, 5)), b"no order")
    bench.feed(order_text(5, "CNY", ORDER))
    with bench.engine.connect() as connection:
        before = connection.execute(text("SELECT * FROM user_orders ORDER BY bucket, batch")).all()
    rebuild()
    with bench.engine.connect() as connection:
        assert connection.execute(text("SELECT * FROM user_orders ORDER BY bucket, batch")).all() == before
    assert paged(bench.engine, 5, 2) == ids_of(bench.engine, 5)


@pytest.fixture
def rebuild(bench: Bench) -> Callable[[], None]:
    """Return what takes the schema back by one step, and migrates again."""

    def run() -> None:
        with bench.engine.begin() as connection:
            for statement in (
                "DROP TABLE user_orders",
                "ALTER TABLE result ADD KEY result_by_user (user_id, id)",
                "ALTER TABLE batch DROP oldest_ms, DROP newest_ms",
            ):
                connection.execute(text(statement))
            command.stamp(migration._config(connection), "0001")  # alembic's own way to say so
        migration.migrate(bench.engine)

    return run


def test_an_order_without_a_result_is_followed_by_greater_ids(bench: Bench) -> None:
    """A client may ask from an id of its own choosing."""
    bench.feed(*(order_text(5, "CNY", ORDER) for _ in range(3)))
    with bench.engine.connect() as connection:
        assert [result.id for result in list_results(connection, 5, 1, 9)] == [4096, 8192]
        assert list_results(connection, 5, 10**9, 9) == []
