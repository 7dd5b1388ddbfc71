"""What a check found, and how it is told."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: its name.
        seen: what was found.
        remedy: what to do about it; empty when all is well.
    """

    what: str
    seen: str
    remedy: str = ""

    @property
    def good(self) -> bool:
        """Whether there is nothing to do."""
        return not self.remedy

    def __str__(self) -> str:
        return f"ok      {self.what}: {self.seen}" if self.good else f"FAILED  {self.what}: {self.seen}. {self.remedy}"


def require(what: str, seen: object, met: bool, remedy: str) -> Finding:
    """Return a finding that is good when the condition is met."""
    return Finding(what, str(seen), "" if met else remedy)
