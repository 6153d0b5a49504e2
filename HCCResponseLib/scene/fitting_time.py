"""How long the fit of a dynamic series will take, told from the fit of a few of its voxels."""

import time
from dataclasses import dataclass

import numpy as np

from .dynamic_curves import grid_volume
from .map_region import region_mask
from .perfusion_fit import voxel_fit
from .volumes import volume_array

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


def expected_fit(sequence_node, input_node, *, region=None, **settings) -> Expected:
    """Fit some voxels spread over the region and return how long all of them will take.

    :param settings: as for :func:`.perfusion_fit.voxel_fit`; ``region`` as for :func:`.perfusion.compute_perfusion`.
    :raises HCCResponseError: they cannot be fitted so.
    """
    grid = grid_volume(sequence_node)
    mask = region_mask(region, grid)
    voxels = np.arange(volume_array(grid).size) if mask is None else np.flatnonzero(mask)
    tried = voxels[:: max(1, len(voxels) // _TRIED)][:_TRIED]
    ready = voxel_fit(sequence_node, input_node, **settings)
    start = time.perf_counter()
    ready.fit(tried)
    return Expected(len(voxels), (time.perf_counter() - start) * len(voxels) / max(1, len(tried)))
