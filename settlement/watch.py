"""Whether settlement makes progress, as an operator asks: is there a heartbeat, and does the ledger follow the log."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from kazoo.client import KazooClient
from sqlalchemy import Engine

from settlement.head import read_positions
from settlement.kafka_log import read_log_bounds
from settlement.settings import Settings
from settlement.status import Status, read_status


class StandstillError(Exception):
    """Settlement stands still or is about to; the message says what is seen and what to do."""


@dataclass(frozen=True)
class Progress:
    """What is seen of settlement at one moment.

    Attributes:
        status: the last heartbeat, or None if no driver has ever written one.
        heartbeat_age_seconds: how old it is.
        settled: orders that the ledger's positions have passed.
        lag: orders in the log that they have not.
    """

    status: Status | None
    heartbeat_age_seconds: float
    settled: int
    lag: int

    def __str__(self) -> str:
        if self.status is None:
            return f"no driver has ever settled; lag {self.lag:,} orders"
        said = f"{self.status.state}{f': {self.status.detail}' if self.status.detail else ''}"
        return f"{said}; heartbeat {self.heartbeat_age_seconds:.0f} s old, lag {self.lag:,} orders"


def observe(client: KazooClient, engine: Engine, settings: Settings) -> Progress:
    """Look once.

    Raises:
        kazoo.exceptions.KazooException, sqlalchemy.exc.SQLAlchemyError, kafka.errors.KafkaError: a server is away.
    """
    with engine.connect() as connection:
        positions = read_positions(connection)  # before the log's ends, so that no lag is negative
    ends = {partition: end for partition, (_, end) in read_log_bounds(settings).items()}
    status = read_status(client)
    settled = sum(positions.values())
    age_seconds = time.time() - status.at_ms / 1000 if status else 0
    return Progress(status, age_seconds, settled, sum(ends.values()) - settled)


def require_progress(
    look: Callable[[], Progress], *, heartbeat_age_seconds_max: float, wait_seconds: float
) -> Progress:
    """Look, and where orders wait, look again until the ledger has moved.

    Raises:
        StandstillError: the driver is silent, holding or halted, or the ledger did not move for so long.
    """
    first = progress = look()
    deadline = time.monotonic() + wait_seconds
    while True:
        _check_driver(progress, heartbeat_age_seconds_max)
        if progress.lag == 0 or progress.settled > first.settled:
            return progress
        if time.monotonic() > deadline:
            raise StandstillError(
                f"{progress}: {progress.lag:,} orders wait and the ledger has not moved for {wait_seconds:.0f} s."
                " Look into the settlement job's log; trigger launch_settlement if it does not run"
            )
        time.sleep(min(wait_seconds / 10, 1))
        progress = look()


def _check_driver(progress: Progress, heartbeat_age_seconds_max: float) -> None:
    status = progress.status
    if status is None:
        if progress.lag:
            raise StandstillError(f"{progress}. Trigger launch_settlement")
        return
    if status.state == "halted":
        raise StandstillError(
            f"{progress}. A human must act: the settlement job's log says on what; it does not restart"
        )
    if progress.heartbeat_age_seconds > heartbeat_age_seconds_max:
        raise StandstillError(f"{progress}. The driver is silent: trigger launch_settlement, and look into its log")
    if status.state == "holding":
        raise StandstillError(f"{progress}. Trigger refresh_fx; settlement goes on by itself once the rates are good")
