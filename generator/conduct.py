"""A whole run: send, wait for settlement, look every result up, report."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from generator.assemble import Findings, assemble
from generator.display import Display
from generator.drain import SettledCount, SettlementStatus, await_drain
from generator.interrupt import interrupts
from generator.ledger import MISSING, Ledger
from generator.options import COMMODITY_MAX, Options
from generator.orders import Integers
from generator.report import Report
from generator.run import Sent, send_orders
from settlement.database import create_database_engine
from settlement.settings import Settings


class UnfitError(Exception):
    """The run cannot start as it was asked for; the message names the remedy."""


def conduct(options: Options, settings: Settings, commodities: int, console: Console, *, wait: bool) -> Report:
    """Do what `options` ask for, and return the report.

    Args:
        options: the load.
        settings: where the servers are.
        commodities: ids 1 to so many are ordered; 0 = those of the ledger's catalogue.
        console: shows the progress.
        wait: for settlement, and verify it.

    Raises:
        UnfitError: there is nothing to order, or the ledger is away.
        generator.run.RunFailedError: a sending process could not start.
    """
    with _open_ledger(settings) as ledger, interrupts() as interrupt:
        ids = np.arange(1, commodities + 1, dtype=np.int64) if commodities else _read_catalogue(ledger)
        first_batch = _read_batch_number(ledger) if wait else 0
        count = SettledCount(ledger)
        with Display(console, options.orders_wanted, settling=wait) as display:

            def show(sent: Sent) -> None:
                display.show_sent(sent, count.read(sent.accepted) if wait else 0, count.fault)

            sent = send_orders(options, settings, ids, show, interrupt.wished)
            display.end_sending(sent)
            findings = None
            if wait:
                interrupt.begin_stage()
                drain = await_drain(
                    sent.accepted,
                    count,
                    seconds_max=options.drain_seconds_max,
                    describe=SettlementStatus(settings.zookeeper_hosts).describe,
                    show=display.show_settled,
                    stopping=interrupt.wished,
                )
                findings = _look_up(ledger, sent.accepted.columns.ids, first_batch, drain.problem, display)
    return assemble(options, len(ids), sent, findings)


def _look_up(ledger: Ledger, ids: Integers, first_batch: int, problem: str, display: Display) -> Findings:
    """Read what became of every accepted order, one by one."""
    distinct, places = np.unique(ids, return_inverse=True)
    codes = np.full(len(distinct), MISSING, np.int8)
    done = 0
    try:
        for chunk in ledger.refusals(distinct):
            codes[done : done + len(chunk)] = chunk
            done += len(chunk)
            display.show_looked_up(done, len(distinct))
        return Findings(codes[places], ledger.batches(first_batch), problem)
    except SQLAlchemyError as error:
        return Findings(codes[places], [], _away(error))


@contextmanager
def _open_ledger(settings: Settings) -> Iterator[Ledger]:
    engine = create_database_engine(settings.database_url.get_secret_value(), pool_size=2)
    try:
        yield Ledger(engine)
    finally:
        engine.dispose()


def _read_catalogue(ledger: Ledger) -> Integers:
    try:
        ids = ledger.commodities()
    except SQLAlchemyError as error:
        raise UnfitError(f"{_away(error)}; or name the commodities by --commodities") from error
    if not len(ids):
        raise UnfitError("the catalogue is empty; fill it with `python -m settlement seed --sample`")
    if ids[-1] > COMMODITY_MAX:
        raise UnfitError(f"commodity {ids[-1]}: ids above {COMMODITY_MAX} stand for unknown ones here")
    return ids


def _read_batch_number(ledger: Ledger) -> int:
    try:
        return ledger.batch_number()
    except SQLAlchemyError as error:
        raise UnfitError(f"{_away(error)}; or do not wait for it (--no-wait)") from error


def _away(error: SQLAlchemyError) -> str:
    return f"the ledger cannot be read (KIWI_DATABASE_URL): {getattr(error, 'orig', None) or error}"
