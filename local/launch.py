"""Launches the settlement job, tells how it stood before, and waits until it works."""

import time
from typing import Final

import msgspec

from local.alone import alone
from local.connections import Connections
from local.home import SetupError
from local.job import SETTLEMENT, check_settling, job_service
from local.progress import Progress
from local.readiness import await_ready
from local.service import Endpoint, NotReadyError
from local.stack import Stack
from local.supervise import ProcessState
from local.wanted import WantedSettlement, read_wanted, write_wanted
from settlement.zookeeper import STATUS_PATH

NOT_LAUNCHED: Final = "not launched: trigger launch_settlement"
SUSPENDED: Final = "suspended: trigger launch_settlement"
_REMEDY: Final = (
    "What to do: if it holds for want of rates, run the DAG refresh_fx (`python -m settlement rates refresh`); "
    "otherwise remove what the log names, then launch again."
)


def launch(stack: Stack, batch_orders_max: int | None = None, rates_age_seconds_max: float | None = None) -> str:
    """Have the job run as wanted, wait until it settles, and return what that took, in words.

    Args:
        stack: a running one.
        batch_orders_max: None = as at the last launch, or as the environment has it.
        rates_age_seconds_max: the same.

    Raises:
        SetupError: it does not come to settle; the message names the log and the remedy.
    """
    with alone(stack.home):
        states = stack.supervisor.states()
        if not states:
            raise SetupError("the stack is not running; start it with `make up`")
        connections = Connections.of(stack.home, stack.settings)
        before = read_wanted(stack.home)
        wanted = _wanted(before or WantedSettlement.usual(), batch_orders_max, rates_age_seconds_max)
        write_wanted(stack.home, wanted)
        first_batch = _committed_batch(connections)
        changed = stack.supervisor.replace(job_service(connections, wanted))
        outcome = _outcome(before, wanted, states.get(SETTLEMENT), changed=changed)
        since_ms = 0 if outcome.startswith("running") else time.time_ns() // 1_000_000
        stack.supervisor.start(SETTLEMENT)
        _await_commits(stack, connections, first_batch, since_ms)
        return outcome


def suspend(stack: Stack) -> str:
    """Stop the job until the next launch; return what that took, in words."""
    with alone(stack.home):
        wanted = read_wanted(stack.home)
        if wanted is None:
            return NOT_LAUNCHED
        write_wanted(stack.home, msgspec.structs.replace(wanted, suspended=True))
        if SETTLEMENT in stack.supervisor.states():
            stack.supervisor.stop([SETTLEMENT])
        return "suspended; accepted orders wait in Kafka until the next launch"


def _wanted(
    usual: WantedSettlement, batch_orders_max: int | None, rates_age_seconds_max: float | None
) -> WantedSettlement:
    return WantedSettlement(
        usual.batch_orders_max if batch_orders_max is None else batch_orders_max,
        usual.rates_age_seconds_max if rates_age_seconds_max is None else rates_age_seconds_max,
    )


def _committed_batch(connections: Connections) -> int:
    try:
        return Progress.of(connections).batch
    except NotReadyError as error:
        raise SetupError(
            f"the job cannot be launched yet: {error}. `make status` names the server; launch again"
        ) from error


def _outcome(
    before: WantedSettlement | None, wanted: WantedSettlement, state: ProcessState | None, *, changed: bool
) -> str:
    if before is None:
        return f"started: {wanted}"
    if state is None or state.state == "STOPPED":
        return f"resumed: {wanted}"
    if state.given_up:
        return f"started again after it had ended with exit code {state.exit_code}: {wanted}"
    if changed:
        return f"settings changed, restarted: {wanted}"
    return f"running as wanted: {wanted}"


def _await_commits(stack: Stack, connections: Connections, first_batch: int, since_ms: int) -> None:
    """Wait for a heartbeat that says `settling` and, while orders wait, for a committed batch."""

    def probe() -> None:
        check_settling(connections, since_ms)
        progress = Progress.of(connections)
        if progress.waiting and progress.batch == first_batch:
            raise NotReadyError(f"{progress.waiting:,} orders wait, and no batch has been committed since the launch")

    try:
        endpoint = Endpoint(SETTLEMENT, STATUS_PATH, probe)
        await_ready(stack.home, stack.supervisor, [endpoint], stack.settings.up_seconds_max)
    except SetupError as error:
        raise SetupError(f"failing: {error}\n{_REMEDY}") from error
