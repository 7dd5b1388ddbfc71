"""ZooKeeper's total: a copy of the ledger's, stamped with its batch, for clients of the original tree.

`/kiwi/txAmount` holds the bare number in CNY as it always did; its child `batch` says up to which batch it counts.
Both are written together, and never by an older batch than the one that stands there.
"""

from decimal import Decimal
from typing import Final

from kazoo.client import KazooClient
from kazoo.exceptions import BadVersionError

from settlement.money import round_amount
from settlement.zookeeper import TOTAL_PATH

BATCH_PATH: Final = f"{TOTAL_PATH}/batch"


def publish_total(client: KazooClient, batch: int, amount_cny: Decimal) -> bool:
    """Publish the total as of this batch; return False if a newer or equal one is there already.

    Raises:
        kazoo.exceptions.KazooException: ZooKeeper is away; the next batch publishes again.
    """
    client.ensure_path(BATCH_PATH)
    while True:
        stamp, stat = client.get(BATCH_PATH)
        if stamp and int(stamp) >= batch:
            return False
        transaction = client.transaction()
        transaction.check(BATCH_PATH, version=stat.version)
        transaction.set_data(BATCH_PATH, str(batch).encode())
        transaction.set_data(TOTAL_PATH, str(round_amount(amount_cny)).encode())
        outcomes = transaction.commit()
        failures = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        if not failures:
            return True
        if not isinstance(failures[0], BadVersionError):
            raise failures[0]
