"""Where rates come from. One unit of work per currency; a source that fails for one never stands in for another."""

import random
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Final

from currency_converter import CurrencyConverter

from settlement.currency import Currency
from settlement.money import RATE_DIGITS, from_decimal, to_decimal
from settlement.rates import START_RATES, check_rate, parse_rate
from settlement.settings import Settings

RateSource = Callable[[Currency, int | None, int], int]
"""(currency, old rate in millionths or None, now in epoch ms) -> new rate in millionths; raises on failure."""

_STEP_MAX: Final = 0.02
_BOUND: Final = 0.2
_MINUTE_MS: Final = 60_000
_HTTP_SECONDS: Final = 10
_HTTP_BYTES_MAX: Final = 64


def walk(seed: int) -> RateSource:
    """Return the lab's fiction: each minute a step of at most 2 %, never more than 20 % off the start value.

    The same seed, minute and old rate give the same new rate, in every process.
    """

    def step(currency: Currency, old: int | None, now_ms: int) -> int:
        start = from_decimal(START_RATES[currency], RATE_DIGITS)
        if old is None:
            return start
        factor = 1 + random.Random(f"{seed}:{currency.name}:{now_ms // _MINUTE_MS}").uniform(-_STEP_MAX, _STEP_MAX)
        return round(min(max(old * factor, start * (1 - _BOUND)), start * (1 + _BOUND)))

    return step


def fixed() -> RateSource:
    """Return the start values, always: for calculations by hand."""
    return lambda currency, _old, _now_ms: from_decimal(START_RATES[currency], RATE_DIGITS)


def ecb() -> RateSource:
    """Return the newest rates of the European Central Bank's history that the package carries, in euros."""
    converter = CurrencyConverter()

    def look_up(currency: Currency, _old: int | None, _now_ms: int) -> int:
        rate = Decimal(repr(converter.convert(1, currency.name, "EUR")))
        return check_rate(from_decimal(rate.quantize(to_decimal(1, RATE_DIGITS)), RATE_DIGITS))

    return look_up


def http(url_template: str) -> RateSource:
    """Return a source that asks an address with `{currency}` in it, which answers a bare JSON number."""
    if not url_template.startswith(("http://", "https://")) or "{currency}" not in url_template:
        raise ValueError("KIWI_RATES_HTTP_URL must be an http(s) address with {currency} in it")

    def ask(currency: Currency, _old: int | None, _now_ms: int) -> int:
        url = url_template.format(currency=currency.name)
        with urllib.request.urlopen(url, timeout=_HTTP_SECONDS) as answer:  # noqa: S310 # the scheme is checked above
            body = answer.read(_HTTP_BYTES_MAX + 1)
        if len(body) > _HTTP_BYTES_MAX:
            raise ValueError(f"the answer for the rate is longer than {_HTTP_BYTES_MAX} bytes")
        return parse_rate(body.decode("ascii"))

    return ask


def rate_source(settings: Settings) -> RateSource:
    """Return the source that the settings name."""
    if settings.rates_source == "ecb":
        return ecb()
    if settings.rates_source == "http":
        return http(settings.rates_http_url)
    return fixed() if settings.rates_source == "fixed" else walk(settings.rates_seed)


def ask_source(
    source: RateSource, old: Mapping[Currency, int], now_ms: int
) -> tuple[dict[Currency, int], dict[Currency, Exception]]:
    """Ask for all four side by side; return the rates that came and the failures of those that did not."""
    rates: dict[Currency, int] = {}
    failures: dict[Currency, Exception] = {}
    with ThreadPoolExecutor(len(Currency)) as pool:
        asked = {currency: pool.submit(source, currency, old.get(currency), now_ms) for currency in Currency}
    for currency, answer in asked.items():
        error = answer.exception()
        if error is None:
            rates[currency] = answer.result()
        elif isinstance(error, Exception):
            failures[currency] = error
        else:
            raise error
    return rates, failures
