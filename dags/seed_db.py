"""# Prepare the ledger, and fill the catalogue

Migrates the schema to its newest step, then adds commodities that the catalogue does not have yet.

**It never rewrites what orders have touched**: a commodity that is there keeps its price, currency and stock,
whatever the Params say; to add stock, trigger `restock`. What is added is recorded as a change of the catalogue, so
that settlement may run meanwhile and the audit can replay it.

**Dry run is the default.** The logs then say which migrations would run and which commodities would be added; nothing
is changed. Look at them, and trigger the DAG again with `dry_run` off.

| Param | |
|---|---|
| `sample` | the original's four commodities |
| `number`, `stock`, `currencies`, `seed` | commodities 1 to `number`, prices and currencies drawn from the seed |
| `csv` | a file on the workers, with the columns id, name, price, currency, inventory |
| `dry_run` | only say what would change |

**Example:** `{"number": 1000, "stock": 100000, "dry_run": false}`

**When it is red**: `migrate` names the statement that the database refused; earlier steps stay done, and it goes on
from there. `seed` names the line of the file or the value that is wrong; then nothing was added.
"""

from airflow.sdk import Param, dag

from plugins.command import command
from plugins.defaults import DAG_DEFAULTS

_CODES = ["CNY", "USD", "JPY", "EUR"]
_PARAMS = {
    "sample": Param(True, type="boolean", description="The original's four commodities, ids 1 to 4."),
    "number": Param(0, type="integer", minimum=0, maximum=1_000_000, description="Generate commodities 1 to so many."),
    "stock": Param(1_000, type="integer", minimum=0, maximum=10**15, description="Stock of each generated commodity."),
    "currencies": Param(
        _CODES,
        type="array",
        items={"type": "string", "enum": _CODES},
        examples=_CODES,
        minItems=1,
        description="Currencies of the generated commodities' prices.",
    ),
    "seed": Param(1, type="integer", minimum=0, maximum=2**31 - 1, description="The same seed gives the same prices."),
    "csv": Param(None, type=["null", "string"], description="Path of a CSV file that the workers can read."),
    "dry_run": Param(True, type="boolean", description="Only say what would change."),
}
_DRY_RUN = "{{ '--dry-run' if params.dry_run else '' }}"


@dag(doc_md=__doc__, tags=["setup", "catalogue", "on demand"], params=_PARAMS, **DAG_DEFAULTS)
def seed_db() -> None:
    """Migrate, then seed."""
    migrate = command("migrate", "settlement", "migrate", _DRY_RUN, role="owner")
    seed = command(
        "seed",
        "settlement",
        "seed",
        "{{ '--sample' if params.sample else '' }}",
        "--number={{ params.number }}",
        "--stock={{ params.stock }}",
        "--currencies={{ params.currencies | join(',') }}",
        "--seed={{ params.seed }}",
        "{{ '--csv=' ~ params.csv if params.csv else '' }}",
        _DRY_RUN,
        role="catalogue",
    )
    migrate >> seed


seed_db()
