"""The settlement job's entry for spark-submit: stand by for the lock, then settle until asked to stop.

Exit codes: 0 = asked to stop, 70 = halted until a human acts (do not restart), 75 = another driver has taken over,
1 = a fault that a restart may cure.
"""

import logging
import os
import signal
import sys
from threading import Event

import stamina
from kafka.errors import KafkaError
from kazoo.handlers.threading import KazooTimeoutError
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

from jobs.stream import TermSignal
from jobs.tenure import EXIT_STOPPED, Tenure
from jobs.warm_up import start_warm
from settlement.database import create_database_engine
from settlement.lock import SettlementLock
from settlement.settings import Settings, settings
from settlement.topic import TopicUnfitError, describe_topic
from settlement.zookeeper import connect_zookeeper

log = logging.getLogger("jobs.settle")

_AWAY = (KafkaError, KazooTimeoutError, OperationalError, ProgrammingError, TopicUnfitError)


def main(config: Settings) -> int:
    """Run one driver; return its exit code."""
    stopping, wake = Event(), Event()
    session = start_warm()
    url = config.database_url.get_secret_value()
    engine = create_database_engine(url, silence_seconds_max=config.lock_session_seconds)
    for attempt in stamina.retry_context(on=_AWAY, attempts=None, timeout=config.retry_seconds_max, wait_max=2.0):
        with attempt:  # servers that start at the same time as we do
            describe_topic(config)
            with engine.connect() as connection:
                connection.execute(text("SELECT batch FROM head")).one()
            zookeeper = connect_zookeeper(config.zookeeper_hosts, session_seconds=config.lock_session_seconds)
    lock = SettlementLock(zookeeper)

    def stop(*_: object) -> None:
        stopping.set()
        wake.set()
        lock.cancel()

    signal.signal(signal.SIGTERM, stop)
    TermSignal(session, stop)
    log.info("standing by for the lock")
    token = lock.acquire()
    code = (
        EXIT_STOPPED if token is None else Tenure(session, engine, zookeeper, lock, config).run(token, stopping, wake)
    )
    zookeeper.stop()  # ends the session, and with it the lock
    return code


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stdout)
    for chatty in ("kafka", "kazoo", "py4j"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    exit_code = main(settings())
    logging.shutdown()
    # Leave at once: stopping the query in mid-batch would only make Spark report our own stop as a failure.
    os._exit(exit_code)
