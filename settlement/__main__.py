"""The operator's command line: `python -m settlement --help`. Every command reads its servers from `KIWI_*`."""

import logging

import typer

from settlement.catalogue_commands import price, restock, seed
from settlement.health_commands import audit, check_app, watch
from settlement.rates_commands import rates_app
from settlement.schema_commands import grant, migrate, topic

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
for command in (migrate, grant, topic, seed, restock, price, audit, watch):
    app.command()(command)
app.add_typer(rates_app, name="rates")
app.add_typer(check_app, name="check")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("alembic", "kafka", "kazoo"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    app()
