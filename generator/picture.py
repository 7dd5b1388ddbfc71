"""The report as one picture: rates and lag over time, latencies, what became of the orders, the steps of a batch."""

from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from generator.latency import Latency
from generator.options import Options
from generator.report import Report

_ACCEPT: Final = "#2b6cb0"
_SETTLE: Final = "#2f855a"
_REFUSE: Final = "#dd8a1c"
_WRONG: Final = "#c53030"
_MUTED: Final = "#718096"
_PERCENTILES: Final = (0, 50, 90, 99, 99.9, 99.99, 99.999)
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
        figure = Figure(figsize=(14, 9), dpi=110, layout="constrained")
        FigureCanvasAgg(figure)
        figure.get_layout_engine().set(w_pad=0.15, h_pad=0.15)  # type: ignore[union-attr, call-arg]
        panels = figure.subplot_mosaic(
            [["rates", "rates", "lag", "lag"], ["latency", "latency", "outcomes", "steps"]],
            width_ratios=(1, 1, 1.25, 0.75),
        )
        _draw_rates(panels["rates"], report)
        _draw_lag(panels["lag"], report)
        _draw_latencies(panels["latency"], report)
        _draw_outcomes(panels["outcomes"], report)
        _draw_steps(panels["steps"], report)
        figure.suptitle(f"{_headline(report)}\n", fontsize=16, fontweight="bold", x=0.012, ha="left")
        figure.text(0.012, 0.945, _parameters(report), color=_MUTED, fontsize=10.5)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)


def _headline(report: Report) -> str:
    orders = report.orders
    if not report.verified:
        return f"Kiwi: {orders.accepted:,} orders accepted (settlement was not waited for)"
    sign = "=" if report.accepted_equals_settled else "≠"
    return f"Kiwi: {orders.accepted:,} orders accepted {sign} {orders.settled:,} settled"


def _parameters(report: Report) -> str:
    options, run = report.run.options, report.run
    way = f"bulk of {options.bulk:,}" if options.bulk else "one order a request"
    offered = f"{options.rate:,.0f} orders/s offered" if options.rate else "as fast as possible"
    said = [offered, way, f"{options.processes} processes, {options.concurrency} connections each at most"]
    said += [f"{run.commodities:,} commodities", f"{options.users:,} users", f"seed {options.seed}"]
    return "  ·  ".join([*said, *_specials(options), f"run {run.name}, {run.started_at[:19].replace('T', ' ')} UTC"])


def _specials(options: Options) -> list[str]:
    shares = {
        "malformed": options.bad_share,
        "repeated": options.repeat_share,
        "unknown commodity": options.unknown_share,
        "poison": options.poison_share,
    }
    skews = {"user skew": options.user_skew, "commodity skew": options.commodity_skew}
    said = [f"{name} {value:g}" for name, value in skews.items() if value]
    return said + [f"{share:.2%} {name}" for name, share in shares.items() if share]


def _draw_rates(axes: Axes, report: Report) -> None:
    """Steps, because each value holds for a whole bin."""
    series, width = report.series, report.series.bin_seconds
    edges = np.arange(len(series.accepted) + 1) * width
    for name, orders, colour in (("accepted", series.accepted, _ACCEPT), ("settled", series.settled, _SETTLE)):
        if sum(orders):
            axes.stairs(np.array(orders) / width, edges, color=colour, linewidth=1.8, label=name)
    if report.run.options.rate:
        axes.axhline(report.run.options.rate, color=_MUTED, linewidth=1, linestyle=":", label="offered")
    axes.set(title=f"Orders per second (in bins of {width:g} s)", xlabel="seconds since the start", ylabel="orders/s")
    _finish(axes, edges[-1])
    axes.legend(loc="best")


def _draw_lag(axes: Axes, report: Report) -> None:
    series = report.series
    axes.set(title="Lag: accepted, not yet settled", xlabel="seconds since the start", ylabel="orders")
    ends = (np.arange(len(series.lag) + 1)) * series.bin_seconds
    _finish(axes, ends[-1])
    if not report.verified:
        _say(axes, "settlement was not waited for")
        return
    lag = [0, *series.lag]
    axes.plot(ends, lag, color=_REFUSE, linewidth=1.8)
    axes.fill_between(ends, lag, color=_REFUSE, alpha=0.15, linewidth=0)
    axes.set_ylim(bottom=0)


def _draw_latencies(axes: Axes, report: Report) -> None:
    """Percentiles on a scale that gives each further nine the same room."""
    latency = report.latency
    curves = [
        ("due to accepted", latency.accept, _ACCEPT, "-"),
        ("sent to accepted", latency.request, _ACCEPT, ":"),
        ("accepted to settled", latency.settle, _SETTLE, "-"),
        ("due to settled", latency.due_to_settled, _SETTLE, ":"),
    ]
    axes.set(title="Latency by percentile", xlabel="percentile of the orders", ylabel="milliseconds (log scale)")
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
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.grid(visible=True)
    if axes.lines:
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
    bars: list[tuple[str, int, str]] = [("bought", orders.succeeded or 0, _SETTLE)]
    bars += [(reason.replace("_", " "), count, _REFUSE) for reason, count in report.refusals.items()]
    bars += [(f"rejected, status {status}", count, _ACCEPT) for status, count in report.rejections.items()]
    bars += [("gave up", orders.gave_up, _WRONG), ("outcome unknown", orders.outcome_unknown, _WRONG)]
    bars += [("no result", orders.missing or 0, _WRONG)]
    if not report.verified:
        bars[0] = ("accepted", orders.accepted, _SETTLE)
    axes.set(title="What became of the orders", xlabel="orders (log scale)", xscale="log")
    _draw_bars(axes, [bar for bar in bars if bar[1]], "{:,.0f}")


def _draw_steps(axes: Axes, report: Report) -> None:
    steps = report.batches
    axes.set(title="A batch, mean", xlabel="milliseconds")
    if steps is None:
        _say(axes, "none")
        return
    bars = [("fetch", steps.fetch_ms_mean), ("decode", steps.decode_ms_mean), ("decide", steps.decide_ms_mean)]
    bars += [("write", steps.write_ms_mean)]
    _draw_bars(axes, [(name, value, _SETTLE) for name, value in bars], "{:,.3g}")
    axes.set_title(f"A batch: {steps.orders_mean:,.0f} orders, mean of {steps.batches:,}")


def _draw_bars(axes: Axes, bars: list[tuple[str, float, str]], text: str) -> None:
    if not bars:
        _say(axes, "none")
        return
    names, values, colours = zip(*bars, strict=True)
    drawn = axes.barh(range(len(bars)), values, color=colours, height=0.65)
    axes.set_yticks(range(len(bars)), names)
    axes.bar_label(drawn, labels=[text.format(value) for value in values], padding=4)
    axes.invert_yaxis()
    axes.margins(x=0.22)
    axes.grid(visible=True, axis="x")
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(max(len(bars), 4) - 0.5, -0.5)


def _finish(axes: Axes, seconds: float) -> None:
    axes.set_xlim(0, seconds)
    axes.set_ylim(bottom=0)
    axes.grid(visible=True)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _say(axes: Axes, words: str) -> None:
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", color=_MUTED)


def _ms(value: float) -> str:
    return f"{value:,.3g} ms" if value < 1_000 else f"{value / 1_000:,.3g} s"
