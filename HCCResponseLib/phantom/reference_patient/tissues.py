"""What the tissues of the reference patient are made of.

Relaxation at 1.5 T: de Bazelaire et al., Radiology 2004;230:652-659, Stanisz et al., Magn Reson Med 2005;54:507-512; diffusion:
Taouli and Koh, Radiology 2010;254:47-66. Perfusion, densities and what these do not list are plausible values: the truth of
this patient, not a statement about patients.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache

import numpy as np

from .. import tissue
from ..input_function import InputFunction, arterial_input, portal_input

__all__ = [
    "FAT_T1_S",
    "FAT_T2_S",
    "FAT_T2_STAR_S",
    "PORTAL_DELAY_S",
    "PORTAL_TRANSIT_S",
    "TISSUES",
    "Blood",
    "DualInput",
    "ExtendedTofts",
    "Inputs",
    "Tissue",
    "concentrations",
    "inputs_of_injection",
]

FAT_T1_S, FAT_T2_S, FAT_T2_STAR_S = 0.300, 0.070, 0.035
"""Relaxation times of fat, in whatever tissue it lies."""


@dataclass(frozen=True)
class Inputs:
    """Plasma concentrations [mM] of one injection.

    :param hematocrit: volume fraction of red cells, the same in all vessels.
    """

    arterial: InputFunction
    portal: InputFunction
    hepatic_venous: InputFunction
    systemic_venous: InputFunction
    hematocrit: float


PORTAL_DELAY_S, PORTAL_TRANSIT_S = 10.0, 16.0
"""From the start of the arterial input to that of the portal one; then comes one well-mixed compartment with this mean transit time."""

# The last image is taken 300 s after an injection.
_LONGEST = {"duration_s": 320.0}


@cache
def inputs_of_injection(arrival_s: float, hematocrit: float) -> Inputs:
    """Inputs of a bolus whose arterial input starts at ``arrival_s``."""
    arterial = arterial_input(arrival_s, hematocrit)
    portal = portal_input(arterial, delay_s=PORTAL_DELAY_S, transit_s=PORTAL_TRANSIT_S, **_LONGEST)
    hepatic_venous = portal_input(portal, delay_s=4.0, transit_s=16.0, **_LONGEST)
    systemic_venous = portal_input(arterial, delay_s=8.0, transit_s=22.0, **_LONGEST)
    return Inputs(arterial, portal, hepatic_venous, systemic_venous, hematocrit)


@dataclass(frozen=True)
class Blood:
    """A vessel: plasma of one of the inputs among red cells that take no contrast agent."""

    vessel: str


@dataclass(frozen=True)
class ExtendedTofts:
    """Tissue fed by the aorta: Ktrans [1/min], ve, vp; nothing reaches it where Ktrans and vp are 0."""

    ktrans: float = 0.0
    ve: float = 0.2
    vp: float = 0.0
    delay_s: float = 0.0


@dataclass(frozen=True)
class DualInput:
    """Liver, fed by artery and portal vein: one extended Tofts model with a mixed input."""

    arterial_fraction: float
    ktrans: float
    ve: float
    vp: float


@dataclass(frozen=True)
class Tissue:
    """One tissue.

    :param density: of protons, water = 1.
    :param t1_s: of its water [s]; likewise T2 and T2*.
    :param adc: diffusion coefficient of its water [mm2/s]; with IVIM, that of the tissue proper (D).
    :param enhancement: how contrast agent comes in.
    :param perfusion_fraction: IVIM f; 0 is mono-exponential.
    :param d_star: IVIM D* [mm2/s].
    :param fat: part of the density that is fat.
    :param texture: standard deviation of the density from place to place, as a fraction, about.
    :param flow_signal: what flow leaves of the signal of a spin echo.
    """

    density: float
    t1_s: float
    t2_s: float
    t2_star_s: float
    adc: float
    enhancement: Blood | ExtendedTofts | DualInput = ExtendedTofts()
    perfusion_fraction: float = 0.0
    d_star: float = 0.08
    fat: float = 0.0
    texture: float = 0.03
    flow_signal: float = 1.0


# density, T1, T2, T2*, diffusion, contrast agent, IVIM f and D*
TISSUES = {
    "air": Tissue(0.0, 1.0, 0.1, 0.05, 1e-3),
    "skin": Tissue(0.70, 0.70, 0.035, 0.015, 1.0e-3, ExtendedTofts(0.10, 0.25, 0.02, 6)),
    "subcutaneous fat": Tissue(0.92, 0.70, 0.045, 0.030, 0.6e-3, ExtendedTofts(0.02, 0.05, 0.004, 6), fat=0.92, texture=0.03),
    "visceral fat": Tissue(0.90, 0.70, 0.045, 0.030, 0.6e-3, ExtendedTofts(0.03, 0.06, 0.008, 5), fat=0.88, texture=0.08),
    "muscle": Tissue(0.79, 0.90, 0.035, 0.024, 1.45e-3, ExtendedTofts(0.07, 0.12, 0.015, 5), fat=0.03, texture=0.06),
    "cortical bone": Tissue(0.10, 0.50, 0.005, 0.002, 0.4e-3),
    "marrow": Tissue(0.75, 0.90, 0.045, 0.012, 0.55e-3, ExtendedTofts(0.12, 0.15, 0.03, 4), fat=0.45, texture=0.05),
    "disc": Tissue(0.70, 0.95, 0.055, 0.025, 1.3e-3),
    "spinal fluid": Tissue(1.0, 3.8, 0.600, 0.200, 3.0e-3, texture=0.0, flow_signal=0.7),
    "spinal cord": Tissue(0.78, 0.95, 0.075, 0.050, 0.9e-3, ExtendedTofts(0.01, 0.02, 0.02, 4)),
    "lung": Tissue(0.16, 1.2, 0.030, 0.0012, 1.5e-3, ExtendedTofts(0.20, 0.10, 0.10, 0), texture=0.25),
    "heart muscle": Tissue(0.79, 0.98, 0.050, 0.030, 1.6e-3, ExtendedTofts(0.60, 0.25, 0.12, 1), flow_signal=0.5),
    "aortic blood": Tissue(0.86, 1.45, 0.250, 0.150, 2.5e-3, Blood("arterial"), 0.9, 0.10, texture=0.0, flow_signal=0.08),
    "portal vein": Tissue(0.86, 1.45, 0.190, 0.090, 2.5e-3, Blood("portal"), 0.9, 0.06, texture=0.0, flow_signal=0.35),
    "hepatic vein": Tissue(0.86, 1.45, 0.180, 0.090, 2.5e-3, Blood("hepatic_venous"), 0.9, 0.06, texture=0.0, flow_signal=0.35),
    "systemic vein": Tissue(0.86, 1.45, 0.180, 0.090, 2.5e-3, Blood("systemic_venous"), 0.9, 0.08, texture=0.0, flow_signal=0.2),
    "liver": Tissue(0.75, 0.65, 0.046, 0.028, 1.05e-3, DualInput(0.15, 0.60, 0.32, 0.10), 0.18, 0.07, texture=0.03),
    "spleen": Tissue(0.82, 1.06, 0.079, 0.045, 0.85e-3, ExtendedTofts(0.90, 0.30, 0.22, 2), 0.08, 0.05, texture=0.03),
    "pancreas": Tissue(0.76, 0.58, 0.046, 0.030, 1.35e-3, ExtendedTofts(0.80, 0.30, 0.14, 1.5), 0.12, 0.05, fat=0.06, texture=0.07),
    "renal cortex": Tissue(0.83, 0.97, 0.087, 0.050, 1.85e-3, ExtendedTofts(1.80, 0.50, 0.30, 1), 0.15, 0.04),
    "renal medulla": Tissue(0.84, 1.41, 0.085, 0.050, 1.75e-3, ExtendedTofts(0.45, 0.55, 0.10, 6), 0.12, 0.04),
    "adrenal gland": Tissue(0.76, 0.70, 0.060, 0.035, 1.2e-3, ExtendedTofts(0.70, 0.30, 0.12, 2), fat=0.12),
    "bile": Tissue(0.96, 1.80, 0.450, 0.150, 2.9e-3, texture=0.01),
    "stomach content": Tissue(0.95, 1.60, 0.180, 0.080, 2.4e-3, texture=0.05),
    "bowel wall": Tissue(0.78, 1.00, 0.055, 0.035, 1.6e-3, ExtendedTofts(0.25, 0.28, 0.05, 2)),
    "bowel content": Tissue(0.90, 1.20, 0.150, 0.060, 2.2e-3, texture=0.10),
    "stool": Tissue(0.60, 0.60, 0.060, 0.010, 1.2e-3, fat=0.10, texture=0.18),
    "gas": Tissue(0.0, 1.0, 0.1, 0.05, 1e-3),
}
"""By name; what the lesions are made of is said with them."""


def concentrations(tissues: Iterable[Tissue], time_s, inputs: Inputs) -> np.ndarray:
    """Contrast agent [mM] in each tissue (whole blood in vessels), shape (tissues, times)."""
    tissues, time_s = list(tissues), np.asarray(time_s, float)
    result = np.zeros((len(tissues), time_s.size))
    kinds = {}
    for place, one in enumerate(tissues):
        kinds.setdefault(type(one.enhancement), []).append(place)
    for kind, places in kinds.items():
        if kind is Blood:
            for place in places:
                result[place] = (1 - inputs.hematocrit) * getattr(inputs, tissues[place].enhancement.vessel)(time_s)
            continue
        parameters = {one.name: np.array([getattr(tissues[place].enhancement, one.name) for place in places]) for one in fields(kind)}
        if kind is ExtendedTofts:
            result[places] = tissue.extended_tofts(time_s, inputs.arterial, **parameters)
        else:
            result[places] = tissue.dual_input_extended_tofts(time_s, inputs.arterial, inputs.portal, **parameters)
    return result
