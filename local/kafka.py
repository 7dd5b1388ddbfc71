"""Kafka 4 on one node, its own KRaft quorum of one."""

import base64
import socket
import subprocess
import uuid
from pathlib import Path
from typing import Final

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from local.home import PROJECT, Home, SetupError
from local.java import Java
from local.service import Endpoint, NotReadyError, Service

_PROBE_MS: Final = 2_000
_FORMAT_SECONDS: Final = 60
# The log is the record that the audit recomputes everything from, so nothing ever expires. The short broker session
# lets a killed broker come back in 6 s instead of 14 s.
_CONFIGURATION: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=BROKER://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=BROKER://127.0.0.1:{port}
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=BROKER
controller.listener.names=CONTROLLER
log.dirs={data}
log.message.timestamp.type=LogAppendTime
log.retention.ms=-1
log.cleaner.dedupe.buffer.size=2097152
auto.create.topics.enable=false
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
num.network.threads=2
num.io.threads=4
"""


def kafka_service(home: Home, java: Java, jars: Path) -> Service:
    """Write the configuration, format the data folder the first time, and return the service.

    Raises:
        SetupError: the data folder cannot be formatted.
    """
    data = home.data / "kafka"
    configuration = home.run / "kafka.properties"
    configuration.write_text(
        _CONFIGURATION.format(port=home.port("kafka"), controller_port=home.port("kafka-controller"), data=data)
    )
    if not (data / "meta.properties").exists():
        _format(java, jars, configuration)
    command = (*_java(java, jars, "-Xms96m", "-Xmx192m"), "kafka.Kafka", str(configuration))
    return Service("kafka", command, stop_seconds=30)


def kafka_endpoint(home: Home) -> Endpoint:
    """Return where it serves."""
    address = home.address("kafka")
    return Endpoint("kafka", address, lambda: _probe(address))


def _java(java: Java, jars: Path, *options: str) -> tuple[str, ...]:
    logs = f"-Dlog4j2.configurationFile={PROJECT / 'local' / 'log4j2.properties'}"
    return (java.executable, *options, "-XX:+UseSerialGC", "-XX:-UsePerfData", logs, "-cp", str(jars / "*"))


def _format(java: Java, jars: Path, configuration: Path) -> None:
    cluster_id = "K" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]  # must not begin with a dash
    tool = (*_java(java, jars, "-XX:TieredStopAtLevel=1"), "kafka.tools.StorageTool")
    command = [*tool, "format", "-t", cluster_id, "-c", str(configuration)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_FORMAT_SECONDS, check=False)
    if done.returncode:
        raise SetupError(f"Kafka's data folder cannot be formatted:\n{(done.stdout + done.stderr)[-800:]}")


def _probe(address: str) -> None:
    """Ask for the brokers: one is listed only when it has registered and may take records."""
    host, port = address.split(":")
    client = None
    try:
        socket.create_connection((host, int(port)), _PROBE_MS / 1000).close()  # its client would try for seconds
        client = KafkaAdminClient(
            bootstrap_servers=address, bootstrap_timeout_ms=_PROBE_MS, request_timeout_ms=_PROBE_MS, client_id="probe"
        )
        if not client.describe_cluster().get("brokers"):
            raise NotReadyError("no broker has registered yet")
    except (KafkaError, OSError) as error:
        raise NotReadyError(f"no answer: {error!r:.120}") from error
    finally:
        if client is not None:
            client.close()
