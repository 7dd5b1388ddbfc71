"""The stream of orders of one process: reproducible from its seed, drawn in blocks by numpy, encoded cheaply."""

from collections import deque
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from generator.malformed import POISON, REJECTED
from generator.options import UNKNOWN_IDS, Options
from settlement.order import COMMODITY_ID_MAX

_BLOCK_ORDERS: Final = 256
"""Drawn and encoded in one go, in less than a millisecond: the event loop waits meanwhile."""

_KEYED_KEPT: Final = 1_000
"""A repetition repeats one of that many orders with a key before it."""

Integers = npt.NDArray[np.int64]


class Kind(IntEnum):
    """What an order is meant to be."""

    PLAIN = 0
    REPEAT = 1
    UNKNOWN = 2
    BAD = 3
    POISON = 4


class Draft(NamedTuple):
    """An order ready to be sent.

    Attributes:
        body: its JSON text without the key; None is a Kafka message without a value.
        key: its idempotency key; empty = none.
    """

    kind: Kind
    body: bytes | None
    key: bytes = b""

    @property
    def line(self) -> bytes:
        """The JSON text with the key inside."""
        body = self.body or b""
        return b'%b,"idempotency_key":"%b"}' % (body[:-1], self.key) if self.key else body


class Zipf:
    """Ranks 0 to `count` - 1; rank r is drawn with a probability in proportion to (r + 1) ** -exponent."""

    def __init__(self, count: int, exponent: float) -> None:
        self._count = count
        self._cumulative: npt.NDArray[np.float64] | None = None
        if exponent:
            self._cumulative = np.cumsum(np.arange(1, count + 1, dtype=np.float64) ** -exponent)
            self._cumulative /= self._cumulative[-1]

    def draw(self, random: np.random.Generator, size: int) -> Integers:
        """Return so many ranks."""
        if self._cumulative is None:
            return random.integers(0, self._count, size)
        return np.searchsorted(self._cumulative, random.random(size), side="right").astype(np.int64)


class OrderStream(Iterator[Draft]):
    """Endless orders of one process.

    Everything but `time` and the prefix of the keys follows from the seed, the process's number and the options.
    """

    def __init__(
        self, options: Options, process: int, commodities: Integers, run: str, clock_ms: Callable[[], int]
    ) -> None:
        """Prepare the stream.

        Args:
            options: the load.
            process: number of the process, from 0.
            commodities: the ids to choose from, the most wanted first.
            run: name of the run, part of every key: keys are kept for ever, so a second run needs new ones.
            clock_ms: epoch milliseconds.
        """
        self._options = options
        self._random = np.random.default_rng([options.seed, process])
        self._commodities = commodities
        self._users = Zipf(options.users, options.user_skew)
        self._ranks = Zipf(len(commodities), options.commodity_skew)
        self._prefix = f"{run}-{process}-".encode()
        self._clock_ms = clock_ms
        self._keys_made = 0
        self._keyed: deque[Draft] = deque(maxlen=_KEYED_KEPT)
        self._block: Iterator[Draft] = iter(())
        self._bad = list(REJECTED.values())
        self._poison = list(POISON.values())
        shares = [options.poison_share, options.bad_share, options.unknown_share, options.repeat_share]
        self._kind_bounds = np.cumsum(shares)
        self._kinds = (Kind.POISON, Kind.BAD, Kind.UNKNOWN, Kind.REPEAT, Kind.PLAIN)
        self._key_share = max(options.key_share, options.repeat_share)

    def __next__(self) -> Draft:
        """Return the next order; never ends."""
        try:
            return next(self._block)
        except StopIteration:
            self._block = iter(self._draw_block())
            return next(self._block)

    def _draw_block(self) -> list[Draft]:
        random, size, options = self._random, _BLOCK_ORDERS, self._options
        kinds = np.searchsorted(self._kind_bounds, random.random(size), side="right").tolist()
        keyed = (random.random(size) < self._key_share).tolist()
        choices = random.random(size).tolist()
        users = (self._users.draw(random, size) + 1).tolist()
        currencies = random.integers(0, len(options.currencies), size).tolist()
        lines = random.integers(1, options.max_item + 1, size).tolist()
        ids = self._commodities[self._ranks.draw(random, size * options.max_item)].reshape(size, -1).tolist()
        numbers = random.integers(1, options.max_purchase + 1, (size, options.max_item)).tolist()
        codes = [code.encode() for code in options.currencies]
        time_ms = self._clock_ms()
        return [
            self._draft(
                self._kinds[kinds[i]],
                choices[i],
                keyed[i],
                b'{"user_id":%d,"initiator":"%b","time":%d,"items":[' % (users[i], codes[currencies[i]], time_ms),
                dict(zip(ids[i][: lines[i]], numbers[i], strict=False)),
            )
            for i in range(size)
        ]

    def _draft(self, kind: Kind, choice: float, keyed: bool, head: bytes, units: dict[int, int]) -> Draft:
        if kind is Kind.BAD:
            return Draft(kind, self._bad[int(choice * len(self._bad))])
        if kind is Kind.POISON:
            return Draft(kind, self._poison[int(choice * len(self._poison))])
        if kind is Kind.REPEAT and self._keyed:
            return self._keyed[int(choice * len(self._keyed))]._replace(kind=kind)
        if kind is Kind.UNKNOWN:
            units = units | {COMMODITY_ID_MAX - int(choice * UNKNOWN_IDS): 1}
        else:
            kind = Kind.PLAIN  # also a repetition that has nothing to repeat yet
        items = b",".join([b'{"id":%d,"number":%d}' % line for line in units.items()])
        body = b"%b%b]}" % (head, items)
        if not keyed:
            return Draft(kind, body)
        self._keys_made += 1
        draft = Draft(kind, body, b"%b%d" % (self._prefix, self._keys_made))
        self._keyed.append(draft)
        return draft
