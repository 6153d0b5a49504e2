"""Apparent diffusion coefficient from diffusion-weighted magnitude images."""

from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from ...progress import Progress
from .monoexponential import fit_log_linear, fit_nonlinear
from .status import DiffusionStatus
from .voxels import VoxelBlocks, check_b_values, check_signals

__all__ = ["ADC_METHODS", "AdcFit", "fit_adc"]

ADC_METHODS = {
    "wlls": "weighted linear least squares of ln S",
    "lls": "linear least squares of ln S",
    "nlls": "non-linear least squares of S",
}
"""The estimators by name."""


@dataclass(frozen=True)
class AdcFit:
    """ADC of every voxel; arrays have the voxel shape of the signals.

    :param adc: apparent diffusion coefficient in mm2/s; NaN where not ``valid``.
    :param s0: signal at b = 0, extrapolated, in units of the signals; NaN where not ``valid``.
    :param r_squared: explained part of the variance of what the method fits: ln S (lls), weighted ln S (wlls),
        S (nlls). NaN where not ``valid`` and for two images (any two points lie on a curve).
    :param adc_standard_error: standard error of ``adc`` in mm2/s; NaN where not ``valid``, and for two images
        without ``noise_sigma``.
    :param valid: whether the voxel has an ADC.
    :param status: :class:`DiffusionStatus` codes (uint8).
    :param method: the estimator used.
    :param b_values: (n,) the b-values used, in s/mm2.
    """

    adc: np.ndarray
    s0: np.ndarray
    r_squared: np.ndarray
    adc_standard_error: np.ndarray
    valid: np.ndarray
    status: np.ndarray
    method: str
    b_values: np.ndarray


def fit_adc(
    signals,
    b_values,
    *,
    method: str = "wlls",
    mask=None,
    noise_sigma: float | None = None,
    progress: Progress | None = None,
) -> AdcFit:
    """Fit S = S0 exp(-b ADC) in every voxel.

    ``"wlls"`` (default): ln S = ln S0 - b ADC, weighted with the squared signal that the unweighted fit predicts
    (Salvador et al., Hum Brain Mapp 2005;24:144; Veraart et al., NeuroImage 2013;81:335). ``"lls"``: unweighted.
    ``"nlls"``: least squares of S itself, the global minimum to convergence. With two images all three are
    ln(S1 / S2) / (b2 - b1).

    A voxel with a signal that is zero, negative or not finite at any b-value is rejected: leaving out one sample
    would give it an ADC from other b-values than its neighbours. So is a voxel whose signal does not fall: a negative
    ADC is physically impossible, a zero would be a made-up number. In a region of very low signal the larger values
    remain and an average is too high; show the number of rejected voxels (``status``) beside it.

    The standard error follows from the Jacobian at the optimum with equal noise at all b-values. Its sigma is
    ``noise_sigma`` or, without it, the residual of the voxel with n - 2 degrees of freedom (for few images a rough figure;
    it includes how far the tissue departs from a single exponential). It does not know the bias near the noise floor:
    see :func:`noise_floor`.

    :param signals: (..., n) magnitude signals, n images along the last axis, any voxel shape, layout and byte order.
        float32 (and float16) gives float32 results; other types give float64.
    :param b_values: (n,) b-values in s/mm2 in the order of the images; repeats are allowed. To leave an image out
        (b = 0 carries perfusion), leave it out of both.
    :param method: ``"wlls"``, ``"lls"`` or ``"nlls"``.
    :param mask: array of the voxel shape, not zero inside; None for all voxels.
    :param noise_sigma: standard deviation of the noise, in units of the signals; only for the standard error.
    :param progress: called with the finished fraction; returns False to cancel.
    :raises InputError: unusable b-values (fewer than two distinct, negative, not finite), shapes that do not match, complex signals,
        unknown method, ``noise_sigma`` not positive.
    :raises Cancelled: ``progress`` returned False.
    """
    b = check_b_values(b_values)
    signals, mask = check_signals(signals, b, mask)
    if method not in ADC_METHODS:
        raise InputError(f"Unknown ADC method {method!r}; choose one of {', '.join(ADC_METHODS)}.")
    if noise_sigma is not None and not 0 < noise_sigma < np.inf:
        raise InputError(f"The noise's standard deviation must be a positive number, found {noise_sigma}.")

    blocks = VoxelBlocks(signals, mask, progress)
    adc, s0, r_squared, error = (blocks.output() for _ in range(4))
    largest = np.finfo(blocks.dtype).max
    with np.errstate(all="ignore"):
        for voxels, samples in blocks:
            if method == "nlls" and b.size > 2:
                fit = fit_nonlinear(samples, b, noise_sigma=noise_sigma)
            else:
                fit = fit_log_linear(samples, b, weighted=method != "lls", noise_sigma=noise_sigma)
            codes = np.full(fit.rate.size, DiffusionStatus.OK, np.uint8)
            codes[fit.rate <= 0] = DiffusionStatus.NO_DECAY
            codes[~(fit.rate < np.inf) | ((fit.rate > 0) & ~(fit.s0 <= largest))] = DiffusionStatus.NO_SOLUTION
            blocks.status[voxels] = codes
            good = codes == DiffusionStatus.OK
            everywhere = good.all()
            for output, values in zip((adc, s0, r_squared, error), (fit.rate, fit.s0, fit.r_squared, fit.rate_error), strict=True):
                output[voxels] = values if everywhere else np.where(good, values, np.nan)
    return AdcFit(
        *(blocks.shaped(output) for output in (adc, s0, r_squared, error, blocks.status == DiffusionStatus.OK, blocks.status)),
        method=method,
        b_values=b,
    )
