"""What differs between one machine and a cluster, besides how a command is run."""

from settlement.settings import Settings


def on_kubernetes() -> bool:
    """Return whether tasks are pods."""
    return Settings().runtime == "kubernetes"


def launcher() -> tuple[str, ...]:
    """Return the module that launches the settlement job."""
    return ("jobs.launch",) if on_kubernetes() else ("local", "launch")
