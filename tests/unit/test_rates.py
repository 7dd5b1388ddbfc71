"""Rates: what may price an order, and what the sources give."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.currency import Currency
from settlement.rate_sources import ask_source, ecb, fixed, http, rate_source, walk
from settlement.rates import (
    RATE_MAX,
    RATE_MIN,
    START_RATES,
    RatesUnavailableError,
    Snapshot,
    check_rate,
    format_rate,
    format_rates,
    parse_rate,
)
from settlement.settings import Settings

START = tuple(int(rate * 10**6) for rate in START_RATES)
MINUTE_MS = 60_000


@given(st.integers(RATE_MIN, RATE_MAX))
def test_rates_round_trip_through_their_text(rate: int) -> None:
    """What ZooKeeper holds is read back as the same rate, without an exponent."""
    text = format_rate(rate)
    assert parse_rate(text) == rate
    assert set(text) <= set("0123456789.")


@pytest.mark.parametrize(
    ("text", "rate"), [("2.0", 2_000_000), ("12", 12_000_000), ("0.15", 150_000), (" 9.0\n", 9_000_000), ("1e1", 10**7)]
)
def test_rates_are_read_as_millionths(text: str, rate: int) -> None:
    """The original's texts and other spellings of decimals are read exactly."""
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "0.0", "-2", "0.00009", "10000.1", "NaN", "sNaN", "Infinity", "-inf", "1e999999", "1e-9", "JYP"),
        *("2,0", "0.1234567", "2.0 2.0", "None", "1" * 100, "1." + "0" * 100 + "1"),
    ],
)
def test_pitfall_14_a_bad_rate_is_refused_not_zero(text: str) -> None:
    """Zero, negative, too small, too large, too fine or unreadable: a ValueError, and never a number."""
    with pytest.raises(ValueError, match=r"rate|decimal"):
        parse_rate(text)


def test_limits_of_rates_are_exact() -> None:
    """The stated limits are accepted, one millionth beyond them is refused."""
    assert [check_rate(rate) for rate in (RATE_MIN, RATE_MAX)] == [RATE_MIN, RATE_MAX]
    for rate in (RATE_MIN - 1, RATE_MAX + 1):
        with pytest.raises(ValueError, match=r"from 0\.0001 to 10000"):
            check_rate(rate)


def test_rates_are_shown_in_one_line() -> None:
    """People read all four with their codes."""
    assert format_rates(START) == "CNY 2, USD 12, JPY 0.15, EUR 9"


def test_one_old_rate_makes_a_snapshot_too_old() -> None:
    """The age that counts is that of the oldest of the four, and the message names its currency."""
    snapshot = Snapshot(START, 1, (100_000, 100_000, 39_999, 100_000), "test")
    snapshot.check_age(60.001, 100_000)
    with pytest.raises(RatesUnavailableError, match=r"rate of JPY is 60 s old, allowed are 60 s"):
        snapshot.check_age(60, 100_000)


@given(st.sampled_from(Currency), st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_walk_stays_near_its_start(currency: Currency, seed: int, minute: int) -> None:
    """However long it walks, a rate stays within 20 % of the start and moves by at most 2 % in a step."""
    source, rate = walk(seed), START[currency]
    for step in range(30):
        moved = source(currency, rate, (minute + step) * MINUTE_MS)
        assert abs(moved - rate) <= rate * 0.02 + 1
        assert abs(moved - START[currency]) <= START[currency] * 0.2 + 1
        rate = check_rate(moved)


def test_the_walk_is_reproducible_and_moves() -> None:
    """The same seed, minute and old rate give the same new rate; another minute or currency gives another."""
    first = [walk(1)(currency, START[currency], MINUTE_MS) for currency in Currency]
    assert first == [walk(1)(currency, START[currency], MINUTE_MS + 59_999) for currency in Currency]
    assert len({rate / start for rate, start in zip(first, START, strict=True)}) == len(Currency)
    assert first != [walk(1)(currency, START[currency], 2 * MINUTE_MS) for currency in Currency]
    assert [walk(1)(currency, None, 0) for currency in Currency] == list(START)


def test_the_fixed_source_gives_the_start_values() -> None:
    """Calculations by hand stand on rates that never move."""
    assert [fixed()(currency, 5, 5) for currency in Currency] == list(START)


def test_the_central_bank_gives_plausible_rates() -> None:
    """The packaged history has all four currencies, in euros."""
    rates = dict(zip(Currency, (ecb()(currency, None, 0) for currency in Currency), strict=True))
    assert rates[Currency.EUR] == 10**6
    assert rates[Currency.JPY] < rates[Currency.CNY] < rates[Currency.USD] < 2 * 10**6


@contextmanager
def answering(body: bytes) -> Iterator[str]:
    """Serve this body on loopback and give the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{{currency}}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_http_source_is_read() -> None:
    """An address that answers a bare number is a source."""
    with answering(b"7.25\n") as address:
        assert http(address)(Currency.USD, None, 0) == 7_250_000


@pytest.mark.parametrize("body", [b"", b"0", b"<html>", b'{"rate": 1}', b"\xff", b" " * 63 + b"12.5", b"1" * 10_000])
def test_a_bad_http_answer_is_refused(body: bytes) -> None:
    """Whatever else it answers, even a number cut by the limit on its size, never becomes a rate."""
    with answering(body) as address, pytest.raises(ValueError):  # noqa: PT011 - each body has its own message
        http(address)(Currency.USD, None, 0)


@pytest.mark.parametrize("address", ["", "ftp://127.0.0.1/{currency}", "file:///{currency}", "http://127.0.0.1/usd"])
def test_an_unfit_address_is_refused(address: str) -> None:
    """Only http and https addresses that name the currency are asked."""
    with pytest.raises(ValueError, match="KIWI_RATES_HTTP_URL"):
        http(address)


@pytest.mark.parametrize(("name", "source"), [("walk", walk(2019)), ("fixed", fixed()), ("ecb", ecb())])
def test_settings_choose_the_source(name: str, source: object) -> None:
    """The named source gives what it gives when asked directly."""
    chosen = rate_source(Settings(rates_source=name))
    assert [chosen(currency, 10**6, 0) for currency in Currency] == [
        source(currency, 10**6, 0)  # type: ignore[operator]
        for currency in Currency
    ]


def test_pitfall_14_no_currency_fails_silently() -> None:
    """A source that fails for one currency gives the others, and the failure by name, never a stand-in."""

    def source(currency: Currency, old: int | None, now_ms: int) -> int:
        if currency is Currency.JPY:
            raise KeyError("JYP")
        return int(Decimal(1_000_000)) + currency

    rates, failures = ask_source(source, {}, 0)
    assert rates == {Currency.CNY: 10**6, Currency.USD: 10**6 + 1, Currency.EUR: 10**6 + 3}
    assert {currency: str(error) for currency, error in failures.items()} == {Currency.JPY: "'JYP'"}
