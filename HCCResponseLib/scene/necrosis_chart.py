"""Histogram of the enhancement in a lesion, with the threshold drawn in."""

import numpy as np

from ..lesions.necrosis_threshold import PHASE, RELATIVE_ENHANCEMENT, SUBTRACTION
from ..report.colours import INK, PART_COLOURS
from .charts import ChartSeries, update_chart

__all__ = ["chart_enhancement"]

_TITLES = {
    SUBTRACTION: ("signal after minus before contrast", 1.0),
    RELATIVE_ENHANCEMENT: ("relative enhancement, %", 100.0),
    PHASE: ("signal after contrast", 1.0),
}
_MOST_BINS = 48


def chart_enhancement(values: np.ndarray, threshold, *, title: str = ""):
    """Fill the chart of the enhancement in one or several lesions and return its node.

    :param values: what the threshold is compared with, of every voxel (1-D); non-finite values are left out.
    :param threshold: one of :mod:`HCCResponseLib.lesions.necrosis_threshold`.
    """
    x_title, factor = _TITLES[threshold.quantity]
    values = np.asarray(values, dtype=float)
    values = factor * values[np.isfinite(values)]
    at = factor * threshold.value
    if not values.size:
        return update_chart("enhancement", [], title=title, x_title=x_title, y_title="voxels")
    # Single bright voxels (vessels, noise) would squeeze all the others into a few bins.
    low, high = np.percentile(values, (0.5, 99.5))
    low, high = min(low, at), max(high, at)
    margin = 0.03 * max(high - low, 1e-6)
    edges = np.linspace(low - margin, high + margin, 1 + int(np.clip(np.sqrt(values.size), 8, _MOST_BINS)))
    counts, _edges = np.histogram(values, edges)
    series = []
    for name, shown in (("necrotic", edges[:-1] < at), ("viable", edges[1:] > at)):
        xs, ys = _steps(edges, np.where(shown, counts, 0), name == "necrotic", at)
        series.append(ChartSeries(name, xs, ys, PART_COLOURS[name], marker=False, width=3.0))
    top = float(counts.max()) * 1.1
    series.append(ChartSeries("threshold", [at, at], [0.0, top], INK, marker=False, dashed=True))
    return update_chart("enhancement", series, title=title, x_title=x_title, y_title="voxels", x_range=(edges[0], edges[-1]))


def _steps(edges: np.ndarray, counts: np.ndarray, below: bool, at: float) -> tuple[np.ndarray, np.ndarray]:
    """The outline of the bars on one side of the threshold; the bar that it stands in belongs to both, up to it."""
    xs = np.repeat(edges, 2)[1:-1]
    ys = np.repeat(counts, 2).astype(float)
    side = xs <= at if below else xs >= at
    xs, ys = xs[side], ys[side]
    if not xs.size:
        return np.array([at]), np.array([0.0])
    inner = int(np.clip(np.searchsorted(edges, at, side="right") - 1, 0, counts.size - 1))
    end = (np.array([at, at]), np.array([float(counts[inner]), 0.0]))
    if below:
        return np.concatenate([xs[:1], xs, end[0]]), np.concatenate([[0.0], ys, end[1]])
    return np.concatenate([end[0][::-1], xs, xs[-1:]]), np.concatenate([end[1][::-1], ys, [0.0]])
