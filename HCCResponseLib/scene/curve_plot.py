"""Curves in a chart: points and fitted lines in Slicer's own plot nodes, reused from one drawing to the next.

The tables and plot series are hidden from the data tree; the chart is not. No layout and no view is changed: whoever has a plot view
shows the chart in it.
"""

import re

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk

from .voxel_curve import Curve

__all__ = ["plain_text", "remove_chart", "show_curves"]

_POINTS, _LINE = "HCC.PointsSeries", "HCC.LineSeries"

_COLORS = (
    (0.0, 0.447, 0.698),
    (0.835, 0.369, 0.0),
    (0.0, 0.620, 0.451),
    (0.800, 0.475, 0.655),
    (0.902, 0.624, 0.0),
    (0.337, 0.706, 0.914),
)
"""Told apart by colour-blind readers too (Okabe and Ito, 2008)."""


def show_curves(curves: list[Curve], *, title: str = "", chart_node=None, name: str = "Curves"):
    """Draw curves into a chart: their samples as points, their fits as lines in the same colour.

    The axes are named by the first curve. A curve without samples or without a fit is left out there; none leaves the chart empty.

    :param title: above the chart; where empty, there is none.
    :param chart_node: chart drawn before; None makes a new one.
    :return: the chart node.
    """
    if chart_node is None:
        chart_node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode", name)
        # A plot in a panel is small.
        chart_node.SetTitleFontSize(14)
        chart_node.SetAxisTitleFontSize(12)
        chart_node.SetAxisLabelFontSize(11)
        chart_node.SetLegendFontSize(10)
    drawn = []
    for number, curve in enumerate(curves):
        color = _COLORS[number % len(_COLORS)]
        of_line, of_points = (f"{curve.name} {curve.fit_name}", curve.name) if curve.fit_name else (curve.name, f"{curve.name}, samples")
        for role, x, y, label in ((_LINE, curve.fit_x, curve.fit_y, of_line), (_POINTS, curve.x, curve.y, of_points)):
            finite = np.isfinite(x) & np.isfinite(y)
            if finite.any():
                drawn.append(_series(chart_node, role, number, x[finite], y[finite], plain_text(label), color))
    with slicer.util.NodeModify(chart_node):
        if [chart_node.GetNthPlotSeriesNodeID(n) for n in range(chart_node.GetNumberOfPlotSeriesNodes())] != [one.GetID() for one in drawn]:
            chart_node.RemoveAllPlotSeriesNodeIDs()
            for series_node in drawn:
                chart_node.AddAndObservePlotSeriesNodeID(series_node.GetID())
        if curves:
            chart_node.SetXAxisTitle(plain_text(curves[0].x_title))
            chart_node.SetYAxisTitle(plain_text(curves[0].y_title))
        chart_node.SetTitle(plain_text(title))
        chart_node.SetTitleVisibility(bool(title))
        chart_node.SetLegendVisibility(len(curves) > 1)
        _set_ranges(chart_node, curves)
    return chart_node


def remove_chart(chart_node) -> None:
    """Remove a chart with the tables and series that were made for it."""
    made = [
        chart_node.GetNthNodeReference(role, number)
        for role in (_POINTS, _LINE)
        for number in range(chart_node.GetNumberOfNodeReferences(role))
    ]
    for series_node in filter(None, made):
        table_node = series_node.GetTableNode()
        slicer.mrmlScene.RemoveNode(series_node)
        slicer.mrmlScene.RemoveNode(table_node)
    slicer.mrmlScene.RemoveNode(chart_node)


def plain_text(text: str) -> str:
    """Return a text as the font of the views can show it: 10^-3 for 10⁻³, a question mark for what it does not have."""
    superscripts = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    text = re.sub("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda found: "^" + found[0].translate(superscripts), text).replace("–", "-").replace("µ", "u")
    return text.encode("latin-1", "replace").decode("latin-1")


def _set_ranges(chart_node, curves: list[Curve]) -> None:
    """Fit the axes to what is drawn; 0 belongs to it where all is above and not far away."""
    for axis, samples in (("X", [(curve.x, curve.fit_x) for curve in curves]), ("Y", [(curve.y, curve.fit_y) for curve in curves])):
        values = np.concatenate([np.empty(0), *(part for pair in samples for part in pair)])
        values = values[np.isfinite(values)]
        getattr(chart_node, f"Set{axis}AxisRangeAuto")(values.size == 0)
        if values.size:
            low, high = float(values.min()), float(values.max())
            margin = 0.05 * (high - low) or abs(high) or 1.0
            low = low if axis == "X" else 0.0 if 0 <= low < high / 2 else low - margin
            getattr(chart_node, f"Set{axis}AxisRange")(low, high if axis == "X" and high > low else high + margin)


def _series(chart_node, role: str, number: int, x, y, label: str, color):
    series_node = chart_node.GetNthNodeReference(role, number)
    if series_node is None:
        table_node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLTableNode")
        series_node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLPlotSeriesNode")
        for node in (table_node, series_node):
            # Before it enters the scene, or the data tree would list it.
            node.SetHideFromEditors(True)
            node.UnRegister(None)
            slicer.mrmlScene.AddNode(node)
        series_node.SetAndObserveTableNodeID(table_node.GetID())
        series_node.SetXColumnName("x")
        series_node.SetYColumnName("y")
        series_node.SetPlotType(series_node.PlotTypeScatter)
        series_node.SetColor(color)
        if role == _POINTS:
            series_node.SetLineStyle(series_node.LineStyleNone)
            series_node.SetMarkerStyle(series_node.MarkerStyleCircle)
            series_node.SetMarkerSize(6)
        else:
            series_node.SetMarkerStyle(series_node.MarkerStyleNone)
            series_node.SetLineStyle(series_node.LineStyleSolid)
            series_node.SetLineWidth(2)
        chart_node.SetNthNodeReferenceID(role, number, series_node.GetID())
    series_node.SetName(label)
    columns = vtk.vtkTable()
    for column, values in (("x", x), ("y", y)):
        array = numpy_to_vtk(np.ascontiguousarray(values, np.float64), deep=True)
        array.SetName(column)
        columns.AddColumn(array)
    series_node.GetTableNode().SetAndObserveTable(columns)
    return series_node
