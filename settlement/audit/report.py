"""What an audit found: every difference counted, the first ones kept."""

from dataclasses import asdict, dataclass, field
from typing import Final

import msgspec

KEPT_MAX: Final = 100
"""Differences kept with their details; those beyond it are only counted."""

_SHOWN_CHARACTERS_MAX: Final = 200


@dataclass(frozen=True)
class Difference:
    """One disagreement: what (`result.paid`), where (`order 4097, ..`), and both values as text."""

    what: str
    where: str
    expected: str
    found: str


@dataclass(frozen=True)
class AuditReport:
    """The outcome of one audit.

    Attributes:
        differences: the first `KEPT_MAX`, in the order of settlement.
        difference_count: all of them.
        counts: what was read and recomputed, by name.
        notes: what could not be compared, and why; empty when everything was.
        seconds: how long the audit took.
    """

    differences: tuple[Difference, ...]
    difference_count: int
    counts: dict[str, int]
    notes: tuple[str, ...]
    seconds: float

    @property
    def verdict(self) -> str:
        """The last line of every audit: `audit: 0 differences` when the ledger is right."""
        return f"audit: {self.difference_count} differences"

    def to_json(self) -> bytes:
        """Return the report as one indented JSON object."""
        return msgspec.json.format(msgspec.json.encode(asdict(self) | {"verdict": self.verdict}), indent=2)


@dataclass
class Findings:
    """Collects differences while an audit runs, in bounded memory."""

    kept: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, what: str, where: str, expected: object, found: object) -> None:
        """Record a difference."""
        self.count += 1
        if len(self.kept) < KEPT_MAX:
            self.kept.append(Difference(what, where, _text(expected), _text(found)))

    def compare(self, what: str, where: str, expected: object, found: object) -> None:
        """Record a difference unless both values are equal."""
        if expected != found:
            self.add(what, where, expected, found)

    def note(self, text: str) -> None:
        """Record something that could not be compared and is no difference by itself."""
        self.notes.append(text)


def _text(value: object) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN_CHARACTERS_MAX else f"{text[:_SHOWN_CHARACTERS_MAX]}.."
