"""A stack that settles without the help of DAGs: the rates are written once, and the job is launched directly."""

import os
from typing import Final

from local.connections import Connections
from local.launch import launch
from local.stack import Stack
from local.up import bring_up
from settlement.rate_refresh import refresh_rates
from settlement.rate_sources import rate_source
from settlement.zookeeper import connect_zookeeper

_RATES_AGE_SECONDS_MAX: Final = 1_000_000  # nobody refreshes them


def bring_up_settling(stack: Stack) -> None:
    """Start it as long as this run lasts, or what of it is not running."""
    bring_up(stack, lambda _step, _seconds: None, owner=os.getpid())
    write_rates(stack)
    launch(stack, rates_age_seconds_max=_RATES_AGE_SECONDS_MAX)


def write_rates(stack: Stack) -> None:
    """Write the four rates of the settings' source."""
    settings = Connections.of(stack.home, stack.settings).settings("read")
    client = connect_zookeeper(settings.zookeeper_hosts)
    try:
        refresh_rates(client, rate_source(settings), settings.rates_source)
    finally:
        client.stop()
        client.close()
