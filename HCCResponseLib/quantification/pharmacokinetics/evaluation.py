"""Curves from parameters: the models forward, voxel by voxel without tables.

The tissue curves come from the exact convolution at each voxel's own rate and delay, so they also check what the fit's tables give.
"""

from collections.abc import Mapping

import numpy as np

from ...errors import InputError
from .exchange import FASTEST_RATE
from .models import check_model, check_sample_times, make_input
from .result import PharmacokineticFit
from .voxels import check_times

__all__ = ["evaluate"]

_VOXELS_AT_ONCE = 512

_PARAMETERS = {
    "tofts": ("ktrans", "kep"),
    "extended_tofts": ("ktrans", "kep", "vp"),
    "patlak": ("ktrans", "vp"),
    "two_compartment_exchange": ("plasma_flow", "ps", "vp", "ve"),
    "dual_input": ("arterial_fraction", "plasma_flow", "mean_transit_time_s"),
    "dual_input_extended_tofts": ("arterial_fraction", "ktrans", "kep", "vp"),
}


def evaluate(
    parameters: PharmacokineticFit | Mapping[str, np.ndarray],
    time_s,
    aif,
    *,
    model: str | None = None,
    aif_time_s=None,
    aif_interpolation: str = "cubic",
    pvf=None,
) -> np.ndarray:
    """Return the tissue concentration that parameters mean; ``concentration - evaluate(...)`` is the residual of a fit.

    :param parameters: a fit, or maps by name (numbers or arrays that broadcast): the model's, and ``delay_s``, ``portal_delay_s`` [s], 0
        where absent. Without exchange (Ktrans 0) kep may be NaN; ``ve`` may stand for ``kep`` = Ktrans / ve.
    :param time_s: (n,) times [s].
    :param aif: plasma concentration in the artery, as for ``fit``; ``aif_time_s``, ``aif_interpolation`` and ``pvf`` likewise.
    :param model: name of the model; may be left out for a fit.
    :return: [mM], shape voxels + (n,); NaN where a needed parameter is. float32 for float32 maps.
    :raises InputError: a parameter of the model is missing, shapes do not fit, or the inputs are unusable.
    """
    time_s = check_times(time_s)
    if isinstance(parameters, PharmacokineticFit):
        model = parameters.model if model is None else model
        parameters = parameters.maps
    check_model(model, pvf)
    check_sample_times(aif_time_s, aif, pvf)
    maps, shape, dtype = _needed(dict(parameters), model)
    delays, portal_delays = maps["delay_s"], maps["portal_delay_s"]

    def ready(curve, of, name):
        finite = of[np.isfinite(of)] if np.isfinite(of).any() else np.zeros(1)
        return make_input(curve, aif_time_s, time_s, finite.min(), aif_interpolation, name)

    inputs = [(ready(aif, delays, "arterial input function"), "delay_s")]
    if pvf is not None:
        inputs.append((ready(pvf, portal_delays, "portal-vein input function"), "portal_delay_s"))

    curves = np.empty((delays.size, time_s.size), dtype)
    for start in range(0, delays.size, _VOXELS_AT_ONCE):
        piece = slice(start, start + _VOXELS_AT_ONCE)
        voxels = {name: values[piece] for name, values in maps.items()}
        total = 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            for number, (plasma, delay_name) in enumerate(inputs):
                times = time_s - np.nan_to_num(voxels[delay_name])[:, None]
                total = total + _FORWARD[model](voxels, number, plasma, times)
        curves[piece] = np.where(np.isnan(voxels["delay_s"] + voxels["portal_delay_s"])[:, None], np.nan, total)
    return curves.reshape(*shape, time_s.size)


def _needed(parameters: dict, model: str) -> tuple[dict[str, np.ndarray], tuple[int, ...], np.dtype]:
    """Return the model's parameters, flat and of one length, the shape of the voxels, and the type of the curves."""
    if "kep" not in parameters and {"ktrans", "ve"} <= parameters.keys():
        with np.errstate(divide="ignore", invalid="ignore"):
            parameters["kep"] = np.asarray(parameters["ktrans"]) / np.asarray(parameters["ve"])
    missing = [name for name in _PARAMETERS[model] if name not in parameters]
    if missing:
        raise InputError(f"The model '{model}' needs {', '.join(_PARAMETERS[model])}; {', '.join(missing)} not given.")
    names = _PARAMETERS[model] + (("kep",) if model == "two_compartment_exchange" and "kep" in parameters else ())
    given = [np.asarray(parameters[name]) for name in names]
    delays = [np.asarray(parameters.get(name, 0.0)) for name in ("delay_s", "portal_delay_s")]
    try:
        arrays = np.broadcast_arrays(*given, *delays)
    except ValueError:
        raise InputError("The parameter maps have different shapes: " + ", ".join(str(array.shape) for array in given) + ".") from None
    dtype = np.dtype(np.float32 if np.result_type(*given) == np.float32 else np.float64)
    flat = [array.astype(np.float64).reshape(-1) for array in arrays]
    return dict(zip((*names, "delay_s", "portal_delay_s"), flat, strict=True)), arrays[0].shape, dtype


def _exchange(plasma, inflow, rate, times) -> np.ndarray:
    """Return inflow * (input convolved with exp(-rate t)); 0 without inflow, whatever the rate."""
    known = np.isfinite(rate) & (rate >= 0)
    curve = inflow[:, None] * plasma.convolved_each(np.where(known, rate, 0.0), times)
    return np.where((inflow == 0)[:, None], 0.0, np.where(known[:, None], curve, np.nan))


def _tofts(voxels, number, plasma, times):
    return _exchange(plasma, voxels["ktrans"], voxels["kep"], times)


def _extended_tofts(voxels, number, plasma, times):
    return _tofts(voxels, number, plasma, times) + voxels["vp"][:, None] * plasma(times)


def _patlak(voxels, number, plasma, times):
    return _exchange(plasma, voxels["ktrans"], np.zeros(len(times)), times) + voxels["vp"][:, None] * plasma(times)


def _two_compartment_exchange(voxels, number, plasma, times):
    flow, ps, vp, ve = (voxels[name] for name in ("plasma_flow", "ps", "vp", "ve"))
    flow = np.where(np.isnan(flow), _capped_flow(voxels, ps, vp, ve), flow)
    # Where ve is beyond its bound the fit gives kep alone.
    ve = np.where(np.isnan(ve) & ("kep" in voxels), flow * ps / (flow + ps) / voxels.get("kep", np.nan), ve)
    half = ((flow + ps) / vp + ps / ve) / 2
    product = flow * ps / (vp * ve)
    root = np.sqrt(np.maximum(half * half - product, 0))
    alpha = half + root
    beta = product / alpha
    fast = (flow * flow / vp - flow * beta) / (alpha - beta)
    # One compartment only: plasma flow through the whole volume.
    one = np.isnan(ps) | (ps == 0)
    fast, slow = np.where(one, flow, fast), np.where(one, 0.0, flow - fast)
    alpha = np.where(one, flow / vp, alpha)
    return np.where((flow == 0)[:, None], 0.0, _exchange(plasma, fast, alpha, times) + _exchange(plasma, slow, beta, times))


def _capped_flow(voxels, ps, vp, ve):
    """Return the flow at which alpha is at its cap: the fit's, where it was too fast to be told (alpha solves a quadratic linear in F)."""
    ps = np.nan_to_num(ps)
    flow = vp * FASTEST_RATE
    for _round in range(5):
        kept = voxels.get("kep", np.zeros(1)) * (flow + ps) / flow
        back = np.where(ps == 0, 0.0, np.where(np.isnan(ve), kept, ps / ve))
        flow = vp * FASTEST_RATE * (1 - ps / vp / (FASTEST_RATE - back))
    return flow


def _share(voxels, number):
    return voxels["arterial_fraction"] if number == 0 else 1 - voxels["arterial_fraction"]


def _dual_input(voxels, number, plasma, times):
    flow = voxels["plasma_flow"]
    # No transit time: nothing leaves within the series.
    rate = np.nan_to_num(60 / voxels["mean_transit_time_s"])
    return _exchange(plasma, np.where(flow == 0, 0.0, flow * _share(voxels, number)), rate, times)


def _dual_input_extended_tofts(voxels, number, plasma, times):
    curve = _extended_tofts(voxels, number, plasma, times) * _share(voxels, number)[:, None]
    return np.where(((voxels["ktrans"] == 0) & (voxels["vp"] == 0))[:, None], 0.0, curve)


_FORWARD = {
    "tofts": _tofts,
    "extended_tofts": _extended_tofts,
    "patlak": _patlak,
    "two_compartment_exchange": _two_compartment_exchange,
    "dual_input": _dual_input,
    "dual_input_extended_tofts": _dual_input_extended_tofts,
}
