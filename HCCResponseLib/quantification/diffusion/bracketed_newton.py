"""Newton's method in one variable for many voxels at once, kept inside a bracket."""

from collections.abc import Callable

import numpy as np

__all__ = ["maximum_near"]

_STEPS = 100


def maximum_near(slope_and_curvature: Callable, grid: np.ndarray, index: np.ndarray, *parameters: np.ndarray) -> np.ndarray:
    """Find the maximum of a function of one variable between the neighbours of a grid point, for every voxel.

    :param slope_and_curvature: called with the variable (voxels,) and ``parameters``; returns first and second derivative
        (voxels,), up to one positive factor.
    :param grid: increasing values of the variable.
    :param index: (voxels,) grid point at which the function is higher than at its neighbours.
    :param parameters: arrays with voxels along the last axis.
    :return: (voxels,) position of the maximum; an end of the grid where the function still rises there.
    """
    result = np.empty(index.shape)
    position, low, high = grid[index], grid[np.maximum(index - 1, 0)], grid[np.minimum(index + 1, len(grid) - 1)]
    active = np.arange(index.size)
    for _step in range(_STEPS):
        if active.size == 0:
            break
        slope, curvature = slope_and_curvature(position, *parameters)
        rising = slope > 0
        low, high = np.where(rising, position, low), np.where(rising, high, position)
        newton = position - slope / curvature
        usable = (curvature < 0) & (newton >= low) & (newton <= high)
        following = np.where(usable, newton, 0.5 * (low + high))
        # Newton's next error is about the square of the step; halving needs the full precision.
        done = np.abs(following - position) <= np.where(usable, 1e-7, 1e-14) * position
        done |= low == high
        result[active] = position = following
        if done.any():
            going = ~done
            active, position, low, high = active[going], position[going], low[going], high[going]
            parameters = [np.compress(going, array, axis=-1) for array in parameters]
    return result
