"""Compiles what the first order would wait for; a standby does it while it stands by."""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.decode import decode
from jobs.stream import create_session
from settlement.decide import decide
from settlement.money import RATE_DIGITS
from settlement.order import Line, Order, encode_order
from settlement.stock import Stock

_MESSAGES: Final = 10_000


def start_warm() -> SparkSession:
    """Return the session; the kernels are compiled while the JVM starts, and each has a core of its own."""
    with ThreadPoolExecutor(1) as background:
        compiled = background.submit(_warm_kernels)
        session = create_session()
        _warm_session(session)
        compiled.result()
    return session


def _warm_kernels() -> None:
    """Send one order of a made-up shop through decoding and deciding."""
    order = Order(1, "CNY", 0, (Line(1, 1),))
    messages = pa.table(
        {"value": [encode_order(order)], "partition": np.zeros(1, np.int32), "offset": np.zeros(1, int)}
    )
    stock = Stock(np.ones(1, np.int64), np.ones(1, np.int64), np.zeros(1, np.uint8), np.ones(1, np.int64))
    decision = decide(decode(messages).orders, stock, (10**RATE_DIGITS,) * 4)
    assert decision.paid[0] == 1, "the kernels do not work on this machine"


def _warm_session(session: SparkSession) -> None:
    """Send made-up messages out of the JVM."""
    columns = (
        "CAST(CAST(id AS STRING) AS BINARY) value",
        "CAST(id AS INT) partition",
        "id offset",
        "current_timestamp() timestamp",
    )
    assert session.range(_MESSAGES).selectExpr(*columns).toArrow().num_rows == _MESSAGES
