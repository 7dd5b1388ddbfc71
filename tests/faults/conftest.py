"""A whole stack for the drills, started once, with enough to sell for a while."""

from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pytest

from local.home import LocalSettings
from local.stack import Stack
from settlement.catalogue import seed_commodities
from settlement.commodity_lists import generate
from settlement.database import create_database_engine
from tests.faults.drill import Drill, Load

_PORT_BASE = 24000


@pytest.fixture(scope="session")
def drill() -> Iterator[Drill]:
    """A running stack of its own."""
    local = LocalSettings(home=Path(".kiwi/faults"), port_base=_PORT_BASE)
    stack = Stack(local)
    stack.clean()
    try:
        stack.up(lambda _step, _seconds: None)
        connections = stack.connections()
        catalogue = create_database_engine(connections.settings("catalogue").database_url.get_secret_value())
        seed_commodities(catalogue, generate(100, inventory=50_000, seed=7))
        catalogue.dispose()
        settings = connections.settings("read")
        engine = create_database_engine(settings.database_url.get_secret_value())
        yield Drill(stack, local, settings, engine)
        engine.dispose()
    finally:
        stack.clean()


@pytest.fixture
def load(drill: Drill, request: pytest.FixtureRequest) -> Iterator[Load]:
    """Orders under way while the faults happen."""
    running = Load(drill.settings.api_url, seed=crc32(request.node.name.encode()))
    yield running
    running.stop()
