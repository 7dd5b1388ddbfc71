"""What readers ask the ledger; every statement is fixed text, all that varies is bound."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, text

from settlement.currency import CODES, DIGITS, Currency
from settlement.money import round_amount
from settlement.user_orders import list_user_results

_EXACT: Final = Context(prec=64)
_UNITS: Final = tuple(Decimal(1).scaleb(-digits) for digits in DIGITS)

_COLUMNS: Final = "id, user_id, initiator, success, paid, reason, duplicate_of, batch"
_BY_ID: Final = text(f"SELECT {_COLUMNS} FROM result WHERE id = :id")  # noqa: S608 - constant columns
# One statement reads one state: these rows are all of the same committed batch.
_TURNOVER: Final = text(
    "SELECT head.batch, head.orders, head.amount_cny, total.initiator, total.paid,"
    " batch.rate_cny, batch.rate_usd, batch.rate_jpy, batch.rate_eur"
    " FROM head JOIN total LEFT JOIN batch ON batch.number = head.batch"
)


class Result(msgspec.Struct, frozen=True):
    """What became of one order.

    Attributes:
        id: the order's id.
        user_id: null if the message could not be read.
        initiator: the payer's currency; null if the message could not be read.
        success: whether everything was bought; else nothing was.
        paid: exact, in the initiator's currency; 0 unless it succeeded.
        reason: why nothing was bought, or null.
        duplicate_of: the order that this one repeats, or null.
        batch: the batch that settled it.
    """

    id: int
    user_id: int | None
    initiator: str | None
    success: bool
    paid: Decimal
    reason: str | None
    duplicate_of: int | None
    batch: int


class Turnover(msgspec.Struct, frozen=True):
    """All that was paid until now.

    Attributes:
        amount_cny: its value in CNY at the rates of each batch, rounded half-even to fen.
        paid: what was paid in each initiator's currency.
        orders: settled orders, refused ones included.
        batch: the last batch settled; 0 before the first.
        rates: the rates of that batch; null before the first.
    """

    amount_cny: Decimal
    paid: dict[str, Decimal]
    orders: int
    batch: int
    rates: dict[str, Decimal] | None


def find_result(connection: Connection, order_id: int) -> Result | None:
    """Return the result of this order, or None while it has none."""
    row = connection.execute(_BY_ID, {"id": order_id}).one_or_none()
    return None if row is None else _result(row)


def list_results(connection: Connection, user_id: int, after: int, limit: int) -> list[Result]:
    """Return the results of this user's orders, oldest first, that follow order `after` (-1 = from the first)."""
    return [_result(row) for row in list_user_results(connection, user_id, after, limit)]


def read_turnover(connection: Connection) -> Turnover:
    """Return the totals as one committed batch left them."""
    rows = connection.execute(_TURNOVER).all()
    batch, orders, amount_cny, _, _, *rates = rows[0]
    return Turnover(
        amount_cny=round_amount(amount_cny),
        paid={code: _paid(code, row.paid) for code in CODES for row in rows if row.initiator == code},
        orders=orders,
        batch=batch,
        rates=None if rates[0] is None else _rates(rates),
    )


def _result(row: Row[Any]) -> Result:
    paid = _paid(row.initiator, row.paid)
    return Result(row.id, row.user_id, row.initiator, bool(row.success), paid, row.reason, row.duplicate_of, row.batch)


def _paid(initiator: str | None, paid: Decimal) -> Decimal:
    """Return the amount with its currency's digits; the column has two for all of them."""
    unit = Decimal(1) if initiator is None else _UNITS[Currency[initiator]]
    return paid.quantize(unit, ROUND_HALF_EVEN, _EXACT)


def _rates(values: Sequence[Decimal]) -> dict[str, Decimal]:
    return {code: Decimal(f"{value.normalize():f}") for code, value in zip(CODES, values, strict=True)}
