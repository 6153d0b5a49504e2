"""The digital reference patient: an upper abdomen with three liver cancers, examined three times under therapy.

Anatomy and lesions are formulas, signals the equations of the sequences, perfusion a fine integration of the tissue models: what
is true in it is known without any of the estimators that are judged by it.
"""

from .examination import GRIDS, Examination, Images, Outline
from .patient import ReferencePatient, reference_patient
from .truth import patient_truth
from .write import WrittenPatient, write_patient

__all__ = [
    "GRIDS",
    "Examination",
    "Images",
    "Outline",
    "ReferencePatient",
    "WrittenPatient",
    "patient_truth",
    "reference_patient",
    "write_patient",
]
