"""The whole stack in a home of its own, started as `make up` starts it, with the settlement job launched."""

from collections.abc import Iterator
from typing import Final

import pytest

from local.stack import Stack
from tests.homes import free_home
from tests.settling_stack import bring_up_settling

_PORT_BASE: Final = 25000


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """A running stack with the sample commodities."""
    with free_home("e2e", _PORT_BASE, airflow=True) as free:
        bring_up_settling(free)
        yield free
