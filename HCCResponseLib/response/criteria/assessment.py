"""All criteria for a case, side by side: what the panel, the report and the command line show."""

import dataclasses
import json
import math
from dataclasses import dataclass
from enum import Enum

from ..case import Case
from .afp import AfpResponse, afp_responses
from .best_response import CONFIRMATION_WEEKS, BestResponse, best_response
from .category import Category, CriterionResult
from .cautions import Caution, exclusion_cautions, haemorrhage_cautions, necrotic_growth_cautions
from .choi import CHOI, choi
from .discordance import Discordance, find_discordances
from .dose import LesionDose, lesion_doses
from .easl import easl
from .field import FieldResponse, field_response
from .functional_change import LesionChange, adc_changes, ktrans_changes
from .horger import HorgerCourse, horger
from .mdanderson import BoneMeasure, mdanderson
from .mrecist import mrecist, select_mrecist_lesions
from .reading import choose_reader
from .recist import recist, select_recist_lesions
from .targets import Selection
from .timeline import timeline
from .volumetric import VIABLE_VOLUME, VOLUME, volumetric
from .who import who

__all__ = ["CaseAssessment", "assess"]


@dataclass(frozen=True)
class CaseAssessment:
    """Everything that the criteria say of a case, by one reader.

    :param reader: whose measurements; "" for those without a reader.
    :param selection: targets, non-targets and new lesions of RECIST 1.1; mRECIST and EASL have their own.
    :param viable_selection: those of mRECIST and EASL.
    :param criteria: results by name of the criterion, only of those that apply.
    :param not_applicable: why the others do not.
    :param best: best overall response by name of the criterion.
    :param changes: of ADC and Ktrans, lesion by lesion.
    :param horger: signal grades and necrosis, lesion by lesion.
    :param field: inside and outside the radiation field, by name of the criterion; empty where there is no field.
    :param doses: radiotherapy of single lesions.
    :param afp: response of alpha-fetoprotein.
    :param discordances: where RECIST 1.1, mRECIST, EASL and WHO disagree.
    :param cautions: flags on single lesions.
    :param notes: what holds for the whole case.
    """

    patient: str
    reader: str
    selection: Selection
    viable_selection: Selection
    criteria: dict[str, CriterionResult]
    not_applicable: dict[str, str]
    best: dict[str, BestResponse]
    changes: tuple[LesionChange, ...]
    horger: tuple[HorgerCourse, ...]
    field: dict[str, FieldResponse]
    doses: tuple[LesionDose, ...]
    afp: tuple[AfpResponse, ...]
    discordances: tuple[Discordance, ...]
    cautions: tuple[Caution, ...]
    notes: tuple[str, ...]

    def to_json(self) -> str:
        """Write as JSON text; NaN becomes null."""
        return json.dumps(_plain(self), indent=1, ensure_ascii=False, allow_nan=False)


def assess(
    case: Case,
    *,
    reader: str | None = None,
    bone_measure: BoneMeasure = BoneMeasure.PRODUCT,
    confirmation: bool = False,
    confirmation_weeks: float = CONFIRMATION_WEEKS,
    minimum_stable_weeks: float | None = None,
) -> CaseAssessment:
    """Assess a case by every criterion that applies.

    :param reader: whose measurements; may be left out where there is one reader. Readers are never mixed.
    :param bone_measure: product or sum of diameters, in the MD Anderson criteria.
    :param confirmation: see :func:`.best_response.best_of_categories`, as the two that follow.
    :raises InputError: several readers and none chosen, examinations not in order of time, or sizes that cannot be.
    """
    reader = choose_reader(case, reader)
    selection = select_recist_lesions(case, reader=reader)
    viable_selection = select_mrecist_lesions(case, reader=reader)
    results = {
        one.criterion: one
        for one in (
            recist(case, reader=reader, selection=selection),
            mrecist(case, reader=reader, selection=viable_selection),
            easl(case, reader=reader, selection=viable_selection),
            who(case, reader=reader, selection=selection),
            mdanderson(case, measure=bone_measure, reader=reader, selection=selection),
            choi(case, reader=reader, selection=selection),
            volumetric(case, reader=reader, selection=selection),
            volumetric(case, viable=True, reader=reader, selection=viable_selection),
        )
    }
    applying, not_applicable = {}, {}
    without_targets = {
        **({} if selection.targets else dict.fromkeys((CHOI.name, VOLUME.name), "longest")),
        **({} if viable_selection.targets else {VIABLE_VOLUME.name: "viable"}),
    }
    for name, result in results.items():
        problem = _why_not(result)
        if not problem and name in without_targets:
            # These follow sizes and nothing else; non-targets tell them nothing.
            problem = f"there are no targets to follow; measure the {without_targets[name]} diameters at baseline, or choose the targets"
        if problem:
            not_applicable[name] = problem
        else:
            applying[name] = result
    adc = adc_changes(case, reader=reader)
    cautions = (
        *necrotic_growth_cautions(case, reader=reader),
        *haemorrhage_cautions(adc),
        *exclusion_cautions(case, reader=reader),
    )
    compared = [applying[name] for name in ("RECIST 1.1", "mRECIST", "EASL", "WHO") if name in applying]
    in_field = any(lesion.in_field for lesion in case.lesions)
    return CaseAssessment(
        patient=case.patient,
        reader=reader,
        selection=selection,
        viable_selection=viable_selection,
        criteria=applying,
        not_applicable=not_applicable,
        best={
            name: best_response(
                case,
                result,
                confirmation=confirmation,
                confirmation_weeks=confirmation_weeks,
                minimum_stable_weeks=minimum_stable_weeks,
            )
            for name, result in applying.items()
        },
        changes=(*adc, *ktrans_changes(case, reader=reader)),
        horger=horger(case, reader=reader),
        field={name: field_response(case, name, reader=reader) for name in ("RECIST 1.1", "mRECIST")} if in_field else {},
        doses=lesion_doses(case),
        afp=afp_responses(case),
        discordances=find_discordances(case, compared, targets=selection.targets, cautions=cautions, reader=reader),
        cautions=cautions,
        notes=_notes(case),
    )


def _why_not(result: CriterionResult) -> str:
    """Return why a criterion says nothing of this case; "" where it says something.

    A new lesion alone is progression by every criterion; one whose targets nobody measured is left out all the same.
    """
    followed = [one for one in result.assessments if one.category is not Category.BASELINE]
    if not followed:
        return "" if any(one.measurements for one in result.assessments) else "nothing was measured for it at baseline"
    if result.assessments[0].measurements or any(one.target not in (Category.NE, None) for one in followed):
        return ""
    if any(one.target is None and one.category is not Category.NE for one in followed):
        return ""
    reason = followed[0].reason.removeprefix(f"{followed[0].category}: ").removesuffix(".")
    untold = followed[0].target is None and followed[0].non_target is Category.NE
    return f"no target was measured for it at baseline; {reason}" if untold else reason


def _notes(case: Case) -> tuple[str, ...]:
    points = timeline(case)
    known = {one.index for one in points}
    stray = [row for row in case.measurements if row.time_point not in known]
    notes = []
    if stray:
        where = ", ".join(map(str, sorted({row.time_point for row in stray})))
        notes.append(f"Measurements of time points that the case does not have ({where}) were left out: {len(stray)}.")
    if len(points) == 1:
        notes.append("There is one examination only; a response needs a follow-up.")
    return tuple(notes)


def _plain(value):
    """Return what JSON can hold: dataclasses as objects, enumerations by value, NaN as null."""
    if dataclasses.is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return None if math.isnan(value) or math.isinf(value) else value
    return value
