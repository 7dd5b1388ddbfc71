"""Sends orders until each has a fate: accepted, rejected, given up, or unknown.

An order is tried again where that is safe: the API said that nothing was taken, no connection was made, or the order
has an idempotency key. Without a key an order whose outcome is unknown is never sent again: it might be bought twice.
"""

import asyncio
import time
from collections.abc import Sequence
from enum import Enum, auto
from typing import Final, NamedTuple

import msgspec

from generator.connection import Answer, NoAnswerError
from generator.orders import Draft, Kind
from generator.pool import ConnectionPool, NotSentError
from generator.tally import Tally

_BACKOFF_SECONDS: Final = 0.2
_RETRY_AFTER_SECONDS_MAX: Final = 5.0
_UNKNOWN_TYPE: Final = "urn:kiwi:problem:outcome-unknown"
_NOTHING_TAKEN: Final = (408, 429)


class Fate(Enum):
    """What one try came to."""

    ACCEPTED = auto()
    REJECTED = auto()
    NOT_TAKEN = auto()
    UNKNOWN = auto()


class Outcome(NamedTuple):
    """One try of one order; `value` is the id of an accepted order, the status of a rejected one."""

    fate: Fate
    value: int = 0


class _Accepted(msgspec.Struct):
    id: int


class _Problem(msgspec.Struct):
    type: str = ""


class _Each(msgspec.Struct):
    status: int
    id: int = -1


_decode_accepted = msgspec.json.Decoder(_Accepted).decode
_decode_problem = msgspec.json.Decoder(_Problem).decode
_decode_each = msgspec.json.Decoder(list[_Each]).decode


class Sender:
    """Sends requests of one process; single orders to `/`, several at once to `/orders`."""

    def __init__(
        self, pool: ConnectionPool, tally: Tally, stopping: asyncio.Event, *, bulk: bool, retry_seconds_max: float
    ) -> None:
        """Prepare; once `stopping` is set, nothing is tried again."""
        self._pool = pool
        self._tally = tally
        self._stopping = stopping
        self._retry_seconds_max = retry_seconds_max
        self._bulk = bulk
        self._away_since: float | None = None
        path, media = ("/orders", "application/x-ndjson") if bulk else ("/", "application/json")
        self._head = pool.endpoint.request("POST", path, {"Content-Type": media})

    async def send(self, drafts: Sequence[Draft], due: float) -> None:
        """Send the orders of one request, due at this moment (monotonic seconds), until each has its fate."""
        began = time.monotonic()
        pause = _BACKOFF_SECONDS
        self._tally.counts.sent += len(drafts)
        while True:
            sent = time.monotonic()
            outcomes, pause_asked = await self._try(drafts)
            now = time.monotonic()
            final = self._stopping.is_set() or now - began >= self._retry_seconds_max
            drafts = [
                draft
                for draft, outcome in zip(drafts, outcomes, strict=True)
                if not self._record(draft, outcome, (due, sent, now), final=final)
            ]
            if not drafts:
                return
            self._tally.counts.retries += len(drafts)
            await wait_for(self._stopping, pause_asked or pause)
            pause = min(pause * 2, _RETRY_AFTER_SECONDS_MAX)

    @property
    def api_is_away(self) -> bool:
        """Whether no connection could be made for as long as an order is tried."""
        return self._away_since is not None and time.monotonic() - self._away_since >= self._retry_seconds_max

    async def _try(self, drafts: Sequence[Draft]) -> tuple[Sequence[Outcome], float]:
        """Return what became of each order, and how long the API wants to be left alone (0 = did not say)."""
        try:
            answer = await self._pool.exchange(self._encode(drafts))
        except NotSentError as error:
            self._away_since = self._away_since or time.monotonic()
            self._tally.counts.faults["not sent"] = str(error)
            return [Outcome(Fate.NOT_TAKEN)] * len(drafts), 0
        except NoAnswerError as error:
            self._tally.counts.faults["no answer"] = str(error)
            return [Outcome(Fate.UNKNOWN)] * len(drafts), 0
        self._away_since = None
        if answer.status >= 400 and any(draft.kind is not Kind.BAD for draft in drafts):
            self._tally.counts.faults[f"status {answer.status}"] = answer.body[:500].decode(errors="replace")
        return read_outcomes(answer, len(drafts), bulk=self._bulk), _seconds(answer.retry_after)

    def _encode(self, drafts: Sequence[Draft]) -> bytes:
        if self._bulk:
            body = b"\n".join([draft.line for draft in drafts])
            return b"%bContent-Length: %d\r\n\r\n%b" % (self._head, len(body), body)
        (draft,) = drafts
        body = draft.body or b""
        key = b"Idempotency-Key: %b\r\n" % draft.key if draft.key else b""
        return b"%b%bContent-Length: %d\r\n\r\n%b" % (self._head, key, len(body), body)

    def _record(self, draft: Draft, outcome: Outcome, times: tuple[float, float, float], *, final: bool) -> bool:
        """Count what is decided about an order, and return False if it is to be tried again."""
        counts = self._tally.counts
        match outcome.fate:
            case Fate.ACCEPTED:
                self._tally.accept(outcome.value, draft.kind, *times)
            case Fate.REJECTED:
                self._tally.reject(draft.kind, outcome.value)
            case Fate.NOT_TAKEN if final:
                counts.gave_up += 1
            case Fate.UNKNOWN if final or not draft.key:
                counts.outcome_unknown += 1
            case _:
                return False
        return True


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    """Return when the event is set, or else after so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


def read_outcomes(answer: Answer, orders: int, *, bulk: bool) -> Sequence[Outcome]:
    """Return what an answer says of each order of its request."""
    whole = _read_whole(answer)
    if whole is not None:
        return [whole] * orders
    try:
        if not bulk:
            return [Outcome(Fate.ACCEPTED, _decode_accepted(answer.body).id)]
        outcomes = [_read_each(each) for each in _decode_each(answer.body)]
    except msgspec.DecodeError:
        outcomes = []
    return outcomes if len(outcomes) == orders else [Outcome(Fate.UNKNOWN)] * orders


def _read_whole(answer: Answer) -> Outcome | None:
    """Return what the status alone says of all orders of a request, or None where the body tells."""
    if answer.status in (202, 207):
        return None
    if answer.status == 503 and answer.retry_after is not None:
        return Outcome(Fate.UNKNOWN if _problem_type(answer.body) == _UNKNOWN_TYPE else Fate.NOT_TAKEN)
    if answer.status in _NOTHING_TAKEN:
        return Outcome(Fate.NOT_TAKEN)
    if 400 <= answer.status < 500:
        return Outcome(Fate.REJECTED, answer.status)
    return Outcome(Fate.UNKNOWN)


def _read_each(each: _Each) -> Outcome:
    if each.status == 202 and each.id >= 0:
        return Outcome(Fate.ACCEPTED, each.id)
    return Outcome(Fate.REJECTED, each.status) if 400 <= each.status < 500 else Outcome(Fate.UNKNOWN)


def _problem_type(body: bytes) -> str:
    try:
        return _decode_problem(body).type
    except msgspec.DecodeError:
        return ""


def _seconds(retry_after: str | None) -> float:
    """Return the seconds that Retry-After names; a date, which we never send, counts as one second."""
    if retry_after is None:
        return 0
    seconds = float(retry_after) if retry_after.isdecimal() else 1.0
    return min(seconds, _RETRY_AFTER_SECONDS_MAX)
