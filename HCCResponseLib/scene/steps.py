"""Which steps of the work are done in an examination, lesion by lesion; read from the scene, never kept."""

from dataclasses import dataclass
from enum import StrEnum

from ..response.measurement import Measurement
from ..response.roles import Role
from .measurement_table import measurements
from .proposals import proposals
from .roles import role
from .study_nodes import lesions_of_study, segmentation_of_study, volumes_of_study
from .subject_hierarchy import patient_id
from .time_points import time_point

__all__ = ["Step", "StepState", "steps_done"]


class Step(StrEnum):
    """A step of the work; the value is stored nowhere, ``quantities`` are those whose rows show that it was done."""

    IMAGES = "images"
    OUTLINES = "outlines"
    SIZE = "size"
    GRADES = "grades"
    NECROSIS = "necrosis"
    ADC = "ADC"
    T1 = "T1"
    KTRANS = "Ktrans"

    @property
    def quantities(self) -> tuple[str, ...]:
        """Quantities that a lesion needs, all of them; empty where the step is told from the nodes."""
        return _QUANTITIES.get(self, ())


_QUANTITIES = {
    Step.SIZE: ("LONG_AXIS", "VOLUME"),
    Step.GRADES: ("T1_GRADE", "T2_GRADE"),
    Step.NECROSIS: ("NECROTIC_FRACTION",),
    Step.ADC: ("ADC",),
    Step.T1: ("T1",),
    Step.KTRANS: ("KTRANS",),
}
_NEEDED = {Step.ADC: {Role.DWI, Role.ADC}, Step.T1: {Role.VFA, Role.T1_MAP}, Step.KTRANS: {Role.DCE}}


@dataclass(frozen=True)
class StepState:
    """How far a step is.

    :param done: lesions (or images) that it is done for.
    :param of: lesions of the examination; 0 where the step does not count lesions.
    """

    step: Step
    done: int
    of: int

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do; without lesions the steps that measure them are not done."""
        return self.done > 0 and self.done >= self.of


def steps_done(study_item: int, rows: list[Measurement] | None = None) -> dict[Step, StepState]:
    """Return how far each step of an examination is; maps that it has no images for are no steps of it.

    :param rows: the measurements of the patient at this time point; read from the table where None.
    """
    lesions = lesions_of_study(study_item)
    node = segmentation_of_study(study_item)
    proposed = set(proposals(node)) if node is not None else set()
    accepted = [uid for uid, segment_id in lesions.items() if segment_id not in proposed]
    measured: dict[str, set[str]] = {}
    for row in _rows(study_item) if rows is None else rows:
        measured.setdefault(row.lesion_uid, set()).add(row.quantity)
    roles = [known for one in volumes_of_study(study_item) if (known := role(one)) is not None]
    states = {
        Step.IMAGES: StepState(Step.IMAGES, len(roles), 0),
        Step.OUTLINES: StepState(Step.OUTLINES, len(accepted), len(lesions)),
    }
    for step, quantities in _QUANTITIES.items():
        done = sum(measured.get(uid, set()).issuperset(quantities) for uid in lesions)
        if done or step not in _NEEDED or not _NEEDED[step].isdisjoint(roles):
            states[step] = StepState(step, done, len(lesions))
    return states


def _rows(study_item: int) -> list[Measurement]:
    point = time_point(study_item)
    return [] if point is None else measurements(patient=patient_id(study_item), time_point=point.index)
