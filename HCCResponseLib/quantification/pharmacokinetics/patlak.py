"""Patlak: uptake without return, C(t) = vp Cp(t) + Ktrans integral of Cp (Patlak et al., J Cereb Blood Flow Metab 1983;3:1-7).

Fitted as C against Cp and its integral, not as the ratio plot of the paper, whose noise grows without bound where Cp is small.
"""

import numpy as np

from .axis import Axis
from .bounds import Bounds
from .delay import delayed_times
from .input_function import InputFunction
from .separable import SeparableModel
from .status import Status, flagged

__all__ = ["Patlak"]


class Patlak(SeparableModel):
    """Patlak: maps Ktrans (PS for a tight vessel wall) [1/min], vp, and the delay when it is fitted."""

    name = "patlak"
    outputs = ("ktrans", "vp")

    def __init__(self, plasma: InputFunction, time_s: np.ndarray, bounds: Bounds, delay: Axis | float):
        """Tabulate the curves for images at ``time_s`` [s] and a fixed delay [s] or an axis of delays."""
        self._bounds = bounds
        times = delayed_times(time_s, delay)
        if isinstance(delay, Axis):
            self.outputs = (*self.outputs, "delay_s")
        super().__init__([delay] if isinstance(delay, Axis) else [], plasma.convolved([0.0], times)[..., 0], plasma(times))

    def limits(self, theta):
        """Return vp <= vp_max; Ktrans has no upper bound."""
        return np.inf, self._bounds.vp, False

    def parameters(self, theta, c1, c2):
        """Return Ktrans and vp."""
        return {"ktrans": c1, "vp": c2, **theta}

    def describe(self, theta, c1, c2, maps):
        """Flag bounds."""
        status = flagged(c1 <= 0, Status.NO_EXCHANGE) | flagged(c2 <= 0, Status.VP_AT_ZERO)
        return (status | flagged(c2 >= self._bounds.vp, Status.VP_AT_MAXIMUM))
