"""The report as one picture: rates and lag over time, latencies, what became of the orders, the steps of a batch."""

from collections.abc import Callable
from pathlib import Path
from textwrap import shorten
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from generator.latency import Latency
from generator.report import Report

_ACCEPT: Final = "#2b6cb0"
_SETTLE: Final = "#2f855a"
_REFUSE: Final = "#dd8a1c"
_WRONG: Final = "#c53030"
_MUTED: Final = "#718096"
_THOUSANDS: Final = FuncFormatter(lambda value, _: f"{value:,.0f}")
_RATE_BIN_SECONDS: Final = 0.5  # settling comes in batches: the mean of a shorter time says little
_RATE_BINS_MAX: Final = 60
_PROBLEMS_MAX: Final = 2  # the title has room for so many
_PERCENTILES: Final = (50, 90, 99, 99.9, 99.99, 99.999)
_STYLE: Final[Any] = {
    "font.size": 10.5,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _MUTED,
    "axes.axisbelow": True,
    "grid.color": "#e2e8f0",
    "legend.frameon": False,
}


def draw(report: Report, path: Path) -> None:
    """Draw the picture; raises OSError, or ValueError for a file name that says no known format."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(14, 9), dpi=110)
        FigureCanvasAgg(figure)
        for place, draw_panel in _PANELS:
            draw_panel(figure.add_axes(place), report)
        figure.suptitle(_headline(report), fontsize=17, fontweight="bold", x=0.012, y=0.985, ha="left")
        problems = "\n".join(shorten(problem, 80) for problem in report.problems[:_PROBLEMS_MAX])
        figure.text(0.985, 0.98, problems, color=_WRONG, fontsize=10.5, va="top", ha="right")
        figure.text(0.0125, 0.942, _parameters(report), color=_MUTED, fontsize=10.5, va="top", linespacing=1.5)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)


def _headline(report: Report) -> str:
    orders = report.orders
    if not report.verified:
        return f"Kiwi: {orders.accepted:,} orders accepted (settlement was not waited for)"
    sign = "=" if report.accepted_equals_settled else "≠"
    return f"Kiwi: {orders.accepted:,} orders accepted {sign} {orders.settled:,} settled"


def _parameters(report: Report) -> str:
    """Return two lines: the load, and what was special about it."""
    options, run = report.run.options, report.run
    way = f"{options.bulk:,} orders a request" if options.bulk else "one order a request"
    offered = f"{options.rate:,.0f} orders/s offered" if options.rate else "as fast as possible"
    load = [offered, way, f"{options.processes} processes with at most {options.concurrency} connections each"]
    load += [f"{run.commodities:,} commodities", f"{options.users:,} users"]
    shares = {
        "malformed": options.bad_share,
        "repeated": options.repeat_share,
        "with a key": options.key_share,
        "of unknown commodities": options.unknown_share,
        "poison": options.poison_share,
    }
    skews = {"user skew": options.user_skew, "commodity skew": options.commodity_skew}
    special = [f"{name} {value:g}" for name, value in skews.items() if value]
    special += [f"{100 * share:.3g} % {name}" for name, share in shares.items() if share]
    special += [f"seed {options.seed}", f"run {run.name}", f"{run.started_at[:19].replace('T', ' ')} UTC"]
    return "  ·  ".join(load) + "\n" + "  ·  ".join(special)


def _draw_rates(axes: Axes, report: Report) -> None:
    """Steps, because each value is the mean of a whole bin."""
    series = report.series
    merged = max(1, round(_RATE_BIN_SECONDS / series.bin_seconds), -(-len(series.lag) // _RATE_BINS_MAX))
    edges = np.minimum(np.arange(0, len(series.lag) + merged, merged), len(series.lag)) * series.bin_seconds
    for name, orders, colour in (("accepted", series.accepted, _ACCEPT), ("settled", series.settled, _SETTLE)):
        if sum(orders):
            binned = np.add.reduceat(orders, np.arange(0, len(orders), merged))
            axes.stairs(binned / np.diff(edges), edges, color=colour, linewidth=2, label=name)
    if report.run.options.rate:
        axes.axhline(report.run.options.rate, color=_MUTED, linewidth=1.2, linestyle=":", label="offered")
    axes.set(title="Rate", xlabel="seconds since the start", ylabel=f"orders/s, mean of {edges[1]:g} s")
    _finish(axes, edges[-1])
    axes.legend(loc="lower right", ncols=3, bbox_to_anchor=(1.0, 0.99), borderaxespad=0)


def _draw_lag(axes: Axes, report: Report) -> None:
    series = report.series
    axes.set(title="Lag: accepted and not yet settled", xlabel="seconds since the start", ylabel="orders")
    if report.verified:
        ends, lag = np.arange(len(series.lag) + 1) * series.bin_seconds, [0, *series.lag]
        axes.plot(ends, lag, color=_REFUSE, linewidth=2)
        axes.fill_between(ends, lag, color=_REFUSE, alpha=0.15, linewidth=0)
    else:
        _say(axes, "settlement was not waited for")
    _finish(axes, len(series.lag) * series.bin_seconds)


def _draw_latencies(axes: Axes, report: Report) -> None:
    """Percentiles on a scale that gives each further nine the same room."""
    latency = report.latency
    curves = [
        ("due to accepted", latency.accept, _ACCEPT, "-"),
        ("sent to accepted", latency.request, _ACCEPT, ":"),
        ("accepted to settled", latency.settle, _SETTLE, "-"),
        ("due to settled", latency.due_to_settled, _SETTLE, ":"),
    ]
    axes.set(
        title="Latency by percentile",
        xlabel="percentile of the orders; the last point is the maximum",
        ylabel="ms (log scale)",
    )
    reach = 2.0
    for name, curve, colour, dashes in curves:
        if curve:
            points = [(_nines(percentile, curve), value) for percentile, value in curve.curve_ms]
            reach = max(reach, points[-1][0])
            label = f"{name}: p50 {_ms(curve.p50_ms)}, p99 {_ms(curve.p99_ms)}"
            axes.plot(*zip(*points, strict=True), dashes, color=colour, linewidth=1.8, label=label)
    axes.set_yscale("log")
    ticks = [percentile for percentile in _PERCENTILES if _nines(percentile) <= reach]
    axes.set_xticks([_nines(percentile) for percentile in ticks], [f"{percentile:g} %" for percentile in ticks])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.grid(visible=True)
    if axes.lines:
        low, high = axes.get_ylim()
        axes.set_ylim(low, high * (high / low) ** 0.45)  # room for the legend
        axes.legend(loc="upper left", fontsize=9.5)
    else:
        _say(axes, "no order was accepted")


def _nines(percentile: float, curve: Latency | None = None) -> float:
    """Return how many nines a percentile has; the maximum stands where the number of orders lets it."""
    if percentile < 100:
        return float(-np.log10(1 - percentile / 100))
    return float(np.log10(max(curve.orders, 2))) if curve else float("inf")


def _draw_outcomes(axes: Axes, report: Report) -> None:
    orders = report.orders
    bars: list[tuple[str, float, str]] = [("bought", orders.succeeded or 0, _SETTLE)]
    if not report.verified:
        bars = [("accepted", orders.accepted, _ACCEPT)]
    bars += [(reason.replace("_", " "), count, _REFUSE) for reason, count in report.refusals.items()]
    bars += [(f"rejected, HTTP {status}", count, _ACCEPT) for status, count in report.rejections.items()]
    bars += [("gave up", orders.gave_up, _WRONG), ("outcome unknown", orders.outcome_unknown, _WRONG)]
    bars += [("no result", orders.missing or 0, _WRONG)]
    axes.set(title="What became of the orders", xlabel="orders")
    share = 100 / max(orders.sent, 1)
    _draw_bars(axes, [bar for bar in bars if bar[1]], lambda value: f"{value:,.0f}  ({value * share:.3g} %)")
    axes.xaxis.set_major_formatter(_THOUSANDS)
    axes.xaxis.set_major_locator(MaxNLocator(3))


def _draw_steps(axes: Axes, report: Report) -> None:
    steps = report.batches
    axes.set(title="Steps of a batch")
    if steps is None:
        _say(axes, "no batch was seen")
        return
    bars = [("fetch", steps.fetch_ms_mean), ("decode", steps.decode_ms_mean), ("decide", steps.decide_ms_mean)]
    bars += [("write", steps.write_ms_mean)]
    _draw_bars(axes, [(name, value, _SETTLE) for name, value in bars], lambda value: f"{value:,.1f} ms")
    axes.set_xlabel(f"ms, mean of {steps.batches:,} batches,\n{steps.orders_mean:,.0f} orders each")


def _draw_bars(axes: Axes, bars: list[tuple[str, float, str]], label: Callable[[float], str]) -> None:
    if not bars:
        _say(axes, "none")
        return
    names, values, colours = zip(*bars, strict=True)
    drawn = axes.barh(range(len(bars)), values, color=colours, height=0.65)
    axes.set_yticks(range(len(bars)), names)
    axes.bar_label(drawn, labels=[label(value) for value in values], padding=4)
    axes.set_xlim(0, max(values) * 2)
    axes.grid(visible=True, axis="x")
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(max(len(bars), 4) - 0.5, -0.5)


def _finish(axes: Axes, seconds: float) -> None:
    axes.set_xlim(0, seconds)
    axes.set_ylim(bottom=0)
    axes.grid(visible=True)
    axes.yaxis.set_major_formatter(_THOUSANDS)


def _say(axes: Axes, words: str) -> None:
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", color=_MUTED)


def _ms(value: float) -> str:
    return f"{value:,.3g} ms" if value < 1_000 else f"{value / 1_000:,.3g} s"


_PANELS: Final = (
    ((0.065, 0.53, 0.41, 0.32), _draw_rates),
    ((0.555, 0.53, 0.43, 0.32), _draw_lag),
    ((0.065, 0.075, 0.41, 0.36), _draw_latencies),
    ((0.645, 0.075, 0.145, 0.36), _draw_outcomes),
    ((0.86, 0.075, 0.125, 0.36), _draw_steps),
)
"""Where each panel stands: left, bottom, width and height as parts of the figure."""
