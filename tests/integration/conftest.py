"""What the tests with real servers share."""

import pytest
from kazoo.client import KazooClient
from sqlalchemy import Engine

from settlement.settings import Settings
from tests.integration.settling import Bench, new_bench, open_shop


@pytest.fixture
def bench(engine: Engine, zookeeper: KazooClient, app_settings: Settings) -> Bench:
    """The original's shop, open, with a settler fed by hand."""
    open_shop(engine, zookeeper)
    return new_bench(engine, zookeeper, app_settings)
