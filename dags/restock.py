"""# Add stock while settlement runs

Adds units to commodities of the catalogue: to all of those named, or to none if one of them would leave its limits.
The change is recorded; a batch that was decided before it is decided again, so nothing is oversold and nothing is
lost.

| Param | |
|---|---|
| `units` | to add to each; a negative number takes unsold units away |
| `commodities` | ids, as a list |
| `all_commodities` | every commodity of the catalogue, instead of naming them |

**Example:** `{"units": 200, "commodities": [1, 3]}`

**When it is red**, nothing was changed, and the log names the commodity. It is not tried again by itself, because a
second run adds a second time: if the worker was lost in between, look at the table `catalogue_change` before you
trigger it again.
"""

from airflow.sdk import Param, dag

from plugins.command import command
from plugins.defaults import DAG_DEFAULTS

_UNITS_MAX = 10**12
_PARAMS = {
    "units": Param(
        100, type="integer", minimum=-_UNITS_MAX, maximum=_UNITS_MAX, description="To add to each; negative takes away."
    ),
    "commodities": Param(
        [],
        type="array",
        items={"type": "integer", "minimum": 1},
        description="Ids of the commodities, as a list: [1, 3].",
    ),
    "all_commodities": Param(False, type="boolean", description="Every commodity, instead of naming them."),
}


@dag(doc_md=__doc__, tags=["catalogue", "on demand"], params=_PARAMS, **DAG_DEFAULTS)
def restock() -> None:
    """Change the stock in one transaction."""
    command(
        "restock",
        "settlement",
        "restock",
        "--units={{ params.units }}",
        "{{ '--commodities=' ~ (params.commodities | join(',')) if params.commodities else '' }}",
        "{{ '--all' if params.all_commodities else '' }}",
        role="catalogue",
        retries=0,  # a second run would add a second time
    )


restock()
