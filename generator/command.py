"""What the commands do: run, show, write, and turn failures into messages that name the remedy."""

import logging
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import Final

from rich.console import Console

from generator.compare import previous_report, to_markdown
from generator.conduct import UnfitError, conduct
from generator.connection import Endpoint
from generator.options import Options
from generator.report import Report, ReportUnreadableError, encode_report, read_report, write_report
from generator.run import RunFailedError
from generator.table import report_tables
from settlement.settings import Settings, settings

_CHECK_SECONDS: Final = 5


def run_and_report(options: Options, commodities: int, *, wait: bool, as_json: bool, report_dir: Path | None) -> int:
    """Do a run, print and write its report, and return the exit code."""
    logging.getLogger("kafka").setLevel(logging.ERROR)
    logging.getLogger("kazoo").setLevel(logging.CRITICAL)
    messages = Console(stderr=True, highlight=False)
    try:
        _check_api(settings(), messages)
        report = conduct(options, settings(), commodities, messages, wait=wait)
        if report_dir:
            write_report(report, report_dir / "report.json")
            _draw(report, report_dir / "report.png")
    except (UnfitError, RunFailedError, OSError) as error:
        messages.print(str(error), style="red", markup=False)
        return 1
    if as_json:
        print(encode_report(report).decode(), end="")
    else:
        Console(highlight=False).print(report_tables(report))
    return exit_code(report)


def exit_code(report: Report) -> int:
    """Return 0 of a good run, else 1."""
    return 0 if not report.problems and (report.accepted_equals_settled or not report.verified) else 1


def show_report(file: Path, picture: Path | None) -> int:
    """Print an earlier report, draw it if wished, and return the exit code."""
    try:
        report = read_report(file)
        if picture:
            _draw(report, picture)
    except (OSError, ReportUnreadableError, ValueError) as error:
        Console(stderr=True, highlight=False).print(str(error), style="red", markup=False)
        return 1
    Console(highlight=False).print(report_tables(report))
    return 0


def compare_with_previous(folder: Path) -> int:
    """Compare a run with the one before, print and write that, and return the exit code."""
    try:
        comparison = to_markdown(read_report(folder / "report.json"), previous_report(folder))
        (folder / "comparison.md").write_text(comparison)
    except (OSError, ReportUnreadableError) as error:
        Console(stderr=True, highlight=False).print(str(error), style="red", markup=False)
        return 1
    print(comparison, end="")
    return 0


def _draw(report: Report, path: Path) -> None:
    from generator.picture import draw  # its library takes a second to load

    draw(report, path)


def _check_api(chosen: Settings, messages: Console) -> None:
    """Say what the API itself finds missing.

    Raises:
        UnfitError: there is no API at that address.
    """
    try:
        Endpoint.of(chosen.api_url)
        with urllib.request.urlopen(f"{chosen.api_url.rstrip('/')}/readyz", timeout=_CHECK_SECONDS):  # noqa: S310
            return
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.SERVICE_UNAVAILABLE:
            detail = error.read(1_000).decode(errors="replace")
            messages.print(f"the API is not ready: {detail}", style="yellow", markup=False)
    except (OSError, ValueError) as error:
        raise UnfitError(
            f"no API at KIWI_API_URL={chosen.api_url} ({getattr(error, 'reason', error)}).\n"
            "Start the stack with `make up`; `make env` prints the addresses of a running one."
        ) from error
