"""What was last wanted of the settlement job, kept with the data: `up`, `launch` and `suspend` go by it."""

from pathlib import Path
from typing import Final

import msgspec

from local.home import Home, write_private
from settlement.settings import Settings

_FILE: Final = "settlement.json"


class WantedSettlement(msgspec.Struct, frozen=True):
    """How the job shall run.

    Attributes:
        batch_orders_max: largest micro-batch.
        rates_age_seconds_max: older rates hold settlement.
        suspended: whether it shall not run until the next launch.
    """

    batch_orders_max: int
    rates_age_seconds_max: float
    suspended: bool = False

    @classmethod
    def usual(cls) -> "WantedSettlement":
        """Return what the environment asks for, or the defaults."""
        settings = Settings()
        return cls(settings.batch_orders_max, settings.rates_age_seconds_max)

    @property
    def environment(self) -> dict[str, str]:
        """The settings as the job reads them."""
        return {
            "KIWI_BATCH_ORDERS_MAX": str(self.batch_orders_max),
            "KIWI_RATES_AGE_SECONDS_MAX": f"{self.rates_age_seconds_max:g}",
        }

    def __str__(self) -> str:
        return (
            f"batches of at most {self.batch_orders_max:,} orders, rates of at most {self.rates_age_seconds_max:,g} s"
        )


def read_wanted(home: Home) -> WantedSettlement | None:
    """Return what was wanted last, or None if the job has never been launched."""
    try:
        return msgspec.json.decode(_path(home).read_bytes(), type=WantedSettlement)
    except FileNotFoundError:
        return None


def write_wanted(home: Home, wanted: WantedSettlement) -> None:
    """Keep what is wanted."""
    write_private(_path(home), msgspec.json.encode(wanted).decode())


def _path(home: Home) -> Path:
    return home.data / _FILE
