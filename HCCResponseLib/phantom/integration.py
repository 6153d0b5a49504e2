"""Fine-step integration of compartments: the numerical truth of the digital reference objects.

Classical fourth-order Runge-Kutta on the compartments' differential equations with steps of at most 0.05 s. It needs neither
convolution nor impulse responses nor a straight line between samples, so it shares nothing with the estimators it judges.
"""

from collections.abc import Callable

import numpy as np

from ..errors import InputError

__all__ = ["LONGEST_STEP_S", "integrate"]

LONGEST_STEP_S = 0.05

# Step times fastest rate; the relative error of Runge-Kutta is about its fourth power over 120: below 1e-8.
_LARGEST_PRODUCT = 0.03


def integrate(
    derivative: Callable[[np.ndarray, np.ndarray], np.ndarray],
    states: int,
    time_s: np.ndarray,
    plasma_input,
    delay_s: np.ndarray,
    *,
    shape: tuple[int, ...],
    fastest_rate: float,
    step_s: float = LONGEST_STEP_S,
) -> np.ndarray:
    """Integrate d state / dt = derivative(state, input(t - delay)) from rest.

    :param derivative: of the state, shape (states, voxels), and the input, shape (voxels) or (1,), per second.
    :param states: number of compartments.
    :param time_s: increasing times at which the state is wanted [s], shape (times,).
    :param plasma_input: an InputFunction; its start is a step boundary in every voxel.
    :param delay_s: arrival delay per voxel [s], shape (voxels,), or (1,) for one delay in all.
    :param shape: (voxels,).
    :param fastest_rate: the largest rate constant of any voxel [1/s]; steps are shortened for fast ones.
    :param step_s: longest step [s].
    :return: states at the times, shape (states, voxels, times).
    :raises InputError: times do not increase or the step is above 0.05 s.
    """
    time_s = np.asarray(time_s, np.float64)
    if time_s.ndim != 1 or np.any(np.diff(time_s) <= 0):
        raise InputError("The times of a reference object must be one increasing list of seconds.")
    if not 0 < step_s <= LONGEST_STEP_S:
        raise InputError(f"The step of a reference object must be above 0 and at most {LONGEST_STEP_S} s; {step_s} s was asked for.")
    step_s = min(step_s, _LARGEST_PRODUCT / fastest_rate) if fastest_rate > 0 else step_s

    # In each voxel's own time, nothing happens before the input starts: waiting there puts its jump on a step boundary.
    moments = np.maximum(time_s - delay_s[:, None], plasma_input.start_s)
    now = np.full(delay_s.shape, plasma_input.start_s)
    state = np.zeros((states, *shape))
    result = np.empty((states, *shape, time_s.size))
    for index in range(time_s.size):
        length = moments[:, index] - now
        count = int(np.ceil(length.max() / step_s))
        if count:
            step = length / count
            inputs = plasma_input(now + step * np.arange(0, count + 0.5, 0.5)[:, None])
            for first in range(0, 2 * count, 2):
                slope1 = derivative(state, inputs[first])
                slope2 = derivative(state + step / 2 * slope1, inputs[first + 1])
                slope3 = derivative(state + step / 2 * slope2, inputs[first + 1])
                slope4 = derivative(state + step * slope3, inputs[first + 2])
                state = state + step / 6 * (slope1 + 2 * (slope2 + slope3) + slope4)
        result[..., index] = state
        now = moments[:, index]
    return result
