"""B1 maps: the reached part of the nominal flip angle, as a fraction or in percent."""

import numpy as np

from ..errors import InputError
from .dynamic_curves import voxel_at
from .examination_volumes import array_on_grid_of
from .input_check import Finding, Level
from .volumes import volume_array

__all__ = ["b1_at", "b1_fraction", "b1_of_t1_map", "b1_scale", "check_b1", "remember_b1"]

_REFERENCE, _ATTRIBUTE = "HCC.B1Map", "HCC.B1"

_PERCENT_FROM = 3.0
"""A map whose median is above this is in percent."""


def check_b1(b1_node) -> Finding:
    """Tell what a B1 map says, and whether it can be one."""
    try:
        median = _median(b1_node)
    except InputError as error:
        return Finding(Level.ERROR, str(error))
    percent = median > _PERCENT_FROM
    text = f"B1 map '{b1_node.GetName()}': the median is {median:.3g}{' %' if percent else ' of the nominal flip angle'}."
    if 0.5 < (median / 100 if percent else median) < 1.5:
        return Finding(Level.GOOD, text)
    return Finding(Level.WARNING, f"{text} That is far from the nominal angle; check the map.")


def b1_fraction(b1_node, grid_node) -> np.ndarray | None:
    """Return B1 as a fraction on the grid of a volume (k, j, i), NaN where the map does not reach; None for no map.

    :raises InputError: the map has no value above 0.
    """
    return None if b1_node is None else array_on_grid_of(b1_node, grid_node) * np.float64(b1_scale(b1_node))


def b1_at(b1_node, point_ras) -> float | None:
    """Return B1 as a fraction at a point (world, RAS mm); None for no map, and beside it.

    :raises InputError: the map has no value above 0.
    """
    voxel = None if b1_node is None else voxel_at(b1_node, point_ras)
    return None if voxel is None else float(volume_array(b1_node)[voxel]) * b1_scale(b1_node)


def b1_scale(b1_node) -> float:
    """Return the factor that makes a fraction of the values of a B1 map.

    :raises InputError: the map has no value above 0.
    """
    return 0.01 if _median(b1_node) > _PERCENT_FROM else 1.0


def remember_b1(map_node, b1_node) -> None:
    """Write at a map with which B1 map it was made; None: with the nominal angles."""
    map_node.SetNodeReferenceID(_REFERENCE, None if b1_node is None else b1_node.GetID())
    map_node.SetAttribute(_ATTRIBUTE, None if b1_node is None else b1_node.GetName())


def b1_of_t1_map(t1_map):
    """Return the B1 map that a T1 map was made with, which concentrations from it need as well; None where there was none.

    :raises InputError: there was one, and it is no longer in the scene.
    """
    if t1_map is None:
        return None
    name, node = t1_map.GetAttribute(_ATTRIBUTE), t1_map.GetNodeReference(_REFERENCE)
    if name and node is None:
        raise InputError(
            f"T1 map '{t1_map.GetName()}' was made with the B1 map '{name}', which is no longer in the scene, and concentrations need it "
            "too; load it and compute the T1 map again.",
        )
    return node


def _median(b1_node) -> float:
    values = volume_array(b1_node)
    usual = values[np.isfinite(values) & (values > 0)]
    if not usual.size:
        raise InputError(f"B1 map '{b1_node.GetName()}' has no value above 0; choose another, or none.")
    return float(np.median(usual))
