"""Compiles the kernels before the first order waits for them; a standby does it while it stands by."""

import numpy as np
import pyarrow as pa

from jobs.decode import decode
from settlement.decide import Stock, decide
from settlement.money import RATE_DIGITS
from settlement.order import Line, Order, encode_order


def warm_up() -> None:
    """Send one order of a made-up shop through decoding and deciding."""
    order = Order(1, "CNY", 0, (Line(1, 1),))
    messages = pa.table(
        {"value": [encode_order(order)], "partition": np.zeros(1, np.int32), "offset": np.zeros(1, int)}
    )
    stock = Stock(np.ones(1, np.int64), np.ones(1, np.int64), np.zeros(1, np.uint8), np.ones(1, np.int64))
    decision = decide(decode(messages).orders, stock, (10**RATE_DIGITS,) * 4)
    assert decision.paid[0] == 1, "the kernels do not work on this machine"
