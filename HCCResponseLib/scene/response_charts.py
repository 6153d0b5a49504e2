"""The course of a case in Slicer's plot views: a quantity over time, waterfall, spider and swimmer.

They draw what :mod:`HCCResponseLib.response.course` and the lesion grid hold; so does the report.
"""

import math

from ..report.colours import CATEGORY_COLOURS, GREY, INK, LINE_COLOURS
from ..response.course import SUM, Spider, Swimmer, Waterfall, WaterfallBar
from ..response.lesion_grid import LesionGrid
from .charts import ChartSeries, update_chart

__all__ = ["chart_over_time", "chart_spider", "chart_swimmer", "chart_waterfall"]

_SUM_COLOR = INK


def chart_over_time(grid: LesionGrid):
    """Fill the chart of a quantity of every lesion over time and return its node."""
    weeks = [one.week for one in grid.columns]
    known = None not in weeks
    places = weeks if known else [float(one.time_point) for one in grid.columns]
    series = []
    for row in (one for one in grid.rows if not one.is_empty):
        values = [cell.value * grid.quantity.display_factor for cell in row.cells]
        if not all(math.isnan(value) for value in values):
            series.append(ChartSeries(row.name, places, values, LINE_COLOURS[len(series) % len(LINE_COLOURS)]))
    x_title = "weeks from baseline" if known else "examination"
    return update_chart("quantity over time", series, title=grid.title, x_title=x_title, y_title=grid.title, x_range=_with_margin(places))


def chart_spider(spider: Spider):
    """Fill the chart of changes over time and return its node."""
    series = []
    for line in spider.lines:
        is_sum = not line.lesion_uid
        color = _SUM_COLOR if is_sum else LINE_COLOURS[len([one for one in series if one.label != SUM]) % len(LINE_COLOURS)]
        xs, ys = [one.x for one in line.points], [one.percent for one in line.points]
        series.append(ChartSeries(line.label, xs, ys, color, width=4.0 if is_sum else 2.0))
    places = [x for one in series for x in one.x]
    return update_chart(
        "spider",
        series,
        title=f"Change of {spider.title}",
        x_title=spider.x_label,
        y_title="change from baseline, %",
        x_range=_with_margin(places) if places else None,
    )


def chart_waterfall(waterfall: Waterfall):
    """Fill the chart of best changes and return its node."""
    bars = waterfall.bars
    width = min(14.0, 240.0 / max(len(bars), 1))
    series = [
        ChartSeries(one.label, [place, place], [0.0, one.percent], _bar_color(one), marker=False, width=width)
        for place, one in enumerate(bars, start=1)
    ]
    zero = ChartSeries("no change", [0.0, len(bars) + 1.0], [0.0, 0.0], _SUM_COLOR, marker=False, width=1.0)
    return update_chart(
        "waterfall",
        [*series, zero] if bars else [],
        title=f"Best change of {waterfall.title}",
        x_title="lesion, as in the legend from left to right",
        y_title="change from baseline, %",
        x_range=(0.0, len(bars) + 1.0),
    )


def chart_swimmer(swimmer: Swimmer):
    """Fill the chart of the course, a lane for each criterion, and return its node.

    The lanes are numbered; the legend says which is which, because the plot views have no text on that axis.
    """
    lanes = [lane for lane in swimmer.lanes if not lane.lesion_uid]
    places = {lane.label: float(len(lanes) - number) for number, lane in enumerate(lanes)}
    series = [
        ChartSeries(f"{place:g}  {lane.label}", [lane.start, lane.stop], [place, place], GREY, marker=False, width=6.0)
        for lane, place in zip(lanes, places.values(), strict=True)
    ]
    for category, (background, text) in CATEGORY_COLOURS.items():
        events = [(one.x, places[lane.label]) for lane in lanes for one in lane.events if one.category is category]
        if events:
            xs, ys = zip(*events, strict=True)
            series.append(ChartSeries(str(category), xs, ys, text if background == "#ffffff" else background, line=False, size=14.0))
    return update_chart(
        "swimmer",
        series,
        title="Response over time",
        x_title=swimmer.x_label,
        y_title="criterion, see legend",
        x_range=_with_margin([place for place, _label in swimmer.ticks]),
        y_range=(0.5, len(lanes) + 0.5),
    )


def _bar_color(bar: WaterfallBar) -> str:
    if not bar.lesion_uid:
        return _SUM_COLOR
    if bar.inside_repeatability:
        return GREY
    return LINE_COLOURS[0] if bar.percent < 0.0 else LINE_COLOURS[1]


def _with_margin(places: list[float]) -> tuple[float, float]:
    width = max(max(places) - min(places), 1.0)
    return (min(places) - 0.05 * width, max(places) + 0.05 * width)
