"""One sending process: draws orders, sends each request when it is due, and tells the main process."""

import asyncio
import signal
import time
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection as Pipe
from typing import Final

import uvloop
from kafka.errors import KafkaError

from generator.connection import Endpoint
from generator.options import Options
from generator.orders import Draft, Integers, Kind, OrderStream
from generator.poison import PoisonSender
from generator.pool import ConnectionPool
from generator.schedule import Schedule, schedule_of
from generator.sender import Sender, wait_for
from generator.tally import Tally

_NEWS_SECONDS: Final = 0.2
_LOOK_UP_SECONDS: Final = 0.5  # how soon a sender that waits for its next order notices the wish to stop

READY: Final = "ready"
STOP: Final = "stop"


@dataclass(frozen=True)
class Assignment:
    """All that one process needs to know.

    Attributes:
        epoch_seconds: the time of day minus the monotonic clock, the same for all processes of a run.
    """

    options: Options
    process: int
    run: str
    commodities: Integers
    api_url: str
    kafka_bootstrap: str
    topic: str
    epoch_seconds: float


def work(pipe: Pipe, assignment: Assignment) -> None:
    """Be a sending process: say that it is ready, await the moment to start, send, tell, end.

    What goes wrong at the start travels to the main process as text; a main process that is gone ends this one.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the main process decides
    tally = Tally(assignment.epoch_seconds)
    try:
        poison = _connect_poison(assignment, tally)
    except KafkaError as error:
        pipe.send(f"Kafka at KIWI_KAFKA_BOOTSTRAP={assignment.kafka_bootstrap}: {type(error).__name__} {error}")
        return
    worker = Worker(pipe, assignment, tally, poison)
    try:
        pipe.send(READY)
        started = pipe.recv()
        if started != STOP:
            uvloop.run(worker.run(started))
    except (EOFError, OSError):
        return
    finally:
        if poison:
            poison.close()


def _connect_poison(assignment: Assignment, tally: Tally) -> PoisonSender | None:
    if not assignment.options.poison_share:
        return None
    return PoisonSender(assignment.kafka_bootstrap, assignment.topic, tally)


class Worker:
    """The event loop's side of a sending process."""

    def __init__(self, pipe: Pipe, assignment: Assignment, tally: Tally, poison: PoisonSender | None) -> None:
        options = assignment.options
        self._pipe = pipe
        self._options = options
        self._tally = tally
        self._poison = poison
        self._stopping = asyncio.Event()
        self._finished = asyncio.Event()
        self._aborted = ""
        self._stream = OrderStream(
            options, assignment.process, assignment.commodities, assignment.run, lambda: time.time_ns() // 1_000_000
        )
        self._schedule = _schedule(options, assignment.process)
        self._pool = ConnectionPool(Endpoint.of(assignment.api_url), options.request_seconds_max)
        self._sender = Sender(
            self._pool,
            tally,
            self._stopping,
            bulk=bool(options.bulk),
            retry_seconds_max=options.retry_seconds_max,
        )

    async def run(self, started: float) -> None:
        """Send everything, telling the main process now and then, and once more at the end."""
        self._schedule.begin(started)
        telling = asyncio.create_task(self._tell_regularly())
        async with asyncio.TaskGroup() as senders:
            for _ in range(self._options.concurrency):
                senders.create_task(self._send_in_turn())
        self._finished.set()
        await telling
        self._pool.close()
        self._pipe.send(self._tally.news(end=True, aborted=self._aborted))

    async def _tell_regularly(self) -> None:
        """Tell the main process, and stop when it says so or is gone."""
        while not self._finished.is_set():
            await wait_for(self._finished, _NEWS_SECONDS)
            try:
                await asyncio.to_thread(self._pipe.send, self._tally.news())  # a full pipe blocks
                if self._pipe.poll():
                    self._stopping.set()
            except OSError:
                self._stopping.set()
                return

    async def _send_in_turn(self) -> None:
        """Send one request after another; as many of these run at once as requests may be in flight."""
        while not self._stopping.is_set():
            slot = self._schedule.take(time.monotonic())
            if slot is None:
                return
            drafts = list(islice(self._stream, slot.orders))
            if not await self._sleep_until(slot.due):
                return
            await self._send(drafts, slot.due)
            if self._sender.api_is_away:
                self._aborted = f"the API was away for {self._options.retry_seconds_max:g} s"
                self._stopping.set()

    async def _send(self, drafts: list[Draft], due: float) -> None:
        if self._poison:
            poison = [draft for draft in drafts if draft.kind is Kind.POISON]
            if poison:
                await self._poison.send(poison, due)
                drafts = [draft for draft in drafts if draft.kind is not Kind.POISON]
        if drafts:
            await self._sender.send(drafts, due)

    async def _sleep_until(self, due: float) -> bool:
        """Return whether the moment came before the wish to stop."""
        # An event with a time limit would cost a quarter of what the whole request does.
        while (left := due - time.monotonic()) > 0 and not self._stopping.is_set():  # noqa: ASYNC110
            await asyncio.sleep(min(left, _LOOK_UP_SECONDS))
        return not self._stopping.is_set()


def _schedule(options: Options, process: int) -> Schedule:
    return schedule_of(
        process,
        options.processes,
        orders=options.orders_wanted,
        seconds=options.seconds,
        rate=options.rate,
        request_orders=options.request_orders,
    )
