"""The portal-venous input where the vein itself cannot be measured."""

from collections.abc import Callable

import numpy as np
from scipy.signal import lfilter

from ...errors import InputError
from ..time_axis import checked_time
from .measured import InputWarning, MeasuredInput, Vessel

__all__ = ["portal_from_arterial"]

_STEP_S = 0.1


def portal_from_arterial(
    arterial: MeasuredInput | Callable[[np.ndarray], np.ndarray],
    time_s,
    *,
    delay_s: float = 5.0,
    transit_s: float = 15.0,
) -> MeasuredInput:
    """Derive a portal-venous input from the arterial one: late, and dispersed by the splanchnic bed as one well-mixed compartment,

    Cpv(t) = 1/T integral of Ca(s - delay) exp(-(t - s)/T) ds, T the transit time.

    **Low confidence**: the splanchnic transit of this patient is not known, and cirrhosis and portal hypertension change it. The default
    adds up to 20 s, the mean transit of an intravascular tracer from aorta to portal vein in pigs (0.35 min: Munk et al., Am J Physiol
    Gastrointest Liver Physiol 2003). A measured portal vein (``from_region``) is better whenever it is in the images.

    :param arterial: arterial **plasma** input [mM] of time [s]: a measured input or a callable.
    :param time_s: image times [s] for which the input is wanted; it is computed from the first to the last of them.
    :param delay_s: time from the arterial input until the portal vein begins to enhance [s].
    :param transit_s: mean transit time of the splanchnic bed [s].
    :return: marked ``low_confidence``; its samples are every 0.1 s or less.
    :raises InputError: delay below 0, transit time not above 0, times not increasing, or an input that is not finite or never above 0.
    """
    if not 0 <= delay_s < np.inf or not 0 < transit_s < np.inf:
        raise InputError(f"The portal delay must be 0 s or more and the transit time above 0 s; {delay_s} and {transit_s} were found.")
    time_s = checked_time(time_s, np.size(time_s))
    if time_s.size < 2:
        raise InputError("A portal-venous input is derived for two or more image times.")
    # A population input may have begun before the first image.
    start = min(0.0, time_s[0])
    steps = int(np.ceil((time_s[-1] - start) / _STEP_S))
    fine = np.linspace(start, time_s[-1], steps + 1)
    feed = np.asarray(arterial(fine - delay_s), np.float64)
    if feed.shape != fine.shape or not np.all(np.isfinite(feed)) or not feed.max() > 0:
        raise InputError("The arterial input must give a finite concentration at every time, above 0 at some; check it first.")
    # Exact for straight lines between the fine samples.
    x = (fine[1] - fine[0]) / transit_s
    kept = np.exp(-x)
    mean = -np.expm1(-x) / x
    driven = np.concatenate([[0.0], feed[:-1] * (mean - kept) + feed[1:] * (1 - mean)])
    plasma = lfilter([1.0], [1.0, -kept], driven)
    arrival = getattr(arterial, "arrival_s", None)
    arrival = fine[int(np.argmax(feed > 0.02 * feed.max()))] if arrival is None else arrival + delay_s
    warning = InputWarning(
        "derived_portal_vein",
        f"The portal-venous input was not measured but derived from the artery (delay {delay_s:g} s, transit {transit_s:g} s): portal and "
        "arterial flow are of low confidence.",
    )
    doubts = (*getattr(arterial, "warnings", ()), warning)
    hematocrit = getattr(arterial, "hematocrit", np.nan)
    return MeasuredInput(fine, plasma, float(arrival), Vessel.PORTAL_VEIN, hematocrit, None, None, True, doubts)
