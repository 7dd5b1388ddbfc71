"""The decision kernel against independent ways to the same result."""

import random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from settlement.currency import CODES
from settlement.decide import Decision, OrderBatch, decide
from settlement.money import PAID_MAX
from settlement.refusal import Refusal
from settlement.stock import Stock
from tests.unit import oracles, strategies
from tests.unit.oracles import Article, Purchase

START_RATES = (2_000_000, 12_000_000, 150_000, 9_000_000)


def stock_of(articles: list[Article]) -> Stock:
    """Return the catalogue as the kernel's arrays."""
    return Stock(
        ids=np.array([article.id for article in articles], np.int64),
        prices=np.array([article.price for article in articles], np.int64),
        currencies=np.array([article.currency for article in articles], np.uint8),
        inventory=np.array([article.stock for article in articles], np.int64),
    )


def batch_of(purchases: list[Purchase]) -> OrderBatch:
    """Return the orders as the kernel's arrays."""
    counts = [len(purchase.lines) for purchase in purchases]
    lines = [line for purchase in purchases for line in purchase.lines]
    return OrderBatch(
        ids=np.arange(len(purchases), dtype=np.int64),
        user_ids=np.zeros(len(purchases), np.int64),
        initiators=np.array([purchase.initiator for purchase in purchases], np.uint8),
        refusals=np.array([Refusal[purchase.refusal.upper()] for purchase in purchases], np.uint8),
        line_starts=np.array([sum(counts[:index]) for index in range(len(counts))], np.int64),
        line_counts=np.array(counts, np.int64),
        commodity_ids=np.array([commodity for commodity, _ in lines], np.int64),
        numbers=np.array([number for _, number in lines], np.int64),
    )


def run(
    articles: list[Article], purchases: list[Purchase], rates: tuple[int, ...] = START_RATES
) -> tuple[list[tuple[str, int]], Decision, Stock]:
    """Decide, and return the outcomes (refusal, paid), the decision and the stock that is left."""
    stock = stock_of(articles)
    decision = decide(batch_of(purchases), stock, rates)
    refusals = [Refusal(code).label for code in decision.refusals]
    return list(zip(refusals, decision.paid.tolist(), strict=True)), decision, stock


def grants(stock: list[int], baskets: list[oracles.Basket]) -> list[bool]:
    """Return whom the kernel grants goods that cost nothing, so that the stock alone decides."""
    articles = [Article(place + 1, 0, 0, units) for place, units in enumerate(stock)]
    purchases = [Purchase(0, tuple((place + 1, number) for place, number in basket.items())) for basket in baskets]
    outcomes, _, _ = run(articles, purchases)
    return [refusal == "none" for refusal, _ in outcomes]


@st.composite
def contests(draw: st.DrawFn) -> tuple[list[int], list[oracles.Basket]]:
    """Draw a stock that is short for some, and baskets that want of it."""
    stock = draw(st.lists(st.integers(0, 20), min_size=1, max_size=5))
    basket = st.dictionaries(st.integers(0, len(stock) - 1), st.integers(1, 9), min_size=1, max_size=3)
    return stock, draw(st.lists(basket, max_size=20))


@given(st.data(), strategies.rates)
def test_kernel_equals_the_sequential_model(data: st.DataObject, rates: tuple[int, ...]) -> None:
    """Refusals, prices and stock are those of a plain sequential model on exact fractions."""
    articles = data.draw(strategies.shops())
    purchases = data.draw(strategies.purchases(articles))
    outcomes, decision, stock = run(articles, purchases, rates)
    assert outcomes == oracles.settle(articles, purchases, rates)
    before = np.array([article.stock for article in articles], np.int64)
    assert (stock.inventory == before - decision.taken).all()
    assert (stock.inventory >= 0).all()
    assert sum(paid for refusal, paid in outcomes if refusal != "none") == 0


@given(contests())
@example(([5], [{0: 6}, {0: 5}]))
def test_kernel_equals_the_escrow_split(contest: tuple[list[int], list[oracles.Basket]]) -> None:
    """Erasing what is plentiful and deciding the rest in order grants the same orders."""
    stock, baskets = contest
    assert grants(stock, baskets) == oracles.escrow_split(baskets, stock)


@given(contests())
@example(([5], [{0: 6}, {0: 5}]))
def test_kernel_equals_the_interval_fixpoint(contest: tuple[list[int], list[oracles.Basket]]) -> None:
    """Narrowing bounds until every order is certain grants the same orders."""
    stock, baskets = contest
    assert grants(stock, baskets) == oracles.interval_fixpoint(baskets, stock)


def test_all_exact_algorithms_agree_on_a_large_batch() -> None:
    """On 3,000 orders over a skewed catalogue, kernel and oracles grant the same orders."""
    draw = random.Random(20260)
    stock = [draw.randrange(200) for _ in range(60)]
    baskets = [
        {min(int(draw.paretovariate(0.7)) - 1, 59): draw.randint(1, 5) for _ in range(draw.randint(1, 5))}
        for _ in range(3_000)
    ]
    granted = grants(stock, baskets)
    assert 100 < sum(granted) < 2_900
    assert granted == oracles.sequential(baskets, stock)
    assert granted == oracles.escrow_split(baskets, stock)
    assert granted == oracles.interval_fixpoint(baskets, stock)


def test_running_demand_without_feedback_is_another_rule() -> None:
    """Counting the demand of refused orders refuses others wrongly, so that nobody may "simplify" to it."""
    assert grants([5], [{0: 6}, {0: 5}]) == [False, True]
    assert oracles.running_demand([{0: 6}, {0: 5}], [5]) == [False, False]


def test_running_demand_differs_in_most_contests() -> None:
    """On random contests the wrong rule differs more often than not, so that the tests above would notice it."""
    draw = random.Random(7)
    differing = 0
    for _ in range(300):
        stock = [draw.randrange(40) for _ in range(4)]
        baskets = [{draw.randrange(4): draw.randint(1, 9) for _ in range(3)} for _ in range(30)]
        differing += oracles.running_demand(baskets, stock) != oracles.sequential(baskets, stock)
    assert differing > 150


def test_pitfall_8_repeated_lines_count_together() -> None:
    """Stock 10, lines 8 and 8: refused, and nothing is taken."""
    outcomes, _, stock = run([Article(1, 100, 0, 10)], [Purchase(0, ((1, 8), (1, 8))), Purchase(0, ((1, 5), (1, 5)))])
    assert outcomes == [("insufficient_stock", 0), ("none", 1000)]
    assert stock.inventory.tolist() == [0]


def test_pitfall_12_a_refused_order_takes_nothing() -> None:
    """A later line that falls short gives the earlier lines back, for the next order to have."""
    articles = [Article(1, 100, 0, 5), Article(2, 100, 0, 1)]
    outcomes, decision, stock = run(articles, [Purchase(0, ((1, 5), (2, 2))), Purchase(0, ((1, 5),))])
    assert outcomes == [("insufficient_stock", 0), ("none", 500)]
    assert decision.taken.tolist() == [5, 0]
    assert stock.inventory.tolist() == [0, 1]


def test_pitfall_13_an_unknown_commodity_takes_nothing_and_stops_nothing() -> None:
    """An order with an unknown commodity is refused whole, whichever line names it; the next one goes on."""
    articles = [Article(5, 100, 0, 5)]
    unknown = [Purchase(0, ((5, 1), (6, 1))), Purchase(0, ((4, 1), (5, 1))), Purchase(0, ((6, 1),))]
    outcomes, _, stock = run(articles, [*unknown, Purchase(0, ((5, 5),))])
    assert outcomes == [("unknown_commodity", 0)] * 3 + [("none", 500)]
    assert stock.inventory.tolist() == [0]


def test_unknown_comes_before_short() -> None:
    """An order that names an unknown commodity and wants too much of another is called unknown."""
    outcomes, _, _ = run([Article(1, 100, 0, 1)], [Purchase(0, ((1, 2), (9, 1)))])
    assert outcomes == [("unknown_commodity", 0)]


def test_largest_amount_is_exact() -> None:
    """An order of exactly the largest amount succeeds, one minor unit more is refused and takes nothing."""
    # 10^17 fen: ten lines of 10^10 fen x 10^6
    articles = [Article(1, 10**10, 0, 10**15), Article(2, 1, 0, 10**15)]
    largest = ((1, 10**6),) * 10
    outcomes, decision, stock = run(articles, [Purchase(0, largest), Purchase(0, (*largest, (2, 1)))], (10**6,) * 4)
    assert outcomes == [("none", PAID_MAX), ("amount_too_large", 0)]
    assert decision.taken.tolist() == [10**7, 0]
    assert stock.inventory.tolist() == [10**15 - 10**7, 10**15]


@pytest.mark.parametrize(("number", "paid"), [(1, 0), (2, 1), (3, 2), (5, 2), (7, 4), (9, 4)])
def test_ties_go_to_the_even_neighbour(number: int, paid: int) -> None:
    """Where a cent is worth half a fen, odd numbers of cents are rounded to the even fen, not always up."""
    outcomes, _, _ = run([Article(1, 1, 1, 100)], [Purchase(0, ((1, number),))], (2_000_000, 1_000_000, 1, 1))
    assert outcomes == [("none", paid)]


@pytest.mark.parametrize("initiator", range(len(CODES)))
@pytest.mark.parametrize("number", [399_999, 400_000, 400_001])
def test_widths_of_arithmetic_join_without_a_seam(initiator: int, number: int) -> None:
    """Just below and above the size at which the kernel leaves 64 bits, prices are those of exact fractions."""
    # 10^10 minor units x 400,000 x rate 10^3 is the kernel's bound of 4 x 10^18
    rates = (1_000, 700, 300, 999)
    articles = [Article(1, 10**10, 0, 10**15), Article(2, 7, 1, 10)]
    purchases = [Purchase(initiator, ((1, number), (2, 3))), Purchase(initiator, ((2, 1),))]
    assert run(articles, purchases, rates)[0] == oracles.settle(articles, purchases, rates)


def test_an_empty_batch_and_an_empty_catalogue_are_decided() -> None:
    """Nothing to decide is no error, and with nothing for sale every commodity is unknown."""
    assert run([], [])[0] == []
    assert run([], [Purchase(0, ((1, 1),))])[0] == [("unknown_commodity", 0)]


def test_the_batch_itself_stays_as_it_was() -> None:
    """Deciding the same batch again on the same stock gives the same: a retry starts from a clean batch."""
    batch, articles = batch_of([Purchase(0, ((1, 6),)), Purchase(0, ((1, 6),))]), [Article(1, 100, 0, 10)]
    first, second = (decide(batch, stock_of(articles), START_RATES) for _ in range(2))
    assert first.refusals.tolist() == second.refusals.tolist() == [Refusal.NONE, Refusal.INSUFFICIENT_STOCK]
