"""What the supervisor, the readiness check and the status table need to know about one server."""

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
        address: `host:port` where it answers, or what stands for one.
        command: argument list; it never holds a secret.
        probe: asks the server a real question; raises NotReadyError.
        environment: added to the supervisor's own.
        final_exit_codes: after these it is not restarted.
        stop_seconds: after a TERM it is killed this much later.
    """

    name: str
    address: str
    command: tuple[str, ...]
    probe: Callable[[], None]
    environment: Mapping[str, str] = field(default_factory=dict)
    final_exit_codes: tuple[int, ...] = (0,)
    stop_seconds: int = 20
