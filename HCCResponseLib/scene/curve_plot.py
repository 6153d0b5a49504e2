"""Curves of voxels and inputs in a chart: points and fitted lines."""

import numpy as np

from ..report.colours import LINE_COLOURS
from .charts import ChartSeries, remove_chart, update_chart
from .voxel_curve import Curve

__all__ = ["remove_chart", "show_curves"]


def show_curves(curves: list[Curve], *, title: str = "", chart_node=None, name: str = "Curves"):
    """Draw curves into a chart: their samples as points, their fits as lines in the same colour.

    The axes are named by the first curve. A curve without samples or without a fit is left out there; none leaves the chart empty.

    :param title: above the chart; where empty, there is none.
    :param chart_node: chart drawn before; None: that of the name, made where there is none.
    :return: the chart node.
    """
    series = []
    for number, curve in enumerate(curves):
        color = LINE_COLOURS[number % len(LINE_COLOURS)]
        of_line, of_points = (f"{curve.name} {curve.fit_name}", curve.name) if curve.fit_name else (curve.name, f"{curve.name}, samples")
        series.append(ChartSeries(of_line, curve.fit_x, curve.fit_y, color, marker=False))
        series.append(ChartSeries(of_points, curve.x, curve.y, color, line=False, size=6.0))
    series = [one for one in series if (np.isfinite(one.x) & np.isfinite(one.y)).any()]
    x_title, y_title = (curves[0].x_title, curves[0].y_title) if curves else ("", "")
    x_range, y_range = _ranges(series)
    return update_chart(
        name, series, title=title, x_title=x_title, y_title=y_title, x_range=x_range, y_range=y_range, legend=len(curves) > 1,
        small_text=True, chart_node=chart_node,
    )


def _ranges(series: list[ChartSeries]) -> tuple:
    """Return the limits of x and y: all that is drawn, and 0 of y where all is above and not far away; None where nothing is drawn."""
    if not series:
        return None, None
    (left, right), (low, high) = ((np.nanmin(all_), np.nanmax(all_)) for all_ in _coordinates(series))
    margin = 0.05 * (high - low) or abs(high) or 1.0
    bottom = 0.0 if 0 <= low < high / 2 else low - margin
    return (float(left), float(right if right > left else right + 1.0)), (float(bottom), float(high + margin))


def _coordinates(series: list[ChartSeries]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([one.x for one in series]), np.concatenate([one.y for one in series])
