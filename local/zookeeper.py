"""ZooKeeper, started from the jars inside PySpark."""

import socket
from typing import Final

from local.home import PROJECT, Home
from local.jars import SPARK_HOME
from local.java import Java
from local.service import Endpoint, NotReadyError, Service

_PROBE_SECONDS: Final = 2
# Of the 300 jars inside PySpark only these: it starts in half the time and takes a third less memory.
_JARS: Final = (
    "zookeeper-*.jar",
    "slf4j-api-*.jar",
    "log4j-api-*.jar",
    "log4j-core-*.jar",
    "log4j-slf4j2-impl-*.jar",
    "metrics-core-*.jar",
    "netty-*.jar",
    "snappy-java-*.jar",
    "commons-io-*.jar",
    "commons-cli-*.jar",
)
# Ticks of half a second admit sessions of 1 to 60 seconds, so that a dead holder's lock is free soon.
_CONFIGURATION: Final = """\
dataDir={data}
clientPort={port}
clientPortAddress=127.0.0.1
tickTime=500
minSessionTimeout=1000
maxSessionTimeout=60000
maxClientCnxns=500
snapCount=20000
preAllocSize=4096
autopurge.snapRetainCount=3
autopurge.purgeInterval=1
admin.enableServer=false
4lw.commands.whitelist=srvr
"""


def zookeeper_service(home: Home, java: Java) -> Service:
    """Write the configuration and return the service."""
    data = home.data / "zookeeper"
    data.mkdir(exist_ok=True)
    configuration = home.run / "zoo.cfg"
    configuration.write_text(_CONFIGURATION.format(data=data, port=home.port("zookeeper")))
    command = [java.executable, "-Xmx128m", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-XX:TieredStopAtLevel=1"]
    command += [f"-Dlog4j2.configurationFile={PROJECT / 'local' / 'log4j2.properties'}"]
    command += ["-cp", ":".join(str(jar) for pattern in _JARS for jar in sorted((SPARK_HOME / "jars").glob(pattern)))]
    command += ["org.apache.zookeeper.server.quorum.QuorumPeerMain", str(configuration)]
    return Service("zookeeper", tuple(command))


def zookeeper_endpoint(home: Home) -> Endpoint:
    """Return where it serves."""
    return Endpoint("zookeeper", home.address("zookeeper"), lambda: _probe(home.port("zookeeper")))


def _probe(port: int) -> None:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_PROBE_SECONDS) as connection:
            connection.sendall(b"srvr")
            answer = connection.recv(4096)
    except OSError as error:
        raise NotReadyError(f"no answer: {error}") from error
    if not answer.startswith(b"Zookeeper version"):
        raise NotReadyError(f"answers {answer[:80].decode(errors='replace').strip()!r}")
