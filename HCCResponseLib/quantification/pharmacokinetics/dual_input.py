"""Two inputs, hepatic artery and portal vein.

``DualInput`` is one liver compartment fed by both (Materne et al., Magn Reson Med 2002;47:135-142):

    C(t) = integral of [k1a Ca(s - ta) + k1p Cp(s - tp)] exp(-k2 (t - s)) ds,

arterial fraction k1a / (k1a + k1p), total plasma flow k1a + k1p, distribution volume (k1a + k1p) / k2, mean transit time 1 / k2.
Linear: k1a and k1p. Non-linear: k2 and the fitted delays.

``DualInputExtendedTofts`` puts the mixture a Ca(t - ta) + (1 - a) Cp(t - tp), a the arterial fraction, into the extended Tofts model.
Linear: Ktrans and vp. Non-linear: kep, a and one fitted delay.
"""

import numpy as np

from ...errors import InputError
from .axis import Axis, linear_axis, rate_axis
from .bounds import Bounds
from .delay import delayed_times
from .input_function import InputFunction
from .separable import SeparableModel
from .status import Status, flagged
from .tofts import NO_WASHOUT_KEP, ExtendedTofts

__all__ = ["DualInput", "DualInputExtendedTofts"]

_NODES = 49
_FRACTION_STEP = 0.1


class DualInput(SeparableModel):
    """Materne: maps arterial fraction, plasma flow [1/min], distribution volume, mean transit time [s], and the fitted delays."""

    name = "dual_input"
    outputs = ("arterial_fraction", "plasma_flow", "distribution_volume", "mean_transit_time_s")
    rate_can_vanish = True

    def __init__(
        self,
        arterial: InputFunction,
        portal: InputFunction,
        time_s: np.ndarray,
        bounds: Bounds,
        arterial_delay: Axis | float,
        portal_delay: Axis | float,
    ):
        """Tabulate the curves for images at ``time_s`` [s]; each delay is a number [s] or an axis."""
        self._bounds = bounds
        rate = rate_axis("k2", bounds.kep, np.ptp(time_s) / 60, _NODES, stride=2)
        delays = [delay for delay in (arterial_delay, portal_delay) if isinstance(delay, Axis)]
        self.outputs = self.outputs + tuple(delay.name for delay in delays)
        curves = []
        for plasma, delay in ((arterial, arterial_delay), (portal, portal_delay)):
            curve = np.moveaxis(plasma.convolved(rate.nodes, delayed_times(time_s, delay)), -1, 1)
            if isinstance(delay, Axis) and len(delays) == 2:
                curve = curve[..., None] if delay is arterial_delay else curve[:, :, None]
            elif delays and not isinstance(delay, Axis):
                curve = curve[..., None]
            curves.append(curve)
        super().__init__([rate, *delays], *curves)

    def limits(self, theta):
        """Return k1a + k1p <= k2 ve_max: the distribution volume is bounded as ve is."""
        limit = theta["k2"] * self._bounds.ve
        return limit, limit, True

    def without_washout(self, theta, c1, c2):
        """Without washout the distribution volume has no bound to be held at."""
        return theta["k2"] < NO_WASHOUT_KEP

    def parameters(self, theta, c1, c2):
        """Return arterial fraction, total plasma flow, distribution volume and mean transit time."""
        flow = c1 + c2
        delays = {name: value for name, value in theta.items() if name != "k2"}
        with np.errstate(divide="ignore", invalid="ignore"):
            return {
                "arterial_fraction": c1 / flow,
                "plasma_flow": flow,
                "distribution_volume": flow / theta["k2"],
                "mean_transit_time_s": 60 / theta["k2"],
                **delays,
            }

    def describe(self, theta, c1, c2, maps):
        """Flag bounds; NaN what no flow or no washout leaves unknown."""
        flow = c1 + c2
        none = flow <= 0
        volume = theta["k2"] * self._bounds.ve
        endless = ~none & (theta["k2"] <= 0)
        for name in ("distribution_volume", "mean_transit_time_s"):
            maps[name] = np.where(none | endless, np.nan, maps[name])
        maps["arterial_fraction"] = np.where(none, np.nan, maps["arterial_fraction"])
        status = flagged(none, Status.NO_EXCHANGE) | flagged(endless, Status.NO_WASHOUT)
        status |= flagged(~none & ~endless & (flow >= volume * (1 - 1e-12)), Status.VE_AT_MAXIMUM)
        status |= flagged(~none & (theta["k2"] >= self._bounds.kep * (1 - 1e-9)), Status.KEP_AT_MAXIMUM)
        status |= flagged(~none & ((c1 <= 0) | (c2 <= 0)), Status.ARTERIAL_FRACTION_AT_LIMIT)
        return status


class DualInputExtendedTofts(ExtendedTofts):
    """Extended Tofts on the mixture of both inputs: its maps, the arterial fraction, and a fitted delay."""

    name = "dual_input_extended_tofts"
    outputs = ("ktrans", "kep", "ve", "vp", "arterial_fraction")

    def __init__(
        self,
        arterial: InputFunction,
        portal: InputFunction,
        time_s: np.ndarray,
        bounds: Bounds,
        arterial_delay: Axis | float,
        portal_delay: Axis | float,
    ):
        """Tabulate the curves for images at ``time_s`` [s]; one delay may be an axis.

        :raises InputError: both delays are ranges.
        """
        self._bounds, self._duration_min = bounds, np.ptp(time_s) / 60
        delays = [delay for delay in (arterial_delay, portal_delay) if isinstance(delay, Axis)]
        if len(delays) > 1:
            raise InputError(
                "The dual-input extended Tofts model can fit one of the two delays, not both; give a number for the arterial or the "
                "portal-venous delay.",
            )
        rate = rate_axis("kep", bounds.kep, np.ptp(time_s) / 60, _NODES, stride=2)
        fraction = linear_axis("arterial_fraction", 0.0, 1.0, _FRACTION_STEP, reach=2)
        self.outputs = self.outputs + tuple(delay.name for delay in delays)
        exchange, vascular = [], []
        for plasma, delay in ((arterial, arterial_delay), (portal, portal_delay)):
            times = delayed_times(time_s, delay)
            # (n, kep, fraction, delay)
            curve, level = np.moveaxis(plasma.convolved(rate.nodes, times), -1, 1)[:, :, None], plasma(times)[:, None, None]
            if delays and not isinstance(delay, Axis):
                curve, level = curve[..., None], level[..., None]
            exchange.append(curve)
            vascular.append(level)
        share = fraction.nodes[:, None] if delays else fraction.nodes
        super(ExtendedTofts, self).__init__(
            [rate, fraction, *delays],
            share * exchange[0] + (1 - share) * exchange[1],
            share * vascular[0] + (1 - share) * vascular[1],
        )

    def parameters(self, theta, c1, c2):
        """Return Ktrans, kep, ve, vp, the arterial fraction and a fitted delay."""
        return {**super().parameters(theta, c1, c2), **{name: value for name, value in theta.items() if name != "kep"}}

    def describe(self, theta, c1, c2, maps):
        """Flag bounds; the arterial fraction is NaN where nothing enhances."""
        status = super().describe(theta, c1, c2, maps)
        nothing = (c1 <= 0) & (c2 <= 0)
        fraction = theta["arterial_fraction"]
        maps["arterial_fraction"] = np.where(nothing, np.nan, fraction)
        return status | flagged(~nothing & ((fraction <= 1e-9) | (fraction >= 1 - 1e-9)), Status.ARTERIAL_FRACTION_AT_LIMIT)
