"""A whole stack for the drills, started once, with enough to sell for a while."""

from collections.abc import Iterator
from zlib import crc32

import pytest

from local.connections import Connections
from settlement.catalogue import seed_commodities
from settlement.commodity_lists import generate
from settlement.database import create_database_engine
from tests.faults.drill import Drill, Load
from tests.homes import free_home
from tests.settling_stack import bring_up_settling

_PORT_BASE = 24000


@pytest.fixture(scope="package")
def drill() -> Iterator[Drill]:
    """A running stack of its own."""
    with free_home("faults", _PORT_BASE) as stack:
        bring_up_settling(stack)
        connections = Connections.of(stack.home, stack.settings)
        catalogue = create_database_engine(connections.settings("catalogue").database_url.get_secret_value())
        seed_commodities(catalogue, generate(100, inventory=50_000, seed=7))
        settings = connections.settings("read")
        engine = create_database_engine(settings.database_url.get_secret_value())
        yield Drill(stack, settings, engine, catalogue)
        engine.dispose()
        catalogue.dispose()


@pytest.fixture
def load(drill: Drill, request: pytest.FixtureRequest) -> Iterator[Load]:
    """Orders under way while the faults happen."""
    running = Load(drill.settings.api_url, seed=crc32(request.node.name.encode()))
    yield running
    running.stop()
