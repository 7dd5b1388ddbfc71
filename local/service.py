"""What the supervisor needs to know about a process, and what others need to reach it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

SERVERS: Final = ("zookeeper", "kafka", "database")  # what the application's own processes stand on


class NotReadyError(Exception):
    """A server does not serve yet, or no more; the message says how it shows."""


@dataclass(frozen=True)
class Service:
    """A process of the stack.

    Attributes:
        name: also the name of its log file.
        command: argument list; it never holds a secret.
        environment: added to the supervisor's own.
        final_exit_codes: after these it is not restarted.
        stop_seconds: after a TERM it is killed this much later.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    final_exit_codes: tuple[int, ...] = (0,)
    stop_seconds: int = 20


@dataclass(frozen=True)
class Endpoint:
    """Where a service serves, whoever started it.

    Attributes:
        name: the service's.
        address: `host:port`, or what stands for one.
        probe: asks a real question of its protocol; raises NotReadyError.
    """

    name: str
    address: str
    probe: Callable[[], None]
