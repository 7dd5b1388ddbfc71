"""The generator as it is run: its processes, its signals, its exit codes, against an HTTP server of the test."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import psutil

from tests.integration.http_server import LoopbackServer, Peer, Request, serving, until
from tests.integration.test_generator_http import run

PROJECT: Final = Path(__file__).parents[2]
ENDLESS: Final = ("--orders", "1000000", "--rate", "200", "--commodities", "10", "--no-wait", "--json")


class Ended(NamedTuple):
    """How the generator ended."""

    code: int
    report: dict[str, Any]
    messages: str


async def accept(peer: Peer, request: Request) -> None:
    """Answer as the API does, with an id that no other order has."""
    first = 1_000_000 * len(peer.requests)
    ids = [first + index for index, _ in enumerate(request.body.splitlines())]
    if request.line.startswith("POST /orders "):
        await peer.answer(202, json.dumps([{"status": 202, "id": each} for each in ids]).encode())
    else:
        await peer.answer(202, json.dumps({"id": first, "status": "accepted"}).encode())


async def generate(
    server: LoopbackServer, *arguments: str, meanwhile: Callable[[int], Awaitable[None]] | None = None
) -> Ended:
    """Run `python -m generator run` against the server, doing something meanwhile with its process id."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "generator", "run", *arguments),
        cwd=PROJECT,
        env=os.environ | {"KIWI_API_URL": server.url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        if meanwhile:
            await meanwhile(process.pid)
        stdout, stderr = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert stdout or process.returncode == -signal.SIGKILL, stderr.decode()
    return Ended(process.returncode or 0, json.loads(stdout or b"{}"), stderr.decode())


def sent_orders(server: LoopbackServer) -> list[bytes]:
    """Return the orders that arrived, without their time."""
    bodies = [request.body for request in server.requests if request.line.startswith("POST")]
    orders = [json.loads(line) for body in bodies for line in body.splitlines()]
    return sorted(json.dumps(order | {"time": 0}).encode() for order in orders)


def test_every_order_is_sent_once_and_the_same_again() -> None:
    """Two processes send as many orders as asked for, singly or in bulk; the seed says which."""

    async def test() -> None:
        arguments = ("--orders", "301", "--rate", "0", "--commodities", "10", "--no-wait", "--json")
        seen = []
        for more in ((), ("--bulk", "50"), ("--seed", "2")):
            async with serving(accept) as server:
                ended = await generate(server, *arguments, *more)
                seen.append(sent_orders(server))
            assert ended.code == 0, ended.messages
            assert ended.report["orders"]["sent"] == ended.report["orders"]["accepted"] == len(seen[-1]) == 301
        assert seen[0] == seen[1]
        assert seen[0] != seen[2]

    run(test())


def test_ctrl_c_ends_the_sending_and_the_report_comes() -> None:
    """The signal reaches the whole group, as a terminal sends it; every order sent is accounted for."""

    async def test() -> None:
        async with serving(accept) as server:

            async def interrupt(pid: int) -> None:
                await until(lambda: len(server.requests) > 30)
                for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
                    process.send_signal(signal.SIGINT)

            ended = await generate(server, *ENDLESS, meanwhile=interrupt)
            assert ended.code == 0, ended.messages
            assert ended.report["run"]["interrupted"]
            assert ended.report["orders"]["accepted"] == ended.report["orders"]["sent"] == len(sent_orders(server))

    run(test())


def test_a_slow_main_process_loses_nothing() -> None:
    """While it is paused the pipes of news fill up; the sending goes on, and afterwards all of it is known."""

    async def test() -> None:
        async with serving(accept) as server:

            async def pause(pid: int) -> None:
                await until(lambda: len(server.requests) > 10)
                psutil.Process(pid).suspend()
                enough = len(server.requests) + 30  # three times what the pipe takes
                await until(lambda: len(server.requests) > enough)
                psutil.Process(pid).resume()
                psutil.Process(pid).send_signal(signal.SIGINT)

            bulk = ("--rate", "0", "--bulk", "500", "--processes", "1", "--concurrency", "4")
            ended = await generate(server, *ENDLESS, *bulk, meanwhile=pause)
            assert ended.code == 0, ended.report["problems"]
            assert ended.report["orders"]["accepted"] == len(sent_orders(server)) > 15_000

    run(test())


def test_sending_processes_end_with_the_main_one() -> None:
    """It is killed, and none of them is left."""

    async def test() -> None:
        async with serving(accept) as server:
            children: list[psutil.Process] = []

            async def kill(pid: int) -> None:
                await until(lambda: len(server.requests) > 30)
                children.extend(psutil.Process(pid).children(recursive=True))
                psutil.Process(pid).kill()

            await generate(server, *ENDLESS, meanwhile=kill)
            assert len(children) >= 2
            await until(lambda: not any(child.is_running() for child in children))

    run(test())


def test_a_lost_process_is_told() -> None:
    """One sending process is killed: the other ends when asked, and the exit code is 1."""

    async def test() -> None:
        async with serving(accept) as server:

            async def kill(pid: int) -> None:
                await until(lambda: len(server.requests) > 30)
                children = psutil.Process(pid).children(recursive=True)
                next(child for child in children if "spawn_main" in " ".join(child.cmdline())).kill()
                psutil.Process(pid).send_signal(signal.SIGTERM)

            ended = await generate(server, *ENDLESS, meanwhile=kill)
            assert ended.code == 1
            assert any("ended without its last news" in problem for problem in ended.report["problems"])

    run(test())


def test_an_api_that_vanishes_ends_the_run() -> None:
    """Nobody is kept waiting for a million orders: after the limit of one order the run ends and says why."""

    async def test() -> None:
        async with serving(accept) as server:

            async def vanish(_: int) -> None:
                await until(lambda: len(server.requests) > 30)
                server.vanish()

            ended = await generate(server, *ENDLESS, "--retry-seconds-max", "0.5", meanwhile=vanish)
        assert ended.code == 1, ended.messages
        assert any("the API was away" in problem for problem in ended.report["problems"])
        assert "not sent" in ended.report["remarks"]

    run(test())


def test_repetitions_reach_the_server_under_their_key() -> None:
    """A fifth of the orders comes again with the same header and the same body."""

    async def test() -> None:
        async with serving(accept) as server:
            shares = ("--repeat-share", "0.2", "--orders", "500", "--rate", "0", "--commodities", "10")
            ended = await generate(server, *shares, "--no-wait", "--json")
        assert ended.code == 0, ended.messages
        keyed = [(r.headers["idempotency-key"], r.body) for r in server.requests if "idempotency-key" in r.headers]
        assert 50 < len(keyed) - len(set(keyed)) < 150
        assert len(set(keyed)) == len({key for key, _ in keyed})

    run(test())
