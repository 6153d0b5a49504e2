"""ADC and IVIM maps of an examination as files."""

from pathlib import Path

import numpy as np

from ..dicom import DiffusionSeries
from ..errors import InputError
from ..lesions.body import remove_specks
from ..progress import Progress
from ..quantification.diffusion import clear_of_noise, estimate_noise, fit_adc, fit_ivim
from .map_files import write_map

__all__ = ["adc_step", "body_mask", "ivim_step", "why_no_adc"]


def adc_step(folder: Path, diffusion: DiffusionSeries, progress: Progress | None = None) -> dict:
    """Write the ADC map; return the record of the step.

    :raises InputError: no voxel has an ADC.
    """
    mask, air_left_out = body_mask(diffusion.signals, diffusion.b_values)
    fit = fit_adc(diffusion.signals, diffusion.b_values, mask=mask, progress=progress)
    if not fit.valid.any():
        raise InputError(f"{diffusion.label}: no voxel has an ADC: {why_no_adc(diffusion.signals)}. Are their b-values right?")
    method = ", ".join(["WLLS", *_words(diffusion, air_left_out)])
    entry = write_map(folder, "adc", "ADC", fit.adc, fit.valid, diffusion.geometry, method, diffusion.series)
    return {"maps": [entry], "warnings": list(diffusion.warnings), "notes": list(diffusion.notes)}


def ivim_step(folder: Path, diffusion: DiffusionSeries, progress: Progress | None = None) -> dict:
    """Write the IVIM maps that the b-values allow; return the record of the step.

    :raises InputError: the b-values do not allow IVIM, or no voxel could be fitted.
    """
    mask, air_left_out = body_mask(diffusion.signals, diffusion.b_values)
    fit = fit_ivim(diffusion.signals, diffusion.b_values, mask=mask, progress=progress)
    if not fit.valid.any():
        raise InputError(f"{diffusion.label}: no voxel has IVIM values.")
    b_values, *rest = _words(diffusion, air_left_out)
    method = ", ".join([f"IVIM {fit.method}", b_values, f"threshold {fit.b_threshold:g} s/mm2", *rest])
    maps = [
        write_map(folder, name, key, values, fit.valid, diffusion.geometry, method, diffusion.series)
        for name, key, values in (("ivim_d", "D", fit.d), ("ivim_d_star", "D_STAR", fit.d_star), ("ivim_f", "PERFUSION_FRACTION", fit.f))
        if np.isfinite(values).any()
    ]
    return {"maps": maps, "warnings": [], "notes": []}


def body_mask(signals: np.ndarray, weighting) -> tuple[np.ndarray | None, bool]:
    """Return the voxels of the body, and whether the air could be told from it; None: all voxels.

    :param signals: (k, j, i, n) magnitude signals.
    :param weighting: (n,) b-value or flip angle of the images; those with the lowest one are looked at.
    """
    sigma = estimate_noise(signals).sigma
    if np.isnan(sigma):
        return None, False
    return remove_specks(clear_of_noise(signals, weighting, sigma)), True


def _words(diffusion: DiffusionSeries, air_left_out: bool) -> list[str]:
    words = [f"b = {', '.join(f'{b:g}' for b in diffusion.b_values)} s/mm2"]
    words += ["Philips scaling"] if diffusion.scaling == "philips_private" else []
    return words + (["air left out"] if air_left_out else [])


def why_no_adc(signals: np.ndarray) -> str:
    """Say why no voxel has an ADC.

    :param signals: shape (k, j, i, b).
    """
    same = all(np.array_equal(signals[..., 0], signals[..., index]) for index in range(1, signals.shape[-1]))
    return "the images are the same at every b-value" if same else "the signal falls with the b-value nowhere"
