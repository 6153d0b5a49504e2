"""Charts of Slicer's own plot nodes: one chart under a name, filled again instead of made anew.

Tables and series belong to their chart, are hidden from the data tree, and go with it. No layout and no view is changed: whoever has a
plot view shows the chart in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk

from ..report.colours import LINE_COLOURS
from .escaped_text import safe_node_name
from .view_text import view_text

__all__ = ["ChartSeries", "remove_chart", "update_chart"]

_CHART_ATTRIBUTE = "HCC.Chart"
_LEGEND_LINE = 0.045
"""Part of the height of a plot view that a line of the legend takes."""


@dataclass(frozen=True)
class ChartSeries:
    """Points of one colour.

    :param label: in the legend.
    :param x: (n,) numbers, ``y`` likewise; points with NaN are left out.
    :param line: connect the points.
    :param marker: draw the points, as circles; ``square``: as squares.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    color: str = LINE_COLOURS[0]
    line: bool = True
    marker: bool = True
    square: bool = False
    dashed: bool = False
    width: float = 2.0
    size: float = 9.0


def update_chart(
    name: str,
    series: Sequence[ChartSeries],
    *,
    title: str = "",
    x_title: str = "",
    y_title: str = "",
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    legend: bool = True,
    small_text: bool = False,
    chart_node=None,
):
    """Fill a chart and return its node (vtkMRMLPlotChartNode); nothing is shown by that.

    :param name: of the chart: the one of that name is filled again, a new one is made where there is none.
    :param series: drawn in this order; what the chart had before is taken out.
    :param x_range: limits of the axis; None fits the data.
    :param y_range: likewise; with a legend there is room for it above, where it covers no data.
    :param small_text: in a new chart, for a plot beside other views.
    :param chart_node: a chart to fill, whatever its name.
    """
    chart = chart_node or _find(name) or _add_chart(name, small_text)
    legend = legend and len(series) > 1
    if legend:
        y_range = _with_legend(y_range, series)
    with slicer.util.NodeModify(chart):
        known = [chart.GetNthPlotSeriesNode(n) for n in range(chart.GetNumberOfPlotSeriesNodes())]
        nodes = [node for node in known if node is not None]
        for one in range(len(nodes), len(series)):
            nodes.append(_add_series(chart, f"{name} {one + 1}"))
        for node in nodes[len(series) :]:
            _remove_series(chart, node)
        for node, one in zip(nodes, series, strict=False):
            _fill(node, one)
        chart.SetTitle(view_text(title))
        chart.SetTitleVisibility(bool(title))
        chart.SetXAxisTitle(view_text(x_title))
        chart.SetYAxisTitle(view_text(y_title))
        chart.SetLegendVisibility(legend)
        chart.SetGridVisibility(True)
        for limits, automatic, manual in (
            (x_range, chart.SetXAxisRangeAuto, chart.SetXAxisRange),
            (y_range, chart.SetYAxisRangeAuto, chart.SetYAxisRange),
        ):
            automatic(limits is None)
            if limits is not None:
                manual(*limits)
    return chart


def remove_chart(chart_node) -> None:
    """Remove a chart with its series and tables."""
    for node in [chart_node.GetNthPlotSeriesNode(n) for n in range(chart_node.GetNumberOfPlotSeriesNodes())]:
        if node is not None:
            _remove_series(chart_node, node)
    slicer.mrmlScene.RemoveNode(chart_node)


def _find(name: str):
    nodes = slicer.util.getNodesByClass("vtkMRMLPlotChartNode")
    return next((node for node in nodes if node.GetAttribute(_CHART_ATTRIBUTE) == name), None)


def _add_chart(name: str, small_text: bool):
    chart = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode", f"HCC {name}")
    chart.SetAttribute(_CHART_ATTRIBUTE, name)
    if small_text:
        chart.SetTitleFontSize(14)
        chart.SetAxisTitleFontSize(12)
        chart.SetAxisLabelFontSize(11)
        chart.SetLegendFontSize(10)
    return chart


def _add_series(chart, name: str):
    table = slicer.mrmlScene.CreateNodeByClass("vtkMRMLTableNode")
    table.UnRegister(None)
    node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLPlotSeriesNode")
    node.UnRegister(None)
    for one in (table, node):
        one.SetName(name)
        one.SetHideFromEditors(True)
        slicer.mrmlScene.AddNode(one)
    node.SetAndObserveTableNodeID(table.GetID())
    chart.AddAndObservePlotSeriesNodeID(node.GetID())
    return node


def _remove_series(chart, node) -> None:
    table = node.GetTableNode()
    chart.RemovePlotSeriesNodeID(node.GetID())
    slicer.mrmlScene.RemoveNode(node)
    if table is not None:
        slicer.mrmlScene.RemoveNode(table)


def _fill(node, series: ChartSeries) -> None:
    table_node = node.GetTableNode()
    if table_node is None:
        table_node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", node.GetName())
        table_node.SetHideFromEditors(True)
        node.SetAndObserveTableNodeID(table_node.GetID())
    x, y = (np.asarray(values, np.float64) for values in (series.x, series.y))
    known = ~(np.isnan(x) | np.isnan(y))
    repeats = 2 if known.sum() == 1 else 1  # the view complains of series with one point
    table = vtk.vtkTable()
    for name, values in (("x", x), ("y", y)):
        column = numpy_to_vtk(np.repeat(values[known], repeats), deep=True)
        column.SetName(name)
        table.AddColumn(column)
    table_node.SetAndObserveTable(table)
    with slicer.util.NodeModify(node):
        node.SetName(safe_node_name(view_text(series.label)))
        node.SetPlotType(node.PlotTypeScatter)
        node.SetXColumnName("x")
        node.SetYColumnName("y")
        node.SetColor(*(int(series.color[place : place + 2], 16) / 255 for place in (1, 3, 5)))
        node.SetLineStyle((node.LineStyleDash if series.dashed else node.LineStyleSolid) if series.line else node.LineStyleNone)
        node.SetLineWidth(series.width)
        style = node.MarkerStyleSquare if series.square else node.MarkerStyleCircle
        node.SetMarkerStyle(style if series.marker else node.MarkerStyleNone)
        node.SetMarkerSize(series.size)


def _with_legend(y_range: tuple[float, float] | None, series: Sequence[ChartSeries]) -> tuple[float, float] | None:
    """Limits with room for the legend in the upper corner; None where there is no number."""
    numbers = np.concatenate([np.empty(0), *(np.asarray(one.y, np.float64) for one in series)])
    numbers = numbers[~np.isnan(numbers)]
    if y_range is None and not numbers.size:
        return None
    low, high = y_range or (float(numbers.min()), float(numbers.max()))
    height = max(high - low, 1e-6 * max(abs(high), 1e-6)) * (1.0 if y_range else 1.05)
    room = min(0.05 + _LEGEND_LINE * len(series), 0.6)
    return (high - height if y_range is None else low, (high - height) + height / (1.0 - room))
