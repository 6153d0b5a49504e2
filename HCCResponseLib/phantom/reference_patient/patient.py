"""The reference patient: three lesions, three examinations."""

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from .examination import Examination
from .structure import ORGANS, TRUNK

__all__ = ["THERAPY_START", "ReferencePatient", "reference_patient"]


@dataclass(frozen=True, eq=False)
class ReferencePatient:
    """A patient who is known in every voxel; nothing is computed before it is asked for.

    :param patient_id: DICOM patient ID; ``name`` likewise.
    :param examinations: baseline, week 4, week 12.
    """

    patient_id: str
    name: str
    seed: int
    small: bool
    examinations: tuple[Examination, ...]


# name, start, weeks, treatment, hematocrit, bolus transit [s], tilt of the slices [degrees]
_EXAMINATIONS = (
    ("baseline", datetime(2024, 3, 4, 9, 30), 0.0, "none, before therapy", 0.42, 6.0, 0.0),
    ("week 4", datetime(2024, 4, 1, 10, 15), 4.0, "sorafenib 800 mg daily", 0.40, 7.0, 0.0),
    ("week 12", datetime(2024, 5, 27, 8, 50), 12.0, "sorafenib 800 mg daily", 0.38, 5.5, 2.0),
)
THERAPY_START = date(2024, 3, 6)

# Shift [mm] and turns about x, y, z [degrees]: how the patient lies, and what breathing adds for the organs.
_MOTIONS = (
    (((0, 0, 0), (0, 0, 0)), ((0, 0, 0), (0, 0, 0))),
    (((5, -3, -6), (0.4, -0.5, 1.6)), ((1.0, -2.5, -12), (1.5, 0.4, 0.5))),
    (((-6, 2, 4), (-0.5, 0.4, -2.0)), ((-1.0, 1.5, 8), (-1.2, -0.4, -0.4))),
)
_ORGAN_CENTRE = np.array((-40.0, -5.0, 5.0))


def reference_patient(*, small: bool = False, seed: int = 2009) -> ReferencePatient:
    """Make the patient.

    :param small: half the resolution in every direction and 32 instead of 70 perfusion phases, for tests.
    :param seed: of noise, texture and coil sensitivity; anatomy and lesions are always the same.
    """
    examinations = []
    for index, (facts, (lying, breathing)) in enumerate(zip(_EXAMINATIONS, _MOTIONS, strict=True)):
        trunk = _rigid(*lying, np.zeros(3))
        motions = {TRUNK: trunk, ORGANS: trunk @ _rigid(*breathing, _ORGAN_CENTRE)}
        examinations.append(Examination(index, *facts, motions, small, seed))
    return ReferencePatient("HCC-REFERENCE", "Reference^Patient", seed, small, tuple(examinations))


def _rigid(shift, turns_deg, centre: np.ndarray) -> np.ndarray:
    """4 x 4 matrix: turned about x, then y, then z through ``centre``, then shifted."""
    rotation = np.eye(3)
    for axis, angle in enumerate(np.radians(turns_deg)):
        a, b = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(3)
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        rotation = turn @ rotation
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = centre - rotation @ centre + shift
    return matrix
