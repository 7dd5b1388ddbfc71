"""The topics of the system: created once, then verified, because settlement stands on their properties."""

from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import TopicAlreadyExistsError

from settlement.orderid import PARTITIONS_MAX
from settlement.settings import Settings

_CONFIG: Final = {
    # Settlement orders a batch by the broker's clock, and a gap in the offsets halts it: no expiry, no compaction.
    "message.timestamp.type": "LogAppendTime",
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
}
_REQUEST_MS: Final = 10_000


class TopicUnfitError(Exception):
    """The topic is not there or not set as settlement needs it; the message names the remedy."""


@dataclass(frozen=True)
class TopicInfo:
    """A topic as its cluster knows it; `topic_id` changes when it is recreated (KIP-516)."""

    topic_id: str
    partitions: int


def ensure_topics(settings: Settings) -> TopicInfo:
    """Create the orders' topic and the dead letters' where they lack, and verify the orders' one.

    Raises:
        TopicUnfitError: the topic is there with other properties.
        kafka.errors.KafkaError: the cluster is away or refused.
    """
    admin = _connect(settings)
    try:
        for name, partitions in ((settings.topic, settings.topic_partitions), (settings.dead_letter_topic, 1)):
            new = NewTopic(name, partitions, settings.topic_replication, topic_configs=_CONFIG)
            try:
                admin.create_topics([new])
            except TopicAlreadyExistsError:
                continue
        return _verify(admin, settings.topic)
    finally:
        admin.close()


def describe_topic(settings: Settings) -> TopicInfo:
    """Return the orders' topic, verified.

    Raises:
        TopicUnfitError: it is not there or not set as settlement needs it.
        kafka.errors.KafkaError: the cluster is away.
    """
    admin = _connect(settings)
    try:
        return _verify(admin, settings.topic)
    finally:
        admin.close()


def _connect(settings: Settings) -> Any:
    return KafkaAdminClient(
        bootstrap_servers=settings.kafka_bootstrap.split(","),
        bootstrap_timeout_ms=_REQUEST_MS,
        request_timeout_ms=_REQUEST_MS,
    )


def _verify(admin: Any, name: str) -> TopicInfo:
    found = admin.describe_topics([name])[0]
    if found["error_code"] != 0:
        raise TopicUnfitError(f"topic {name} is not there; create it with `python -m settlement topic`")
    partitions = len(found["partitions"])
    if partitions > PARTITIONS_MAX:
        raise TopicUnfitError(f"topic {name} has {partitions} partitions; an order's id has room for {PARTITIONS_MAX}")
    config = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])["topic"][name]
    for key in ("message.timestamp.type", "cleanup.policy"):
        if config[key]["value"] != _CONFIG[key]:
            raise TopicUnfitError(f"topic {name} has {key}={config[key]['value']}; settlement needs {_CONFIG[key]}")
    return TopicInfo(str(found["topic_id"]), partitions)
