"""The contract of the order log, on the one in memory that unit tests use and on the real one."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest

from api.order_log import KafkaOrderLog, LogUnavailableError, OrderLog, TooMuchInFlightError
from settlement.order import Line, Order, encode_order
from settlement.orderid import Place
from settlement.settings import Settings
from tests.integration.order_topic import read_log
from tests.unit.memory_log import MemoryOrderLog

IN_FLIGHT_MAX = 2_000
_CONNECT_SECONDS_MAX = 30


@dataclass(frozen=True)
class Subject:
    """A log under test, and how to look into it from outside."""

    make: Callable[[], OrderLog]
    read: Callable[[], dict[Place, bytes]]


@pytest.fixture(params=["memory", "kafka"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """Each implementation, with an empty log of two partitions."""
    if request.param == "memory":
        memory = MemoryOrderLog(partitions=2, in_flight_max=IN_FLIGHT_MAX)
        yield Subject(
            lambda: memory,
            lambda: {
                Place(number, offset): message
                for number, messages in enumerate(memory.partitions)
                for offset, message in enumerate(messages)
            },
        )
        return
    settings: Settings = request.getfixturevalue("app_settings")
    settings = settings.model_copy(update={"api_orders_in_flight_max": IN_FLIGHT_MAX})
    yield Subject(lambda: KafkaOrderLog(settings), lambda: read_log(settings))


def orders(count: int, first_user: int = 0) -> list[Order]:
    """So many different orders of as many users."""
    return [Order(first_user + index, "CNY", index, (Line(1, 1),)) for index in range(count)]


def use(subject: Subject, test: Callable[[OrderLog], Awaitable[None]]) -> None:
    """Run a test on the started, connected log, and stop it."""

    async def run() -> None:
        log = subject.make()
        await log.start()
        try:
            async with asyncio.timeout(_CONNECT_SECONDS_MAX):
                await connected(log)
            await test(log)
        finally:
            await log.stop()

    asyncio.run(run())


async def connected(log: OrderLog) -> None:
    """Wait until the log takes orders."""
    while True:
        try:
            return log.check()
        except LogUnavailableError:
            await asyncio.sleep(0.02)


def test_each_order_gets_the_place_where_it_is(subject: Subject) -> None:
    """Alone, together and many at once: the answer names the very message, in the partition of its user."""
    sent: dict[Place, bytes] = {}

    async def append(log: OrderLog, some: list[Order]) -> None:
        places = await log.append(some)
        assert len(places) == len(some)
        for order, place in zip(some, places, strict=True):
            assert place is not None
            assert place.partition == order.user_id % 2
            assert place not in sent
            sent[place] = encode_order(order)

    async def test(log: OrderLog) -> None:
        await append(log, orders(1))
        await append(log, orders(1_000, 10))
        await asyncio.gather(*(append(log, orders(1 + count % 3, 100 * count)) for count in range(100)))

    use(subject, test)
    assert subject.read() == sent


def test_orders_of_one_request_keep_their_order(subject: Subject) -> None:
    """Those of one user lie in the log as they were sent."""

    async def test(log: OrderLog) -> None:
        places = await log.append([Order(4, "CNY", index, (Line(1, 1),)) for index in range(500)])
        assert list(places) == [Place(0, index) for index in range(500)]

    use(subject, test)


def test_an_empty_list_is_nothing(subject: Subject) -> None:
    """A bulk request without one good order asks for nothing."""

    async def test(log: OrderLog) -> None:
        assert list(await log.append([])) == []

    use(subject, test)
    assert subject.read() == {}


def test_more_than_fits_is_refused_whole(subject: Subject) -> None:
    """Nothing is sent, and what fits is taken afterwards."""

    async def test(log: OrderLog) -> None:
        with pytest.raises(TooMuchInFlightError):
            await log.append(orders(IN_FLIGHT_MAX + 1))
        assert len(await log.append(orders(IN_FLIGHT_MAX))) == IN_FLIGHT_MAX

    use(subject, test)
    assert len(subject.read()) == IN_FLIGHT_MAX


def test_an_abandoned_request_is_still_counted_and_answered(app_settings: Settings) -> None:
    """A client that leaves does not free the memory that its orders take; Kafka's answer does."""
    settings = app_settings.model_copy(update={"api_orders_in_flight_max": IN_FLIGHT_MAX})
    subject = Subject(lambda: KafkaOrderLog(settings), lambda: read_log(settings))

    async def test(log: OrderLog) -> None:
        for some in (orders(1), orders(IN_FLIGHT_MAX)):
            task = asyncio.create_task(log.append(some))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with asyncio.timeout(_CONNECT_SECONDS_MAX):
                await append_when_there_is_room(log)

    async def append_when_there_is_room(log: OrderLog) -> None:
        taken = False
        while not taken:
            with suppress(TooMuchInFlightError):
                taken = None not in await log.append(orders(IN_FLIGHT_MAX))
            await asyncio.sleep(0.02)

    use(subject, test)


def test_a_stopped_log_takes_nothing(app_settings: Settings) -> None:
    """After the worker's end no order can be lost in a closed producer."""

    async def run() -> None:
        log = KafkaOrderLog(app_settings)
        await log.start()
        async with asyncio.timeout(_CONNECT_SECONDS_MAX):
            await connected(log)
        await log.stop()
        with pytest.raises(LogUnavailableError):
            await log.append(orders(1))

    asyncio.run(run())
