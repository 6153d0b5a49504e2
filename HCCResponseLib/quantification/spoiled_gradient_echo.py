"""The spoiled gradient echo: its signal equation in the half-angle tangent, and the check of its settings.

With t = tan(a / 2) and rho = (1 - E) / (1 + E) = tanh(TR R1 / 2), E = exp(-TR R1), the signal equation (Ernst and Anderson, Rev Sci
Instrum 1966;37:93-102)

    S = M0 sin a (1 - E) / (1 - E cos a)    becomes    S = 2 M0 rho t / (rho + t^2),

exactly (Dathe and Helms, Phys Med Biol 2010;55:4231-4245): no difference of nearly equal numbers is left for T1 much longer than TR.
The reached angle is a = B1 times the nominal one, so B1 only changes t. E between 0 and 1 is rho between 0 and 1.
"""

import numpy as np

from ..errors import InputError

__all__ = ["checked_b1", "checked_flip_angles", "checked_repetition_time"]


def checked_flip_angles(flip_angles_deg) -> np.ndarray:
    """Return flip angles [degrees] as float64.

    :raises InputError: not between 0 and 180 degrees, or radians.
    """
    angles = np.asarray(flip_angles_deg, np.float64)
    if not np.all((angles > 0) & (angles < 180)):
        raise InputError("A flip angle must be above 0 and below 180 degrees; check the flip angles of the series.")
    if angles.size and angles.max() < 1:
        raise InputError(f"The largest flip angle is {angles.max():g} degrees, which looks like radians; give degrees.")
    return angles


def checked_repetition_time(repetition_time_s) -> float:
    """Return the repetition time [s].

    :raises InputError: several, not above 0, or milliseconds.
    """
    if np.ndim(repetition_time_s) != 0:
        raise InputError("One repetition time must hold for all images; series with different TR cannot be evaluated together.")
    if not 0 < repetition_time_s < np.inf:
        raise InputError(f"The repetition time must be above 0; {repetition_time_s} s was found.")
    if repetition_time_s > 1:
        raise InputError(f"A repetition time of {repetition_time_s:g} s looks like milliseconds; give seconds (4.5 ms is 0.0045).")
    return float(repetition_time_s)


def checked_b1(b1, voxels: tuple[int, ...]) -> np.ndarray:
    """Return B1 as a number (0-dimensional) or as a flat array with one value for each voxel.

    :param b1: None (nominal), a number, or a map of the shape ``voxels``: reached fraction of the nominal flip angle.
    :raises InputError: the shape differs, or the values look like percent.
    """
    b1 = np.asarray(1.0 if b1 is None else b1, np.float64)
    if b1.ndim and b1.shape != voxels:
        raise InputError(f"The B1 map has the shape {b1.shape}, the images have {voxels}; resample the B1 map to the images first.")
    usual = b1[np.isfinite(b1) & (b1 > 0)]
    if usual.size and np.median(usual) > 3:
        raise InputError(f"B1 is about {np.median(usual):.3g}, which looks like percent; give the fraction (100 % is 1.0): divide by 100.")
    if not b1.ndim and not usual.size:
        raise InputError(f"B1 must be a fraction above 0; {b1} was found.")
    return b1.reshape(-1) if b1.ndim else b1
