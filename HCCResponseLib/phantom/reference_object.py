"""Digital reference objects: voxels whose parameters are known, drawn from what liver and tumour show."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from . import tissue
from .input_function import InputFunction, arterial_input, portal_input

__all__ = ["MODELS", "ReferenceObject", "make_reference_object"]

# Parameter ranges: rates 1/min, volumes as fractions. Log-uniform where the range spans more than a factor of ten.
_RANGES = {
    "tofts": {"ktrans": (0.02, 1.0), "ve": (0.05, 0.6)},
    "extended_tofts": {"ktrans": (0.02, 1.0), "ve": (0.05, 0.6), "vp": (0.005, 0.15)},
    "patlak": {"ktrans": (0.002, 0.1), "vp": (0.005, 0.15)},
    "two_compartment_exchange": {"plasma_flow": (0.1, 1.5), "ps": (0.02, 0.5), "vp": (0.03, 0.2), "ve": (0.05, 0.5)},
    "dual_input": {"k1a": (0.05, 1.0), "k1p": (0.05, 1.5), "k2": (0.5, 6.0)},
    "dual_input_extended_tofts": {"arterial_fraction": (0.05, 1.0), "ktrans": (0.02, 1.0), "ve": (0.05, 0.6), "vp": (0.005, 0.15)},
}

MODELS = tuple(_RANGES)


@dataclass(frozen=True)
class ReferenceObject:
    """Voxels of one tissue model with their truth.

    ``concentration`` [mM], shape (voxels, times), without noise; ``truth`` holds one array of shape (voxels,) per parameter, delays
    included, under the names of ``HCCResponseLib.phantom.tissue``; ``portal`` is None for models with one input.
    """

    model: str
    time_s: np.ndarray
    arterial: InputFunction
    portal: InputFunction | None
    truth: dict[str, np.ndarray]
    concentration: np.ndarray


def make_reference_object(
    model: str,
    voxels: int,
    *,
    seed: int,
    time_s=None,
    arterial: InputFunction | None = None,
    portal: InputFunction | None = None,
    delay_range_s: tuple[float, float] = (0.0, 0.0),
) -> ReferenceObject:
    """Draw ``voxels`` voxels of ``model`` and compute their curves.

    :param model: one of ``MODELS``.
    :param voxels: number of voxels.
    :param seed: of the drawing; the same seed gives the same object.
    :param time_s: image times [s]; default 70 phases of 4.3 s, the first at 0.
    :param arterial: default: Parker's population input arriving at 20 s.
    :param portal: default for the dual-input models: ``portal_input(arterial)``.
    :param delay_range_s: range from which each voxel's arrival delay [s] is drawn; dual-input models draw both delays from it.
    :raises InputError: unknown model.
    """
    if model not in _RANGES:
        raise InputError(f"There is no reference object for the model '{model}'; there is one for each of {', '.join(MODELS)}.")
    time_s = np.arange(70) * 4.3 if time_s is None else np.asarray(time_s, np.float64)
    arterial = arterial or arterial_input(bolus_arrival_s=20.0)
    generator = np.random.default_rng(seed)
    truth = {name: _draw(generator, low, high, voxels) for name, (low, high) in _RANGES[model].items()}
    dual = model.startswith("dual_input")
    if dual:
        portal = portal or portal_input(arterial)
    inputs = (arterial, portal) if dual else (arterial,)
    for name in ("arterial_delay_s", "portal_delay_s") if dual else ("delay_s",):
        truth[name] = generator.uniform(*delay_range_s, voxels)
    # One delay for all voxels lets the input be evaluated once instead of once per voxel.
    delays_differ = delay_range_s[0] != delay_range_s[1]
    parameters = {name: value if delays_differ or not name.endswith("delay_s") else delay_range_s[0] for name, value in truth.items()}
    concentration = getattr(tissue, model)(time_s, *inputs, **parameters)
    return ReferenceObject(model, time_s, arterial, portal if dual else None, truth, concentration)


def _draw(generator, low: float, high: float, count: int) -> np.ndarray:
    if high > 10 * low:
        return np.exp(generator.uniform(np.log(low), np.log(high), count))
    return generator.uniform(low, high, count)
