"""Order ids and currencies: small definitions that everything else stands on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.currency import ALIASES, CODES, DIGITS, Currency, parse_currency
from settlement.orderid import ID_MAX, PARTITION_BITS, PARTITIONS_MAX, Place, order_id, place_of
from settlement.refusal import LABELS, Refusal

OFFSET_MAX = ID_MAX >> PARTITION_BITS
places = st.builds(Place, st.integers(0, PARTITIONS_MAX - 1), st.integers(0, OFFSET_MAX))


@given(places)
def test_an_id_names_its_place(place: Place) -> None:
    """An id is taken apart into the partition and the offset that it was made of, and fits a signed BIGINT."""
    assert place_of(order_id(*place)) == place
    assert 0 <= order_id(*place) <= ID_MAX


@given(places, places)
def test_ids_never_repeat(one: Place, other: Place) -> None:
    """Two places have the same id only if they are the same place."""
    assert (order_id(*one) == order_id(*other)) == (one == other)


@given(st.integers(0, PARTITIONS_MAX - 1), st.integers(0, OFFSET_MAX - 1))
def test_ids_of_a_partition_grow(partition: int, offset: int) -> None:
    """Within a partition a later message has a larger id."""
    assert order_id(partition, offset) < order_id(partition, offset + 1)


def test_the_formula_is_the_published_one() -> None:
    """Clients and queries rely on `offset << 12 | partition`."""
    assert order_id(5, 3) == 3 * 4096 + 5
    assert (PARTITION_BITS, PARTITIONS_MAX) == (12, 4096)


def test_currencies_keep_their_places() -> None:
    """The index of a currency is stored in arrays and snapshots, so that its order is a contract."""
    assert [(currency.value, currency.name, currency.digits) for currency in Currency] == [
        (0, "CNY", 2),
        (1, "USD", 2),
        (2, "JPY", 0),
        (3, "EUR", 2),
    ]
    assert (CODES, DIGITS) == (("CNY", "USD", "JPY", "EUR"), (2, 2, 0, 2))


@pytest.mark.parametrize(("text", "code"), [*((code, code) for code in CODES), *ALIASES.items()])
def test_codes_and_aliases_are_read(text: str, code: str) -> None:
    """Each code names its currency, and RMB names the Chinese one."""
    assert parse_currency(text) is Currency[code]


@pytest.mark.parametrize("text", ["", "cny", "JYP", "GBP", "CNY ", "RMB2"])
def test_other_codes_are_refused(text: str) -> None:
    """A code that is none of the four is an error, not a default."""
    with pytest.raises(KeyError):
        parse_currency(text)


def test_reasons_are_those_of_the_schema() -> None:
    """The stored reasons are exactly the values of the ledger's column."""
    assert LABELS == (
        "malformed",
        "unknown_commodity",
        "insufficient_stock",
        "amount_too_large",
        "duplicate",
        "key_reused",
    )
    assert int(Refusal.NONE) == 0
