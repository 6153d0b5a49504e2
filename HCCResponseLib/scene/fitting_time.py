"""How long the fit of a dynamic series will take, told from the fit of a few of its voxels."""

import time
from dataclasses import dataclass

import numpy as np

from .b1_maps import b1_fraction, b1_of_t1_map
from .concentration import conversion_of, tissue_t1
from .dynamic_curves import grid_volume, read_curves
from .input_table import input_function
from .map_region import region_mask
from .prepared_models import prepared_model

__all__ = ["Expected", "expected_fit"]

_TRIED = 400
"""Voxels; some hundredths of a second."""


@dataclass(frozen=True)
class Expected:
    """What a fit will take.

    :param voxels: that are looked at, the air with them.
    :param seconds: on this machine, as busy as it is now.
    """

    voxels: int
    seconds: float


def expected_fit(
    sequence_node,
    input_node,
    *,
    relaxivity: float,
    t1_map=None,
    t1_s: float | None = None,
    model: str = "extended_tofts",
    delay_s=0.0,
    portal_node=None,
    portal_delay_s=0.0,
    baseline: int | None = None,
    region=None,
) -> Expected:
    """Fit some voxels spread over the region and return how long all of them will take; settings are those of ``compute_perfusion``.

    :raises HCCResponseError: they cannot be fitted so.
    """
    grid = grid_volume(sequence_node)
    mask = region_mask(region, grid)
    conversion = conversion_of(sequence_node, input_function(input_node).arrival_s, relaxivity, baseline=baseline)
    t1, b1 = tissue_t1(grid, t1_map, t1_s), b1_fraction(b1_of_t1_map(t1_map), grid)
    voxels = np.arange(np.prod(grid.GetImageData().GetDimensions())) if mask is None else np.flatnonzero(mask)
    tried = voxels[:: max(1, len(voxels) // _TRIED)][:_TRIED]
    ready = prepared_model(input_node, portal_node, conversion.time_s, model, delay_s, portal_delay_s)
    start = time.perf_counter()
    t1, b1 = (values.reshape(-1)[tried] if np.ndim(values) else values for values in (t1, b1))
    curves = conversion.concentrations(read_curves(sequence_node, tried), t1, b1)
    ready.fit(curves.concentration, mask=curves.valid)
    return Expected(len(voxels), (time.perf_counter() - start) * len(voxels) / max(1, len(tried)))
