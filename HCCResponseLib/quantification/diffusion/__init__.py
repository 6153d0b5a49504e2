"""Diffusion-weighted imaging: apparent diffusion coefficient, intravoxel incoherent motion, noise."""

from .adc import ADC_METHODS, AdcFit, fit_adc
from .biexponential import D_LIMITS, D_STAR_LIMITS
from .ivim import IVIM_METHODS, IvimFit, fit_ivim
from .noise import NoiseEstimate, NoiseFloor, clear_of_noise, estimate_noise, noise_floor
from .status import DiffusionStatus

__all__ = [
    "ADC_METHODS",
    "D_LIMITS",
    "D_STAR_LIMITS",
    "IVIM_METHODS",
    "AdcFit",
    "DiffusionStatus",
    "IvimFit",
    "NoiseEstimate",
    "NoiseFloor",
    "clear_of_noise",
    "estimate_noise",
    "fit_adc",
    "fit_ivim",
    "noise_floor",
]
