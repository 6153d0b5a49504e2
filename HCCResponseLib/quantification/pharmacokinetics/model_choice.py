"""Which model do the data of each voxel support?

By Akaike's information criterion, corrected for few samples (Burnham and Anderson, Sociol Methods Res 2004;33:261-304),

    AICc = n ln(RSS / n) + 2 q + 2 q (q + 1) / (n - q - 1),

q the free parameters and the noise. A richer model is taken only where its smaller residual pays for its parameters.
"""

from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from ...progress import Progress, subrange
from .fitting import fit
from .result import PharmacokineticFit
from .status import Status

__all__ = ["ModelChoice", "choose_model"]

_SMALLEST_RMSE = 1e-6
"""mM; below is rounding, not fit."""


@dataclass(frozen=True)
class ModelChoice:
    """Result of ``choose_model``; arrays have the shape of the voxels.

    ``best``: index into ``models`` (int8), -1 where nothing enhances or no model could be fitted. ``weight``: Akaike weight of every
    model, shape voxels + (models,): its probability to be the best of them; NaN where ``best`` is -1. ``fits``: the fits themselves.
    """

    models: tuple[str, ...]
    best: np.ndarray
    weight: np.ndarray
    fits: dict[str, PharmacokineticFit]


def choose_model(
    concentration,
    time_s,
    aif,
    *,
    models: tuple[str, ...] = ("patlak", "tofts", "extended_tofts"),
    progress: Progress | None = None,
    **options,
) -> ModelChoice:
    """Fit several models and say which one each voxel supports.

    :param models: names, two or more.
    :param options: as for ``fit``.
    :raises InputError: as ``fit``, or fewer than two models.
    :raises Cancelled: ``progress`` answered False.
    """
    models = tuple(models)
    if len(set(models)) != len(models) or len(models) < 2:
        raise InputError(f"A choice needs two or more different models, found {', '.join(models) or 'none'}.")
    samples = np.size(time_s)
    fits = {}
    for number, name in enumerate(models):
        part = subrange(progress, number / len(models), (number + 1) / len(models))
        fits[name] = fit(concentration, time_s, aif, model=name, progress=part, **options)
    criterion = np.stack([_criterion(fits[name], samples) for name in models], axis=-1)
    usable = np.isfinite(criterion).any(axis=-1)
    best = np.where(usable, np.argmin(np.where(np.isfinite(criterion), criterion, np.inf), axis=-1), -1).astype(np.int8)
    with np.errstate(invalid="ignore"):
        relative = np.exp(-(criterion - np.nanmin(np.where(usable[..., None], criterion, 0), axis=-1, keepdims=True)) / 2)
    relative = np.where(np.isfinite(relative), relative, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(usable[..., None], relative / relative.sum(axis=-1, keepdims=True), np.nan)
    return ModelChoice(models, best, weight, fits)


def _criterion(fitted: PharmacokineticFit, samples: int) -> np.ndarray:
    """Return AICc; infinite where the model found no enhancement or could not be fitted."""
    free = fitted.parameter_count + 1
    if samples <= free + 1:
        raise InputError(f"Choosing among models needs more than {free + 1} images for '{fitted.model}'; the series has {samples}.")
    rmse = np.maximum(np.asarray(fitted.rmse, np.float64), _SMALLEST_RMSE)
    value = 2 * samples * np.log(rmse) + 2 * free + 2 * free * (free + 1) / (samples - free - 1)
    return np.where(fitted.valid & ((fitted.status & np.uint16(Status.NOT_ENHANCING)) == 0), value, np.inf)
