"""Compiles what the first order would wait for; a standby does it while it stands by."""

from typing import Final

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.decode import decode
from settlement.decide import decide
from settlement.money import RATE_DIGITS
from settlement.order import Line, Order, encode_order
from settlement.stock import Stock

_MESSAGES: Final = 10_000


def warm_up(session: SparkSession) -> None:
    """Send one order of a made-up shop through decoding and deciding, and made-up messages out of the JVM."""
    order = Order(1, "CNY", 0, (Line(1, 1),))
    messages = pa.table(
        {"value": [encode_order(order)], "partition": np.zeros(1, np.int32), "offset": np.zeros(1, int)}
    )
    stock = Stock(np.ones(1, np.int64), np.ones(1, np.int64), np.zeros(1, np.uint8), np.ones(1, np.int64))
    decision = decide(decode(messages).orders, stock, (10**RATE_DIGITS,) * 4)
    assert decision.paid[0] == 1, "the kernels do not work on this machine"
    columns = (
        "CAST(CAST(id AS STRING) AS BINARY) value",
        "CAST(id AS INT) partition",
        "id offset",
        "current_timestamp() timestamp",
    )
    assert session.range(_MESSAGES).selectExpr(*columns).toArrow().num_rows == _MESSAGES
