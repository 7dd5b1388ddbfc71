"""One tenure: from holding the lock to leaving, and with which exit code."""

import logging
from tempfile import TemporaryDirectory
from threading import Event
from typing import Final

from kazoo.client import KazooClient
from pyspark.sql import SparkSession
from sqlalchemy import Engine
from sqlalchemy.exc import DataError, IntegrityError

from jobs.bad_window import TooManyBadMessagesError
from jobs.cursor import GapError
from jobs.dead_letter import DeadLetters
from jobs.publisher import Publisher
from jobs.settler import Settler
from jobs.stream import start_stream
from jobs.writer import Writer
from settlement.bulk_load import BulkLoadError
from settlement.head import FencedError, ForeignTopicError, claim, read_head, read_positions
from settlement.kafka_log import read_log_bounds
from settlement.ledger import LedgerViolationError
from settlement.lock import SettlementLock
from settlement.settings import Settings
from settlement.topic import describe_topic

log = logging.getLogger(__name__)

EXIT_STOPPED: Final = 0
EXIT_FAULT: Final = 1
EXIT_HALTED: Final = 70
EXIT_SUPERSEDED: Final = 75

HALTING: Final = (
    BulkLoadError,
    DataError,
    ForeignTopicError,
    GapError,
    IntegrityError,
    LedgerViolationError,
    TooManyBadMessagesError,
)
"""What a restart would only repeat."""

_CLOSE_SECONDS: Final = 60


class Tenure:
    """Settles under one fencing token until asked to stop, superseded, or at fault."""

    def __init__(
        self, session: SparkSession, engine: Engine, zookeeper: KazooClient, lock: SettlementLock, settings: Settings
    ) -> None:
        self._session = session
        self._engine = engine
        self._zookeeper = zookeeper
        self._lock = lock
        self._settings = settings

    def run(self, token: int, stopping: Event, wake: Event) -> int:
        """Settle; return the exit code.

        Args:
            token: this holder's fencing token.
            stopping: set when asked to stop.
            wake: set together with `stopping`, and by whatever else ends the tenure.
        """
        error: BaseException | None
        with self._engine.connect() as connection:
            publisher = Publisher(self._zookeeper, read_head(connection))
        scratch = TemporaryDirectory(
            prefix="kiwi-checkpoint-", dir=self._settings.scratch_dir, ignore_cleanup_errors=True
        )
        try:
            with scratch as checkpoint:
                error = self._settle(token, stopping, wake, publisher, checkpoint)
        except Exception as fault:  # noqa: BLE001 # sorted below by what to do next
            error = fault
        code = self._exit_code(error, stopping)
        publisher.close(str(error) if code == EXIT_HALTED else "")
        return code

    def _settle(
        self, token: int, stopping: Event, wake: Event, publisher: Publisher, checkpoint: str
    ) -> BaseException | None:
        topic = describe_topic(self._settings)
        claim(self._engine, token, topic.topic_id)
        with self._engine.connect() as connection:
            positions = read_positions(connection)
        check_log(positions, read_log_bounds(self._settings))
        dead_letters = DeadLetters(self._settings)
        settler = Settler(
            self._engine, self._zookeeper, dead_letters, self._settings, token, stopping, publisher.report
        )
        writer = Writer(settler.settle, wake)
        query = start_stream(self._session, self._settings, positions, topic.partitions, checkpoint, writer)
        log.info("settling from %s with fencing token %d", positions or "the log's start", token)
        while not wake.wait(1) and not self._lock.lost.is_set() and query.isActive:
            pass
        if not writer.close(_CLOSE_SECONDS):
            log.warning("the batch in hand did not finish within %d s; the next driver settles it", _CLOSE_SECONDS)
        return writer.error or (None if stopping.is_set() else query.exception())

    def _exit_code(self, error: BaseException | None, stopping: Event) -> int:
        if isinstance(error, HALTING):
            log.critical("HALTED until a human acts: %s: %s", type(error).__name__, error)
            return EXIT_HALTED
        if isinstance(error, FencedError):
            log.error("leaving: %s", error)
            return EXIT_SUPERSEDED
        if stopping.is_set():
            log.info("stopped as asked%s", f"; the batch in hand is left in the log: {error}" if error else "")
            return EXIT_STOPPED
        if self._lock.lost.is_set():
            log.error("leaving: the ZooKeeper session that held the lock has ended")
            return EXIT_SUPERSEDED
        log.error("leaving for a restart", exc_info=error)
        return EXIT_FAULT


def check_log(positions: dict[int, int], bounds: dict[int, tuple[int, int]]) -> None:
    """Raise `GapError` unless the log still holds everything from the ledger's positions on."""
    for partition, position in positions.items():
        first, end = bounds.get(partition, (0, 0))
        if not first <= position <= end:
            raise GapError(
                f"partition {partition}: the ledger's next offset is {position}, but the log holds {first} to {end}."
                " Orders that were never settled are gone, or this is another log; restore it, or audit and then move"
                " log_position by hand"
            )
    for partition, (first, _) in bounds.items():
        if partition not in positions and first > 0:
            raise GapError(f"partition {partition}: nothing of it was ever settled, but its log begins at {first}")
