"""Each server dies once under load; it comes back, and so does settlement, by themselves."""

import os
import signal

import pytest

from tests.faults.drill import Drill, Load, await_condition


@pytest.mark.parametrize("service", ["kafka", "zookeeper", "database", "api"])
def test_a_killed_server_loses_nothing(drill: Drill, load: Load, service: str) -> None:
    """SIGKILL of the whole service; what was accepted before, during and after is settled once."""
    if service not in drill.stack.supervisor.states():
        pytest.skip("the database is not ours to kill")
    drill.await_next_commit()
    victims = drill.pids(service)
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    await_condition("the killed server is gone", lambda: drill.stack.supervisor.state(service).pid not in victims)
    accepted_before = len(load.accepted)
    recovered_seconds = await_condition("orders are accepted", lambda: len(load.accepted) > accepted_before)
    recovered_seconds += drill.await_next_commit()
    load.stop()
    report = drill.recount(load.accepted)
    print(
        f"{service}: settling again after {recovered_seconds:.1f} s, {load.resent} orders sent again, {report.counts}"
    )
