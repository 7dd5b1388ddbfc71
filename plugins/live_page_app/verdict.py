"""What settlement is doing, in words that an operator can act upon."""

from typing import Final

from plugins.live_page_app.snapshot import Verdict
from settlement.status import Status

HEARTBEAT_AGE_SECONDS_MAX: Final = 10


def judge(status: Status | None, lag: int | None, now_ms: int) -> Verdict:
    """Return the verdict on a driver's last heartbeat, or on its absence."""
    if status is None:
        return Verdict("absent", "Not started", "No batch yet: trigger launch_settlement.")
    if status.state == "halted":
        return Verdict("halted", "Halted", f"{_sentence(status.detail)} It is not restarted by itself.")
    if (now_ms - status.at_ms) / 1000 > HEARTBEAT_AGE_SECONDS_MAX:
        words = "The driver's heartbeat has stopped. Accepted orders are safe in Kafka; see launch_settlement."
        return Verdict("silent", "Silent", words)
    if status.state == "holding":
        return Verdict("holding", "Holding", f"{_sentence(status.detail)} It goes on by itself.")
    return Verdict("settling", "Settling", _progress(lag))


def unknown(reason: str) -> Verdict:
    """Return the verdict while ZooKeeper does not tell."""
    words = f"ZooKeeper is away ({reason}). Settlement goes on when it is back; accepted orders are safe in Kafka."
    return Verdict("unknown", "Unknown", words)


def _progress(lag: int | None) -> str:
    if lag is None:
        return "The driver is alive."
    if lag == 0:
        return "Every accepted order is settled."
    return f"{lag:,} accepted {'order waits' if lag == 1 else 'orders wait'} for the next batch."


def _sentence(detail: str) -> str:
    text = detail.strip() or "no reason was given"
    return f"{text[0].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
