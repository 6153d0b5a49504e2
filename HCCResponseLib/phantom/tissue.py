"""Tissue concentration curves of the digital reference objects.

Every function takes times [s], shape (times,), inputs (``InputFunction``: plasma [mM]) and parameters of any shapes that broadcast to
the shape of the voxels, and returns tissue concentrations [mM], shape voxels + (times,). Rates are per minute, delays in seconds
(positive: the tissue enhances later than the input was measured; negative is allowed), volumes are fractions. Time zero is not special:
the contrast agent arrives at ``start_s`` of the input plus the delay, and before that every concentration is 0.
"""

import numpy as np

from ..errors import InputError
from .input_function import InputFunction
from .integration import LONGEST_STEP_S, integrate

__all__ = ["dual_input", "dual_input_extended_tofts", "extended_tofts", "patlak", "tofts", "two_compartment_exchange"]


def tofts(time_s, plasma_input: InputFunction, *, ktrans, ve, delay_s=0.0, step_s: float = LONGEST_STEP_S) -> np.ndarray:
    """One compartment: dC/dt = Ktrans (Cp - C/ve) (Tofts, J Magn Reson Imaging 1997;7:91-101)."""
    return extended_tofts(time_s, plasma_input, ktrans=ktrans, ve=ve, vp=0.0, delay_s=delay_s, step_s=step_s)


def extended_tofts(time_s, plasma_input: InputFunction, *, ktrans, ve, vp, delay_s=0.0, step_s: float = LONGEST_STEP_S) -> np.ndarray:
    """One compartment beside the plasma: C = vp Cp + Ce, dCe/dt = Ktrans (Cp - Ce/ve) (Tofts et al., JMRI 1999;10:223-232)."""
    (ktrans, ve, vp), shape = _voxels(ktrans, ve, vp, delays=[delay_s])
    _require(np.all(ve > 0) and np.all(ktrans >= 0), "ve must be above 0 and Ktrans not negative")
    inflow, outflow = ktrans / 60, ktrans / ve / 60
    return _curves(time_s, plasma_input, inflow, outflow, vp, delay_s, shape, step_s)


def patlak(time_s, plasma_input: InputFunction, *, ktrans, vp, delay_s=0.0, step_s: float = LONGEST_STEP_S) -> np.ndarray:
    """No way back: C = vp Cp + Ktrans integral of Cp (Patlak et al., J Cereb Blood Flow Metab 1983;3:1-7)."""
    (ktrans, vp), shape = _voxels(ktrans, vp, delays=[delay_s])
    return _curves(time_s, plasma_input, ktrans / 60, np.zeros_like(ktrans), vp, delay_s, shape, step_s)


def two_compartment_exchange(
    time_s, plasma_input: InputFunction, *, plasma_flow, ps, vp, ve, delay_s=0.0, step_s: float = LONGEST_STEP_S,
) -> np.ndarray:
    """Two compartments: vp dCp/dt = F (Ca - Cp) - PS (Cp - Ce), ve dCe/dt = PS (Cp - Ce), C = vp Cp + ve Ce.

    Sourbron and Buckley, Phys Med Biol 2012;57:R1-R33. ``plasma_flow`` F and ``ps`` in 1/min (mL plasma per mL tissue per minute).
    """
    (flow, ps, vp, ve), shape = _voxels(plasma_flow, ps, vp, ve, delays=[delay_s])
    _require(np.all(vp > 0) and np.all(ve > 0), "vp and ve must be above 0")
    flow, ps = flow / 60, ps / 60

    def derivative(state, plasma):
        exchange = ps * (state[0] / vp - state[1] / ve)
        return np.stack([flow * (plasma - state[0] / vp) - exchange, exchange])

    fastest = float(np.max((flow + ps) / vp + ps / ve, initial=0.0))
    amounts = integrate(
        derivative, 2, time_s, plasma_input, _delays(delay_s, shape), shape=flow.shape, fastest_rate=fastest, step_s=step_s,
    )
    return amounts.sum(axis=0).reshape(*shape, -1)


def dual_input(
    time_s,
    arterial: InputFunction,
    portal: InputFunction,
    *,
    k1a,
    k1p,
    k2,
    arterial_delay_s=0.0,
    portal_delay_s=0.0,
    step_s: float = LONGEST_STEP_S,
) -> np.ndarray:
    """One liver compartment fed twice: dC/dt = k1a Ca(t - ta) + k1p Cp(t - tp) - k2 C (Materne et al., Magn Reson Med 2002;47:135-142)."""
    (k1a, k1p, k2), shape = _voxels(k1a, k1p, k2, delays=[arterial_delay_s, portal_delay_s])
    none = np.zeros_like(k2)
    return sum(
        _curves(time_s, plasma, inflow / 60, k2 / 60, none, delay_s, shape, step_s)
        for plasma, inflow, delay_s in ((arterial, k1a, arterial_delay_s), (portal, k1p, portal_delay_s))
    )


def dual_input_extended_tofts(
    time_s,
    arterial: InputFunction,
    portal: InputFunction,
    *,
    arterial_fraction,
    ktrans,
    ve,
    vp,
    arterial_delay_s=0.0,
    portal_delay_s=0.0,
    step_s: float = LONGEST_STEP_S,
) -> np.ndarray:
    """Extended Tofts with the input Cp = a Ca(t - ta) + (1 - a) Cpv(t - tp), a the arterial fraction."""
    (fraction, ktrans, ve, vp), shape = _voxels(arterial_fraction, ktrans, ve, vp, delays=[arterial_delay_s, portal_delay_s])
    _require(np.all(ve > 0) and np.all(ktrans >= 0), "ve must be above 0 and Ktrans not negative")
    return sum(
        _curves(time_s, plasma, part * ktrans / 60, ktrans / ve / 60, part * vp, delay_s, shape, step_s)
        for plasma, part, delay_s in ((arterial, fraction, arterial_delay_s), (portal, 1 - fraction, portal_delay_s))
    )


def _curves(time_s, plasma_input, inflow, outflow, vp, delay_s, shape, step_s) -> np.ndarray:
    """Return vp Cp + Ce with dCe/dt = inflow Cp - outflow Ce [1/s], all parameters of shape (voxels,)."""
    delays = _delays(delay_s, shape)
    amount = integrate(
        lambda state, plasma: inflow * plasma - outflow * state,
        1,
        time_s,
        plasma_input,
        delays,
        shape=inflow.shape,
        fastest_rate=float(np.max(outflow, initial=0.0)),
        step_s=step_s,
    )[0]
    vascular = vp[:, None] * plasma_input(np.asarray(time_s, np.float64) - delays[:, None])
    return (vascular + amount).reshape(*shape, -1)


def _voxels(*parameters, delays) -> tuple[list[np.ndarray], tuple[int, ...]]:
    """Return the parameters as flat arrays of one length, and the shape of the voxels, to which the delays belong too."""
    shape = np.broadcast_shapes(*(np.shape(value) for value in (*parameters, *delays)))
    return [np.broadcast_to(np.asarray(parameter, np.float64), shape).reshape(-1) for parameter in parameters], shape


def _delays(delay_s, shape) -> np.ndarray:
    delay_s = np.asarray(delay_s, np.float64)
    return delay_s.reshape(1) if delay_s.size == 1 else np.broadcast_to(delay_s, shape).reshape(-1)


def _require(condition, rule: str) -> None:
    if not condition:
        raise InputError(f"A reference object cannot be made: {rule}.")
