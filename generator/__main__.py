"""Puts orders on a Kiwi stack and reports how it bore them: `python -m generator --help`.

The servers are those of KIWI_API_URL, KIWI_DATABASE_URL, KIWI_KAFKA_BOOTSTRAP and KIWI_ZOOKEEPER_HOSTS; on one machine
`make env` prints them.
"""

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from generator.options import Options
from settlement.currency import ALIASES, CODES
from settlement.order import LINES_MAX, NUMBER_MAX

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode="markdown", help=__doc__)
_DEFAULT: Final = Options()


def _option(panel: str, text: str, *names: str, **limits: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, **limits)


_load = partial(_option, "Load")
_orders = partial(_option, "Orders")
_faults = partial(_option, "Faults on purpose", min=0, max=1)
_report = partial(_option, "Report")


@app.command()
def run(
    orders: Annotated[int | None, _load(f"How many. [default: {_DEFAULT.orders}]", min=1)] = None,
    seconds: Annotated[float | None, _load("How long, instead of --orders.", min=0.001)] = None,
    rate: Annotated[float, _load("Orders per second, all processes together; 0 = as fast as possible.", min=0)] = (
        _DEFAULT.rate
    ),
    processes: Annotated[int, _load("Sending processes.", min=1, max=64)] = _DEFAULT.processes,
    concurrency: Annotated[int, _load("Requests in flight per process.", min=1, max=4096)] = _DEFAULT.concurrency,
    bulk: Annotated[int, _load("Orders a request to /orders; 0 = one to /.", min=0, max=100_000)] = _DEFAULT.bulk,
    retry_seconds_max: Annotated[float, _load("How long an order is tried again where that is safe.", min=0)] = (
        _DEFAULT.retry_seconds_max
    ),
    max_item: Annotated[
        int, _orders("Most distinct commodities in an order.", envvar="MAX_ITEM", min=1, max=LINES_MAX - 1)
    ] = _DEFAULT.max_item,
    max_purchase: Annotated[
        int, _orders("Most units of one commodity.", envvar="MAX_PURCHASE", min=1, max=NUMBER_MAX)
    ] = _DEFAULT.max_purchase,
    users: Annotated[int, _orders("User ids 1 to USERS.", min=1, max=10_000_000)] = _DEFAULT.users,
    user_skew: Annotated[float, _orders("Zipf exponent of users; 0 = uniform.", min=0, max=5)] = _DEFAULT.user_skew,
    commodities: Annotated[
        int, _orders("Commodity ids 1 to COMMODITIES; 0 = those of the catalogue.", min=0, max=10_000_000)
    ] = 0,
    commodity_skew: Annotated[float, _orders("Zipf exponent of commodities; 0 = uniform.", min=0, max=5)] = (
        _DEFAULT.commodity_skew
    ),
    currencies: Annotated[str, _orders("Of the payers, comma-separated.")] = ",".join(_DEFAULT.currencies),
    seed: Annotated[int, _orders("The same seed and options give the same orders.", min=0)] = _DEFAULT.seed,
    key_share: Annotated[float, _orders("Share of orders with an idempotency key.", min=0, max=1)] = (
        _DEFAULT.key_share
    ),
    bad_share: Annotated[float, _faults("Share of malformed orders, which the API must reject.")] = 0,
    repeat_share: Annotated[float, _faults("Share that repeats an earlier order under its key.")] = 0,
    unknown_share: Annotated[float, _faults("Share with a commodity that does not exist.")] = 0,
    poison_share: Annotated[float, _faults("Share of malformed messages put straight into Kafka.")] = 0,
    report_dir: Annotated[Path | None, _report("Write report.json and report.png there.")] = None,
    json: Annotated[bool, _report("Print the report as JSON.", "--json")] = False,
    wait: Annotated[bool, _report("Wait until all is settled, and verify it.")] = True,
    drain_seconds_max: Annotated[float, _report("How long to wait for settlement.", min=0)] = (
        _DEFAULT.drain_seconds_max
    ),
) -> None:
    """Send orders, wait until they are settled, and report.

    Exit code 0: every accepted order has its one result. 1: not, or something else was wrong. 2: wrong usage.
    """
    if orders and seconds:
        raise typer.BadParameter("give --orders or --seconds, not both")
    if bad_share + repeat_share + unknown_share + poison_share > 1:
        raise typer.BadParameter("the shares together are more than 1")
    options = Options(
        orders=0 if seconds else orders or _DEFAULT.orders,
        seconds=seconds or 0,
        rate=rate,
        processes=processes,
        concurrency=concurrency,
        bulk=bulk,
        max_item=max_item,
        max_purchase=max_purchase,
        users=users,
        user_skew=user_skew,
        commodity_skew=commodity_skew,
        currencies=_currencies(currencies),
        seed=seed,
        bad_share=bad_share,
        repeat_share=repeat_share,
        key_share=key_share,
        unknown_share=unknown_share,
        poison_share=poison_share,
        retry_seconds_max=retry_seconds_max,
        drain_seconds_max=drain_seconds_max,
    )
    from generator.command import run_and_report  # not above: every sending process imports this module again

    raise typer.Exit(run_and_report(options, commodities, wait=wait, as_json=json, report_dir=report_dir))


@app.command()
def report(
    file: Annotated[Path, typer.Argument(help="report.json of an earlier run.")],
    picture: Annotated[Path | None, typer.Option(help="Draw its picture there, as PNG, SVG or PDF.")] = None,
) -> None:
    """Show the report of an earlier run."""
    from generator.command import show_report

    raise typer.Exit(show_report(file, picture))


@app.command()
def compare(
    folder: Annotated[Path, typer.Argument(help="Folder of a run, among those of other runs.")],
) -> None:
    """Compare a run with the one before; writes comparison.md into its folder."""
    from generator.command import compare_with_previous

    raise typer.Exit(compare_with_previous(folder))


def _currencies(text: str) -> tuple[str, ...]:
    codes = tuple(code.strip().upper() for code in text.split(",") if code.strip())
    wrong = [code for code in codes if code not in CODES and code not in ALIASES]
    if wrong or not codes:
        raise typer.BadParameter(f"--currencies takes {', '.join(CODES)} (or RMB for CNY), comma-separated")
    return codes


if __name__ == "__main__":
    app()
