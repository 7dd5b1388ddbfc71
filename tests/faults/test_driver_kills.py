"""The driver dies or sleeps at random moments; every order is settled once, and the recount agrees."""

import os
import random
import signal
import subprocess
from pathlib import Path

from local.home import PROJECT
from local.service import Service
from tests.faults.drill import Drill, Load, await_condition, signal_all

KILLS = int(os.environ.get("KIWI_DRILL_KILLS", "2"))


def test_killed_drivers_settle_everything_once(drill: Drill, load: Load) -> None:
    """SIGKILL of Python or of the JVM, at moments drawn from a seed; KIWI_DRILL_KILLS says how often."""
    draw = random.Random(2019)
    victims = ["python" if kill % 2 else "jvm" for kill in range(KILLS)]
    recoveries = [_kill_driver(drill, load, victim, draw.randrange(2_000)) for victim in victims]
    load.stop()
    report = drill.recount(load.accepted)
    print(f"{KILLS} kills, settling again after s {[round(seconds, 1) for seconds in recoveries]}, {report.counts}")


def _kill_driver(drill: Drill, load: Load, victim: str, after_orders: int) -> float:
    """Kill one of the driver's processes some orders after it settles; return seconds until the next one settles."""
    drill.await_next_commit()
    sent = len(load.accepted) + after_orders
    await_condition("more orders are sent", lambda: len(load.accepted) >= sent)
    jvm, python = drill.driver()
    os.kill(jvm if victim == "jvm" else python, signal.SIGKILL)
    seconds = await_condition("the driver is gone", lambda: drill.stack.supervisor.state("settlement").pid != jvm)
    return seconds + drill.await_next_commit()


def test_a_paused_driver_is_superseded_and_refused(drill: Drill, load: Load) -> None:
    """Another takes over from one that sleeps in mid-transaction; woken up, the first commits nothing and leaves."""
    drill.await_next_commit()
    log = drill.stack.home.logs / "second-driver.log"
    second = _start_driver(drill.settlement_service(), log)
    first: list[int] = []
    try:
        await_condition("the second stands by", lambda: "standing by" in log.read_text())
        token = drill.fencing_token()
        first = drill.pause_driver_in_transaction()
        seconds = await_condition("the second takes over", lambda: drill.fencing_token() > token)
        seconds += drill.await_next_commit()
        signal_all(first, signal.SIGCONT)
        first_log = drill.stack.home.logs / "settlement.log"
        await_condition("the first has left", lambda: drill.stack.supervisor.state("settlement").pid != first[0])
        text = first_log.read_text()
        assert "was superseded by" in text or "the ZooKeeper session that held the lock has ended" in text
        drill.await_next_commit()
        load.stop()
        report = drill.recount(load.accepted)
        print(f"taken over after {seconds:.1f} s, {report.counts}")
    finally:
        signal_all(first, signal.SIGCONT)
        os.killpg(second.pid, signal.SIGTERM)
        assert second.wait(60) == 0, log.read_text()[-2000:]


def _start_driver(service: Service, log: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **service.environment, "PYTHONPATH": str(PROJECT)}
    with log.open("wb") as output:
        return subprocess.Popen(
            service.command, env=environment, cwd=PROJECT, stdout=output, stderr=output, start_new_session=True
        )
