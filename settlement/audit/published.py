"""The total that ZooKeeper shows: a copy, which may lag behind the ledger but never run ahead of it or differ."""

from dataclasses import dataclass
from typing import Final

from kazoo.exceptions import KazooException, NoNodeError
from kazoo.handlers.threading import KazooTimeoutError

from settlement.audit.books import AMOUNT_DIGITS, Books, fixed, round_half_even
from settlement.audit.report import Findings
from settlement.settings import Settings
from settlement.zookeeper import TOTAL_PATH, connect_zookeeper

_BATCH_PATH: Final = f"{TOTAL_PATH}/batch"
_CONNECT_SECONDS: Final = 5
_READ_TRIES: Final = 20
_SHOWN_DIGITS: Final = 2


@dataclass(frozen=True)
class Published:
    """The total as ZooKeeper shows it, and the batch up to which it counts."""

    batch: int
    amount: str


def read_published(settings: Settings, findings: Findings) -> Published | None:
    """Return ZooKeeper's total, or None with a note when there is none to be had.

    It must be read before the ledger's snapshot is taken: the ledger commits first, so that then it cannot be ahead.
    """
    try:
        client = connect_zookeeper(settings.zookeeper_hosts, connect_seconds=_CONNECT_SECONDS)
    except KazooTimeoutError:
        findings.note("ZooKeeper does not answer; its total was not compared")
        return None
    try:
        for _ in range(_READ_TRIES):
            amount, amount_stat = client.get(TOTAL_PATH)
            batch, batch_stat = client.get(_BATCH_PATH)
            if amount_stat.mzxid == batch_stat.mzxid:
                return Published(int(batch), amount.decode("ascii"))
        findings.add(TOTAL_PATH, "ZooKeeper", "total and batch written in one transaction", "two transactions")
    except NoNodeError:
        findings.note("ZooKeeper has no total yet; it was not compared")
    except KazooException as error:
        findings.note(f"ZooKeeper failed ({type(error).__name__}); its total was not compared")
    except ValueError:
        findings.add(TOTAL_PATH, "ZooKeeper", "a number and the number of a batch", f"{amount!r} and {batch!r}")
    finally:
        client.stop()
        client.close()
    return None


def compare_published(published: Published, books: Books, last_batch: int, findings: Findings) -> None:
    """Compare ZooKeeper's total with the books as of its own batch."""
    where = f"ZooKeeper, as of batch {published.batch}"
    if published.batch > last_batch:
        findings.add(TOTAL_PATH, where, f"batch {last_batch} or earlier", f"batch {published.batch}")
        return
    amount = books.amount_at_mark
    if published.batch == 0:
        amount = 0
    if amount is not None:
        shown = fixed(round_half_even(amount, 10 ** (AMOUNT_DIGITS - _SHOWN_DIGITS)), _SHOWN_DIGITS)
        findings.compare(TOTAL_PATH, where, shown, published.amount)
