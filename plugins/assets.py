"""What DAGs produce and others may wait for."""

from typing import Final

from airflow.sdk import Asset

FX_RATES: Final = Asset("fx_rates", group="kiwi")
"""The four rates in ZooKeeper; each event's `extra` has the snapshot: rates, zxid, age, source."""
