"""Two-compartment exchange: plasma, fed by the flow F, exchanges with the extravascular space through PS.

vp dCp/dt = F (Ca - Cp) - PS (Cp - Ce), ve dCe/dt = PS (Cp - Ce), C = vp Cp + ve Ce (Sourbron and Buckley, Phys Med Biol 2012;57:R1-R33;
Magn Reson Imaging review, NMR Biomed 2013;26:1004-1027). The solution is two exponentials,

    C = Ca * [A exp(-alpha t) + B exp(-beta t)],    alpha > beta,

and F = A + B; 1 / TB = (A alpha + B beta) / F with TB = vp / F; PS / vp = alpha + beta - alpha beta TB - 1 / TB; ve = PS / (alpha beta TB).
All four are positive exactly where A and B are: 1 / TB then lies between beta and alpha. So A, B >= 0 is the whole constraint.

Linear: A and B. Non-linear: alpha, beta and, when it is fitted, the delay.
"""

import numpy as np

from .axis import Axis, rate_axis
from .bounds import Bounds
from .delay import delayed_times
from .input_function import InputFunction
from .separable import SeparableModel
from .status import Status, flagged

__all__ = ["FASTEST_RATE", "TwoCompartmentExchange"]

_NODES = 56
_NODES_WITH_DELAY = 32

FASTEST_RATE = 120.0
"""1/min; a plasma transit of 0.5 s is beyond what images every second or more can tell."""

_SMALLEST_GAP = 0.5
"""Nodes between alpha and beta: closer exponentials are one."""


class TwoCompartmentExchange(SeparableModel):
    """Two-compartment exchange: maps plasma flow, PS, Ktrans = F PS / (F + PS) and kep = Ktrans / ve [1/min], ve, vp, a fitted delay."""

    name = "two_compartment_exchange"
    outputs = ("plasma_flow", "ps", "ktrans", "kep", "ve", "vp")

    def __init__(self, plasma: InputFunction, time_s: np.ndarray, bounds: Bounds, delay: Axis | float):
        """Tabulate the curves for images at ``time_s`` [s] and a fixed delay [s] or an axis of delays."""
        self._bounds = bounds
        fitted = isinstance(delay, Axis)
        count = _NODES_WITH_DELAY if fitted else _NODES
        fast, slow = (rate_axis(name, FASTEST_RATE, np.ptp(time_s) / 60, count) for name in ("alpha", "beta"))
        curves = np.moveaxis(plasma.convolved(fast.nodes, delayed_times(time_s, delay)), -1, 1)
        if fitted:
            self.outputs = (*self.outputs, "delay_s")
        super().__init__([fast, slow, delay] if fitted else [fast, slow], curves[:, :, None], curves[:, None])

    def allowed_nodes(self):
        """Return alpha > beta."""
        fast, slow = np.ix_(np.arange(self.axes[0].size), np.arange(self.axes[1].size))
        allowed = fast > slow
        return np.broadcast_to(allowed[..., None], self.grid) if len(self.axes) == 3 else allowed

    def within(self, position):
        """Keep alpha above beta."""
        position = super().within(position)
        position[1] = np.minimum(position[1], self.axes[1].upper - _SMALLEST_GAP)
        position[0] = np.maximum(position[0], position[1] + _SMALLEST_GAP)
        return position

    def parameters(self, theta, c1, c2):
        """Return F, PS, Ktrans, kep, ve and vp."""
        alpha, beta = theta["alpha"], theta["beta"]
        with np.errstate(divide="ignore", invalid="ignore"):
            flow = c1 + c2
            blood_rate = (c1 * alpha + c2 * beta) / flow
            vp = flow / blood_rate
            product = alpha * beta / blood_rate
            ps = vp * (alpha + beta - product - blood_rate)
            ktrans = flow * ps / (flow + ps)
            ve = ps / product
            maps = {"plasma_flow": flow, "ps": ps, "ktrans": ktrans, "kep": ktrans / ve, "ve": ve, "vp": vp}
        if "delay_s" in theta:
            maps["delay_s"] = theta["delay_s"]
        return maps

    def describe(self, theta, c1, c2, maps):
        """Flag bounds. With one exponential only, PS, Ktrans, kep and ve cannot be told, and vp is the whole volume.

        At the cap of alpha the plasma follows the artery: the flow is the cap times vp, a number that the data do not hold.
        """
        none = c1 + c2 <= 0
        one = ~none & ((c1 <= 0) | (c2 <= 0))
        for name in ("ps", "ktrans", "kep", "ve"):
            maps[name] = np.where(none | one, np.nan, maps[name])
        maps["vp"] = np.where(none, 0.0, maps["vp"])
        fast = (c1 > 0) & (theta["alpha"] >= FASTEST_RATE * (1 - 1e-9))
        maps["plasma_flow"] = np.where(fast, np.nan, maps["plasma_flow"])
        endless = maps["ve"] > self._bounds.ve
        wide = maps["vp"] > self._bounds.vp
        maps["ve"] = np.where(endless, np.nan, maps["ve"])
        maps["vp"] = np.where(wide, np.nan, maps["vp"])
        status = flagged(none, Status.NO_EXCHANGE) | flagged(one, Status.ONE_COMPARTMENT)
        status |= flagged(endless, Status.NO_WASHOUT) | flagged(wide, Status.VP_AT_MAXIMUM)
        status |= flagged(fast, Status.PLASMA_FLOW_TOO_FAST)
        return status
