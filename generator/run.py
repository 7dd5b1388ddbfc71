"""The main process of a run: starts the sending processes, gathers what they tell, and ends them."""

import multiprocessing
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from typing import Final

from generator.accepted import AcceptedOrders
from generator.options import Options
from generator.orders import Integers
from generator.tally import Counts, News
from generator.worker import READY, STOP, Assignment, work
from settlement.settings import Settings

_START_SECONDS_MAX: Final = 60
_HEAD_START_SECONDS: Final = 0.2
_NEWS_SECONDS: Final = 0.2
_END_SECONDS_MAX: Final = 10


class RunFailedError(Exception):
    """The sending processes could not start; the message says why."""


@dataclass
class Sent:
    """What a run has sent so far.

    Attributes:
        run: its name.
        started: epoch seconds of the schedule's beginning.
        seconds: from there to the last news.
        problems: why processes ended before their time.
    """

    run: str = field(default_factory=lambda: secrets.token_hex(4))
    started: float = 0
    seconds: float = 0
    interrupted: bool = False
    accepted: AcceptedOrders = field(default_factory=AcceptedOrders)
    problems: list[str] = field(default_factory=list)
    _counts: dict[int, Counts] = field(default_factory=dict)

    @property
    def counts(self) -> Counts:
        """The counts of all processes together."""
        return sum(self._counts.values(), Counts())

    @property
    def in_flight(self) -> int:
        """Orders sent whose fate is open."""
        counts = self.counts
        decided = len(self.accepted) + counts.rejected + counts.gave_up + counts.outcome_unknown
        return counts.sent - decided

    def take(self, process: int, news: News) -> None:
        """Take in what a process tells."""
        self._counts[process] = news.counts
        self.accepted.append(news.accepted)
        self.seconds = time.time() - self.started
        if news.aborted:
            self.problems.append(f"process {process}: {news.aborted}")


def send_orders(
    options: Options,
    settings: Settings,
    commodities: Integers,
    show: Callable[[Sent], None],
    stopping: Callable[[], bool],
) -> Sent:
    """Send all orders from several processes, and return what became of them.

    Args:
        options: the load.
        settings: where the API and Kafka are.
        commodities: ids to choose from, the most wanted first.
        show: called a few times a second.
        stopping: asked a few times a second whether to end early.

    Raises:
        RunFailedError: a process could not start.
    """
    sent = Sent()
    with _processes(options, settings, commodities, sent.run) as pipes:
        _await_ready(pipes)
        started = time.monotonic() + _HEAD_START_SECONDS
        sent.started = _epoch_seconds() + started
        _tell(pipes, started)
        _gather(pipes, sent, show, stopping)
    return sent


@contextmanager
def _processes(options: Options, settings: Settings, commodities: Integers, run: str) -> Iterator[list[Pipe]]:
    """Start the processes and yield a pipe to each; in the end none is left."""
    context = multiprocessing.get_context("spawn")
    pipes, children = [], []
    epoch_seconds = _epoch_seconds()
    try:
        for number in range(options.processes):
            ours, theirs = context.Pipe()
            assignment = Assignment(
                options,
                number,
                run,
                commodities,
                settings.api_url,
                settings.kafka_bootstrap,
                settings.topic,
                epoch_seconds,
            )
            child = context.Process(target=work, args=(theirs, assignment), name=f"generator-{number}", daemon=True)
            child.start()
            theirs.close()
            pipes.append(ours)
            children.append(child)
        yield pipes
    finally:
        for pipe in pipes:
            pipe.close()
        for child in children:
            child.join(_END_SECONDS_MAX)
            child.kill()


def _await_ready(pipes: Sequence[Pipe]) -> None:
    deadline = time.monotonic() + _START_SECONDS_MAX
    for number, pipe in enumerate(pipes):
        if not pipe.poll(max(deadline - time.monotonic(), 0)):
            raise RunFailedError(f"sending process {number} did not start within {_START_SECONDS_MAX} s")
        try:
            said = pipe.recv()
        except (EOFError, OSError):
            raise RunFailedError(f"sending process {number} ended at its start; its message stands above") from None
        if said != READY:
            raise RunFailedError(said)


def _gather(pipes: Sequence[Pipe], sent: Sent, show: Callable[[Sent], None], stopping: Callable[[], bool]) -> None:
    open_pipes = {pipe: number for number, pipe in enumerate(pipes)}
    while open_pipes:
        for pipe in wait(list(open_pipes), _NEWS_SECONDS):
            assert isinstance(pipe, Pipe)
            number = open_pipes[pipe]
            try:
                news = pipe.recv()
            except (EOFError, OSError):
                sent.problems.append(f"process {number} ended without its last news")
                del open_pipes[pipe]
                continue
            sent.take(number, news)
            if news.end:
                del open_pipes[pipe]
        show(sent)
        if stopping() and not sent.interrupted:
            sent.interrupted = True
            _tell(open_pipes, STOP)


def _tell(pipes: Iterable[Pipe], said: object) -> None:
    for pipe in pipes:
        with suppress(OSError):  # that process is gone, which is seen when it is read from
            pipe.send(said)


def _epoch_seconds() -> float:
    return time.time() - time.monotonic()
