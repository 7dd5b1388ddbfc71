"""The open loop's schedule: when each request is due, whatever became of the ones before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.options import Options
from generator.schedule import Schedule, Slot, schedule_of


def slots(schedule: Schedule, now: float = 0) -> list[Slot]:
    """Return all requests of a schedule that starts at second 100."""
    schedule.begin(100)
    taken = []
    while slot := schedule.take(now):
        taken.append(slot)
    return taken


def test_two_processes_take_turns() -> None:
    """At 10 orders/s one process sends at .0, .2, .4 and the other at .1, .3, .5, however late they are asked."""
    both = [
        [slot.due for slot in slots(schedule_of(p, 2, orders=6, seconds=0, rate=10, request_orders=1), now=1_000)]
        for p in (0, 1)
    ]
    assert both == [pytest.approx([100.0, 100.2, 100.4]), pytest.approx([100.1, 100.3, 100.5])]


@given(st.integers(1, 5_000), st.integers(1, 9), st.integers(1, 700))
def test_the_processes_together_send_every_order_once(orders: int, processes: int, size: int) -> None:
    """However the orders split into processes and requests, their sum is right and no request is empty."""
    taken = [
        slot.orders
        for process in range(processes)
        for slot in slots(schedule_of(process, processes, orders=orders, seconds=0, rate=50, request_orders=size))
    ]
    assert sum(taken) == orders
    assert all(1 <= each <= size for each in taken)


def test_bulk_requests_keep_the_rate_of_orders() -> None:
    """Requests of 100 orders at 1,000 orders/s are due every tenth of a second."""
    taken = slots(schedule_of(0, 1, orders=250, seconds=0, rate=1_000, request_orders=100))
    assert [slot.due for slot in taken] == pytest.approx([100.0, 100.1, 100.2])
    assert [slot.orders for slot in taken] == [100, 100, 50]


def test_without_a_rate_each_request_is_due_when_its_sender_is_free() -> None:
    """As fast as possible: the due time is now, but never before the start."""
    schedule = schedule_of(0, 1, orders=3, seconds=0, rate=0, request_orders=1)
    schedule.begin(100)
    assert [slot.due for now in (99.0, 101.5, 103.0) if (slot := schedule.take(now))] == [100, 101.5, 103.0]
    assert schedule.take(104) is None


def test_without_orders_time_ends_the_schedule() -> None:
    """Two seconds as fast as possible: the last request is the one before second 102."""
    schedule = schedule_of(0, 1, orders=None, seconds=2, rate=0, request_orders=5)
    schedule.begin(100)
    assert schedule.take(101.99) == Slot(101.99, 5)
    assert schedule.take(102) is None


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (Options(orders=7), 7),
        (Options(orders=0, seconds=3, rate=100), 300),
        (Options(orders=0, seconds=0.001, rate=1), 1),
        (Options(orders=0, seconds=3, rate=0), None),
    ],
)
def test_seconds_at_a_rate_stand_for_orders(options: Options, wanted: int | None) -> None:
    """Only seconds without a rate leave the number open."""
    assert options.orders_wanted == wanted
