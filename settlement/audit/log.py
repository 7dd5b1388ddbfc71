"""Kafka's log as the audit reads it: ranges of messages, decoded beside the main process when there are many."""

import gc
import marshal
import os
import threading
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from hashlib import blake2b
from multiprocessing import get_context
from typing import Any, Final, NamedTuple, Self, TypeAlias

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from settlement.order import Line, OrderInvalidError, OrderMalformedError, parse_order
from settlement.settings import Settings

Bought: TypeAlias = tuple[tuple[int, int], ...]
"""What an order buys: (commodity, number) once per commodity, ascending."""

Message: TypeAlias = tuple[int, int, int, int | None, str, Bought, bytes | None, bytes]
"""Timestamp (ms), partition, offset; user, initiator, what it buys, hashes of its key and of its content.

The first three sort it into the order of settlement. A malformed message has no user. It is a plain tuple because
those pass between processes four times faster than objects.
"""

_PROCESSES_FROM_MESSAGES: Final = 100_000  # below, starting processes costs more than it saves
_PROCESSES_MAX: Final = 3  # as many as one replaying process can keep up with
_POLL_RECORDS_MAX: Final = 5_000
_POLL_MS: Final = 1_000
_SILENCE_SECONDS_MAX: Final = 30
_FETCH_BYTES_MAX: Final = 2 * 1024 * 1024
_HASH_BYTES: Final = 16
_KILLED: Final = "a process that was reading it was killed, perhaps for want of memory"


class LogRange(NamedTuple):
    """The messages of one partition from `start` up to, not including, `end`."""

    partition: int
    start: int
    end: int


class LogUnreadableError(Exception):
    """Messages that the ledger settled cannot be read any more; the text says which and why."""


class LogReader:
    """Reads ranges of the topic ahead of their use; each partition is always read by the same worker."""

    def __init__(self, settings: Settings, message_count: int) -> None:
        arguments = (settings.kafka_bootstrap, settings.topic)
        self._workers: list[Executor]
        if message_count < _PROCESSES_FROM_MESSAGES:
            self._workers = [ThreadPoolExecutor(1, initializer=_start_worker, initargs=arguments)]
        else:
            spawn = get_context("spawn")  # a fork would copy the locks of running threads
            self._workers = [
                ProcessPoolExecutor(1, spawn, initializer=_start_process, initargs=arguments)
                for _ in range(min(os.cpu_count() or 1, _PROCESSES_MAX))
            ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            with suppress(BrokenExecutor):
                worker.submit(_stop_worker)
            worker.shutdown()

    def request(self, part: LogRange) -> Future[bytes]:
        """Start reading a range; its messages come from `receive`.

        Raises:
            LogUnreadableError: the process that reads this partition was killed.
        """
        try:
            return self._workers[part.partition % len(self._workers)].submit(_read, part)
        except BrokenExecutor as error:
            raise LogUnreadableError(_KILLED) from error


def receive(reading: Future[bytes]) -> list[Message]:
    """Return the messages of a range, one for each offset, in their order.

    Raises:
        LogUnreadableError: retention has removed some, the log ends early or has a hole, the broker is away, or the
            process that was reading was killed.
    """
    try:
        encoded = reading.result()
    except BrokenExecutor as error:
        raise LogUnreadableError(_KILLED) from error
    messages: list[Message] = marshal.loads(encoded)  # noqa: S302 - written by our own process
    return messages


_worker = threading.local()


def _start_process(bootstrap: str, topic: str) -> None:
    collect_rarely()
    _start_worker(bootstrap, topic)


def collect_rarely() -> None:
    """Have Python look for cyclic garbage rarely: tens of thousands of live tuples make each look expensive."""
    gc.set_threshold(100_000, 50, 100)


def _start_worker(bootstrap: str, topic: str) -> None:
    _worker.bootstrap = bootstrap
    _worker.topic = topic
    _worker.consumers = {}


def _stop_worker() -> None:
    for consumer in _worker.consumers.values():
        consumer.close()


def _consumer(partition: int) -> KafkaConsumer:
    if partition not in _worker.consumers:
        consumer = KafkaConsumer(
            bootstrap_servers=_worker.bootstrap.split(","),
            group_id=None,
            auto_offset_reset="none",
            fetch_max_bytes=_FETCH_BYTES_MAX,
            max_partition_fetch_bytes=_FETCH_BYTES_MAX,
        )
        consumer.assign([TopicPartition(_worker.topic, partition)])
        _worker.consumers[partition] = consumer
    return _worker.consumers[partition]


def _read(part: LogRange) -> bytes:
    consumer = _consumer(part.partition)
    place = TopicPartition(_worker.topic, part.partition)
    consumer.seek(place, part.start)
    messages: list[Message] = []
    offset = part.start
    silent_ms = 0
    while offset < part.end:
        records = _poll(consumer, part, min(part.end - offset, _POLL_RECORDS_MAX))
        silent_ms = 0 if records else silent_ms + _POLL_MS
        if silent_ms > _SILENCE_SECONDS_MAX * 1000:
            raise LogUnreadableError(f"partition {part.partition} gave nothing from offset {offset} on")
        for record in records:
            if record.offset != offset:
                raise LogUnreadableError(
                    f"partition {part.partition} has no message at offset {offset}, the next is {record.offset}"
                )
            messages.append(decode_message(record.timestamp, part.partition, offset, record.value))
            offset += 1
    return marshal.dumps(messages)


def _poll(consumer: KafkaConsumer, part: LogRange, records_max: int) -> list[Any]:
    try:
        polled = consumer.poll(timeout_ms=_POLL_MS, max_records=records_max)
    except KafkaError as error:
        raise LogUnreadableError(f"partition {part.partition} from offset {part.start} on: {error!r}") from error
    return next(iter(polled.values()), [])


def decode_message(timestamp_ms: int, partition: int, offset: int, value: bytes | None) -> Message:
    """Return what one message asks for, or a message without a user when it is no valid order."""
    try:
        order = parse_order(value or b"")
    except (OrderMalformedError, OrderInvalidError):
        return (timestamp_ms, partition, offset, None, "", (), None, b"")
    bought = aggregate(order.items)
    if order.idempotency_key is None:
        return (timestamp_ms, partition, offset, order.user_id, order.initiator, bought, None, b"")
    key = _hash(f"{order.user_id}:{order.idempotency_key}")
    content = _hash(f"{order.user_id}|{order.initiator}|{','.join(f'{id_}x{number}' for id_, number in bought)}")
    return (timestamp_ms, partition, offset, order.user_id, order.initiator, bought, key, content)


def aggregate(lines: tuple[Line, ...]) -> Bought:
    """Return the lines with those of one commodity counted together, by ascending commodity."""
    if len(lines) == 1:
        return ((lines[0].id, lines[0].number),)
    numbers: dict[int, int] = {}
    for line in lines:
        numbers[line.id] = numbers.get(line.id, 0) + line.number
    return tuple(sorted(numbers.items()))


def _hash(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=_HASH_BYTES).digest()
