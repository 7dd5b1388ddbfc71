"""The generator's orders: reproducible, within the bounds asked for, and of the kinds and shares asked for."""

from collections import Counter
from itertools import islice
from typing import Any

import numpy as np
import pytest

from generator.malformed import POISON, REJECTED
from generator.options import COMMODITY_MAX, Options
from generator.orders import Draft, Kind, OrderStream, Zipf
from settlement.order import Order, OrderInvalidError, OrderMalformedError, parse_order

CATALOGUE = np.array([3, 5, 8, 13, 21, 34], np.int64)


def draw(number: int, *, process: int = 0, run: str = "run", **options: Any) -> list[Draft]:
    """Return the first orders of a process."""
    stream = OrderStream(Options(**options), process, CATALOGUE, run, lambda: 1_700_000_000_000)
    return list(islice(stream, number))


def parse(draft: Draft) -> Order:
    """Return the order that a line of a bulk request states."""
    return parse_order(draft.line)


def test_the_same_seed_gives_the_same_orders() -> None:
    """A process can be repeated, another one and another seed send something else."""
    mixed: dict[str, Any] = {
        "bad_share": 0.1,
        "repeat_share": 0.1,
        "unknown_share": 0.1,
        "user_skew": 1.0,
        "commodity_skew": 0.5,
    }
    first = draw(1_000, **mixed)
    assert draw(1_000, **mixed) == first
    assert draw(1_000, process=1, **mixed) != first
    assert draw(1_000, seed=2, **mixed) != first


def test_plain_orders_are_valid_and_within_their_bounds() -> None:
    """Lines, units, users, commodities and currencies all lie where the options put them, and reach their bounds."""
    orders = [parse(draft) for draft in draw(2_000, max_item=3, max_purchase=7, users=50, currencies=("USD", "RMB"))]
    lines = [line for order in orders for line in order.items]
    assert {len(order.items) for order in orders} == {1, 2, 3}
    assert {line.number for line in lines} == set(range(1, 8))
    assert {line.id for line in lines} == set(CATALOGUE.tolist())
    assert {order.user_id for order in orders} == set(range(1, 51))
    assert {order.initiator for order in orders} == {"USD", "CNY"}
    assert all(len({line.id for line in order.items}) == len(order.items) for order in orders)


def test_each_kind_has_its_share() -> None:
    """Of 20,000 orders each kind has what was asked for, give or take a fifth."""
    drafts = draw(20_000, bad_share=0.05, repeat_share=0.1, unknown_share=0.02, poison_share=0.03)
    counts = Counter(draft.kind for draft in drafts)
    for kind, share in ((Kind.BAD, 0.05), (Kind.REPEAT, 0.1), (Kind.UNKNOWN, 0.02), (Kind.POISON, 0.03)):
        assert counts[kind] == pytest.approx(20_000 * share, rel=0.2)


def test_a_repetition_repeats_an_earlier_order_with_its_key() -> None:
    """Body and key are those of an order before it."""
    seen: set[tuple[bytes | None, bytes]] = set()
    repetitions = 0
    for draft in draw(5_000, repeat_share=0.05):
        if draft.kind is Kind.REPEAT:
            repetitions += 1
            assert draft.key
            assert (draft.body, draft.key) in seen
        seen.add((draft.body, draft.key))
    assert repetitions > 0


def test_keys_are_unique_but_for_repetitions() -> None:
    """Two processes and two runs never share a key, and every key passes the grammar."""
    streams = [draw(2_000, key_share=0.5, process=process, run=run) for process in (0, 1) for run in ("a", "b")]
    keyed = [draft for drafts in streams for draft in drafts if draft.key]
    assert len({draft.key for draft in keyed}) == len(keyed) > 3_000
    assert all(parse(draft).idempotency_key == draft.key.decode() for draft in keyed)


def test_unknown_commodities_are_no_ones() -> None:
    """Each such order names an id above all that a catalogue may have here."""
    unknown = [parse(draft) for draft in draw(3_000, unknown_share=0.1) if draft.kind is Kind.UNKNOWN]
    assert unknown
    assert all(max(line.id for line in order.items) > COMMODITY_MAX for order in unknown)


@pytest.mark.parametrize("name", REJECTED)
def test_every_malformed_order_is_one(name: str) -> None:
    """The strict definition refuses it, and it fits on one line of a bulk request."""
    with pytest.raises((OrderMalformedError, OrderInvalidError)):
        parse_order(REJECTED[name])
    assert len(REJECTED[name].splitlines()) == 1


@pytest.mark.parametrize("name", [name for name, value in POISON.items() if value is not None])
def test_every_poison_is_no_order(name: str) -> None:
    """The strict definition refuses every message that goes past the API."""
    with pytest.raises((OrderMalformedError, OrderInvalidError)):
        parse_order(POISON[name] or b"")


def test_zipf_draws_ranks_in_proportion() -> None:
    """With exponent 1 the first of three ranks has 6/11 of the draws, the second 3/11, the third 2/11."""
    ranks = Zipf(3, 1).draw(np.random.default_rng(1), 110_000)
    assert np.bincount(ranks).tolist() == pytest.approx([60_000, 30_000, 20_000], rel=0.03)


def test_zipf_without_exponent_is_uniform() -> None:
    """Every rank has the same chance."""
    ranks = Zipf(4, 0).draw(np.random.default_rng(1), 40_000)
    assert np.bincount(ranks).tolist() == pytest.approx([10_000] * 4, rel=0.05)
