"""Signals of the digital reference objects, straight from the equations of the sequences.

Parameters broadcast to the shape of the voxels; the samples (times, flip angles, b-values) are the last axis of what is returned.
"""

import numpy as np

__all__ = ["diffusion", "dynamic_spgr", "ivim", "spgr", "variable_flip_angle"]


def spgr(m0, t1_s, flip_angle_deg, repetition_time_s, b1=1.0) -> np.ndarray:
    """Steady state of a spoiled gradient echo (Ernst and Anderson, Rev Sci Instrum 1966;37:93-102); all arguments broadcast.

    ``b1`` is the fraction of the nominal flip angle that was reached.
    """
    angle = np.radians(np.asarray(flip_angle_deg, np.float64)) * b1
    recovered = -np.expm1(-np.asarray(repetition_time_s, np.float64) / t1_s)
    return m0 * np.sin(angle) * recovered / (1 - np.cos(angle) * (1 - recovered))


def variable_flip_angle(m0, t1_s, flip_angles_deg, repetition_time_s, b1=1.0) -> np.ndarray:
    """Spoiled gradient echo at each flip angle, shape voxels + (angles,)."""
    m0, t1_s, b1 = (np.asarray(value, np.float64)[..., None] for value in (m0, t1_s, b1))
    return spgr(m0, t1_s, np.asarray(flip_angles_deg, np.float64), repetition_time_s, b1)


def dynamic_spgr(concentration, *, m0, t1_s, flip_angle_deg, repetition_time_s, relaxivity, b1=1.0) -> np.ndarray:
    """Spoiled gradient echo while the tissue holds ``concentration`` [mM], shape voxels + (times,).

    :param m0: equilibrium signal per voxel.
    :param t1_s: T1 before the contrast agent, per voxel [s]; 1/T1 grows by ``relaxivity`` [1/(s mM)] times the concentration.
    """
    m0, t1_s, b1 = (np.asarray(value, np.float64)[..., None] for value in (m0, t1_s, b1))
    return spgr(m0, 1 / (1 / t1_s + relaxivity * np.asarray(concentration, np.float64)), flip_angle_deg, repetition_time_s, b1)


def diffusion(s0, adc, b_values) -> np.ndarray:
    """S0 exp(-b ADC), ADC [mm2/s], b [s/mm2]; shape voxels + (b-values,)."""
    return ivim(s0, adc, 0.0, 0.0, b_values)


def ivim(s0, d, d_star, f, b_values) -> np.ndarray:
    """S0 ((1 - f) exp(-b D) + f exp(-b D*)) (Le Bihan et al., Radiology 1988;168:497-505); D, D* [mm2/s], b [s/mm2]."""
    s0, d, d_star, f = (np.asarray(value, np.float64)[..., None] for value in (s0, d, d_star, f))
    b_values = np.asarray(b_values, np.float64)
    return s0 * ((1 - f) * np.exp(-b_values * d) + f * np.exp(-b_values * d_star))
