"""The list of benchmark runs, and one run: plain pages, written on the server."""

from datetime import UTC, datetime
from html import escape
from pathlib import PurePath
from typing import Final
from urllib.parse import quote

from plugins.live_page_app.report_store import RunFolder, Summary

PICTURES: Final = (".png", ".svg")

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Kiwi settlement</title>
<link rel="icon" href="{root}static/icon.svg">
<link rel="stylesheet" href="{root}static/page.css">
<script type="module" src="{root}static/theme.js"></script>
</head>
<body>
<main>
<header><h1><img src="{root}static/icon.svg" alt="" width="28" height="28">{title}</h1><nav>{nav}</nav></header>
{body}
</main>
</body>
</html>
"""
_HEADINGS: Final = (
    "<tr><th scope=col>Run</th><th scope=col class=number>Accepted</th>"
    "<th scope=col class='number wide'>Accepted/s</th><th scope=col class='number wide'>Settled/s</th>"
    "<th scope=col class='number wide'>To settled p50</th>"
    "<th scope=col class='number wide'>p99</th><th scope=col>Verdict</th></tr>"
)


def list_page(runs: list[RunFolder]) -> str:
    """Return the list of runs."""
    rows = "".join(_row(run) for run in runs)
    body = f"<div class=scroll><table><thead>{_HEADINGS}</thead><tbody>{rows}</tbody></table></div>"
    if not runs:
        body = "<p class=empty>No report yet: trigger <code>benchmark</code>.</p>"
    nav = '<a href="../">Live page</a>'
    return _PAGE.format(
        title="Benchmark reports", root="../", nav=nav, body=f'<section class="card all">{body}</section>'
    )


def run_page(run: RunFolder) -> str:
    """Return one run with its picture and its files."""
    parts = []
    if run.summary:
        parts.append(f"<table><thead>{_HEADINGS}</thead><tbody>{_row(run, here=True)}</tbody></table>")
        parts += [f"<p class=bad>{escape(problem)}</p>" for problem in run.summary.problems]
    for name in run.files:
        if PurePath(name).suffix in PICTURES:
            parts.append(f'<img class=picture src="{quote(name)}" alt="{escape(name)}: the run as a picture">')
    links = " · ".join(f'<a href="{quote(name)}">{escape(name)}</a>' for name in run.files)
    parts.append(f"<p>{links or 'This run has left no file.'}</p>")
    nav = '<a href="../">All reports</a><a href="../../">Live page</a>'
    body = f'<section class="card all">{"".join(parts)}</section>'
    return _PAGE.format(title=escape(run.name), root="../../", nav=nav, body=body)


def _row(run: RunFolder, *, here: bool = False) -> str:
    name = escape(run.name) if here else f'<a href="{quote(run.name)}/">{escape(run.name)}</a>'
    if run.summary is None:
        changed = f"{datetime.fromtimestamp(run.changed_at, UTC):%Y-%m-%d %H:%M} UTC"
        return f"<tr><th scope=row>{name}<small>{changed}</small></th><td colspan=6>no report.json</td></tr>"
    summary = run.summary
    settle = summary.latency.settle
    wide = (
        f"{summary.rates.accept_orders_per_second:,.0f}",
        _or_dash(summary.rates.settle_orders_per_second),
        _or_dash(settle.p50_ms if settle else None, " ms"),
        _or_dash(settle.p99_ms if settle else None, " ms"),
    )
    started = escape(summary.run.started_at[:16].replace("T", " "))
    return (
        f"<tr><th scope=row>{name}<small>{started} UTC</small></th>"
        f"<td class=number>{summary.orders.accepted:,}</td>"
        + "".join(f"<td class='number wide'>{cell}</td>" for cell in wide)
        + f"<td>{_verdict(summary)}</td></tr>"
    )


def _verdict(summary: Summary) -> str:
    if summary.problems:
        return f"<span class=bad>{len(summary.problems)} problem{'s' if len(summary.problems) > 1 else ''}</span>"
    if summary.orders.settled is None:
        return "not verified"
    return "<span class=good>accepted = settled</span>"


def _or_dash(value: float | None, unit: str = "") -> str:
    return "–" if value is None else f"{value:,.0f}{unit}"  # noqa: RUF001 - a dash is meant
