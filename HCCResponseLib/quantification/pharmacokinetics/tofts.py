"""Tofts and extended Tofts.

Tissue exchanges with plasma through one well-mixed compartment, ve dCe/dt = Ktrans (Cp - Ce) (Tofts, J Magn Reson Imaging
1997;7:91-101), so C(t) = vp Cp(t) + Ktrans integral of Cp(s) exp(-kep (t - s)) ds, kep = Ktrans / ve; vp = 0 in the first form
(Tofts et al., J Magn Reson Imaging 1999;10:223-232). With the delay d the input is Cp(t - d).

Linear: Ktrans and vp. Non-linear: kep and, when it is fitted, the delay.
"""

import numpy as np

from .axis import Axis, rate_axis
from .bounds import Bounds
from .delay import delayed_times
from .input_function import InputFunction
from .interpolation import interpolation_error
from .separable import SeparableModel
from .status import Status, flagged

__all__ = ["NO_WASHOUT_KEP", "ExtendedTofts", "Tofts"]

_NODES = 96
_MOST_NODES = 500
_LARGEST_ERROR = 2e-10
_NODES_WITH_DELAY = 49

NO_WASHOUT_KEP = 1e-3
"""1/min. Where ve would exceed its bound, a smaller kep is called 0: ve = Ktrans / kep is meaningless."""


class ExtendedTofts(SeparableModel):
    """Extended Tofts: maps Ktrans, kep [1/min], ve, vp, and the delay when it is fitted."""

    name = "extended_tofts"
    outputs = ("ktrans", "kep", "ve", "vp")
    rate_can_vanish = True

    def __init__(self, plasma: InputFunction, time_s: np.ndarray, bounds: Bounds, delay: Axis | float):
        """Tabulate the curves for images at ``time_s`` [s] and a fixed delay [s] or an axis of delays."""
        self._bounds, self._duration_min = bounds, np.ptp(time_s) / 60
        times = delayed_times(time_s, delay)
        vascular = plasma(times)[:, None]
        if isinstance(delay, Axis):
            rate = rate_axis("kep", bounds.kep, self._duration_min, _NODES_WITH_DELAY, stride=2)
            exchange = np.moveaxis(plasma.convolved(rate.nodes, times), -1, 1)
            self.outputs = (*self.outputs, "delay_s")
            super().__init__([rate, delay], exchange, self._second(vascular))
        else:
            rate, exchange = self._smooth_enough(plasma, times, self._second(vascular))
            super().__init__([rate], exchange, self._second(vascular))

    def _smooth_enough(self, plasma, times, vascular) -> tuple[Axis, np.ndarray]:
        """Return an axis of kep, and the curves at its nodes, on which the part of the curves that vp cannot explain is smooth.

        Where the images miss the bolus that part is small and turns quickly with kep, and more nodes are needed.
        """
        count = _NODES
        while True:
            rate = rate_axis("kep", self._bounds.kep, self._duration_min, count)
            exchange = plasma.convolved(rate.nodes, times)
            rest = exchange
            if vascular is not None:
                rest = exchange - vascular * ((vascular * exchange).sum(axis=0) / max((vascular * vascular).sum(), np.finfo(float).tiny))
            length = np.linalg.norm(rest, axis=0)
            smooth = not length.all() or interpolation_error(rest / length, rate.reach) < _LARGEST_ERROR
            if smooth or count >= _MOST_NODES:
                return rate, exchange
            count = 2 * count - 1

    def _second(self, vascular):
        return vascular

    def limits(self, theta):
        """Return Ktrans <= kep ve_max and vp <= vp_max."""
        return theta["kep"] * self._bounds.ve, self._bounds.vp, False

    def without_washout(self, theta, c1, c2):
        """Without washout ve has no bound to be held at: Ktrans is that of the Patlak model."""
        return (theta["kep"] < NO_WASHOUT_KEP) & (c2 <= self._bounds.vp)

    def parameters(self, theta, c1, c2):
        """Return Ktrans, kep, ve and vp."""
        with np.errstate(divide="ignore", invalid="ignore"):
            maps = {"ktrans": c1, "kep": theta["kep"], "ve": c1 / theta["kep"], "vp": c2}
        if "delay_s" in theta:
            maps["delay_s"] = theta["delay_s"]
        return maps

    def describe(self, theta, c1, c2, maps):
        """Flag bounds; kep and ve are NaN without exchange, ve without washout, the delay without any enhancement."""
        # Uptake of a millionth of the plasma is rounding: a vessel without noise has no kep.
        none = c1 * self._duration_min <= 1e-6 * c2
        maps["ktrans"] = np.where(none, 0.0, maps["ktrans"])
        endless = ~none & (theta["kep"] <= 0)
        maps["kep"] = np.where(none, np.nan, np.minimum(maps["kep"], self._bounds.kep))
        maps["ve"] = np.where(none | endless, np.nan, maps["ve"])
        status = flagged(none, Status.NO_EXCHANGE) | flagged(endless, Status.NO_WASHOUT)
        status |= flagged(~none & ~endless & (c1 >= theta["kep"] * self._bounds.ve * (1 - 1e-12)), Status.VE_AT_MAXIMUM)
        status |= flagged(~none & (theta["kep"] >= self._bounds.kep * (1 - 1e-9)), Status.KEP_AT_MAXIMUM)
        return status | self._describe_vp(c2)

    def _describe_vp(self, vp):
        return flagged(vp <= 0, Status.VP_AT_ZERO) | flagged(vp >= self._bounds.vp, Status.VP_AT_MAXIMUM)


class Tofts(ExtendedTofts):
    """Tofts: maps Ktrans, kep [1/min], ve, and the delay when it is fitted.

    On tissue with plasma the missing vp goes into Ktrans: with vp = 0.05 it comes out half as high again.
    """

    name = "tofts"
    outputs = ("ktrans", "kep", "ve")
    linear = 1

    def _second(self, vascular):
        return None

    def parameters(self, theta, c1, c2):
        """Return Ktrans, kep and ve."""
        maps = super().parameters(theta, c1, c2)
        del maps["vp"]
        return maps

    def _describe_vp(self, vp):
        return np.zeros(vp.shape, np.uint16)
