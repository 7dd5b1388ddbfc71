"""The catalogue in memory: flat arrays, which the decision takes from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Stock:
    """What is for sale, as parallel arrays sorted by id. `decide` takes from `inventory` in place."""

    ids: Ints
    prices: Ints  # minor units of the commodity's currency
    currencies: Bytes
    inventory: Ints
