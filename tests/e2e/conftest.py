"""The whole stack in a home of its own, started as `make up` starts it."""

import os
from collections.abc import Iterator
from typing import Final

import pytest

from local.stack import Stack
from local.up import bring_up
from tests.homes import free_home

_PORT_BASE: Final = 25000


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """A running stack with the sample commodities."""
    with free_home("e2e", _PORT_BASE) as free:
        start(free)
        yield free


def start(stack: Stack) -> None:
    """Bring it up as long as this run lasts."""
    bring_up(stack, lambda _step, _seconds: None, owner=os.getpid())
