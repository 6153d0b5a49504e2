"""RECIST 1.1 (Eisenhauer et al., Eur J Cancer 2009;45:228), with the clarifications of the EORTC.

Sum of the longest diameters of the targets, of lymph nodes the short axis. CR: all targets gone, nodes under 10 mm. PR: sum at least
30 % under the baseline. PD: sum at least 20 % and 5 mm over the nadir (the baseline counts), or a new lesion, or unequivocal
progression of non-targets. Whatever is there again after a complete response is progression; a lymph node from 10 mm on.
"""

from dataclasses import replace

from ..case import Case, Lesion
from .category import Assessment, Category, CriterionResult
from .evaluation import evaluate
from .reading import Reading
from .size_rule import SizeRule, longest_diameter
from .targets import Selection, TargetRule, select_lesions

__all__ = ["RECIST", "RECIST_TARGETS", "bone_obstacle", "recist", "select_recist_lesions", "with_continuing_response"]

RECIST = SizeRule("RECIST 1.1", longest_diameter, progression_absolute=5.0)


def _obstacle(lesion: Lesion) -> str:
    if lesion.ill_defined:
        return "ill-defined, it cannot be measured reliably"
    if lesion.tumour_thrombus:
        return "tumour thrombus, it cannot be measured reliably"
    if lesion.previously_treated:
        return "treated locally before; a target only once it has progressed since"
    return bone_obstacle(lesion)


def bone_obstacle(lesion: Lesion) -> str:
    """Why a bone lesion may not be a target; "" for lesions elsewhere."""
    bone = lesion.organ.strip().casefold() == "bone"
    return "bone lesion; a target only by a measurable soft tissue part" if bone else ""


RECIST_TARGETS = TargetRule(lambda lesion: longest_diameter(None, lesion), _obstacle)


def select_recist_lesions(case: Case, *, reader: str | None = None) -> Selection:
    """Return targets, non-targets and new lesions: as the user chose, and as RECIST 1.1 proposes where he did not."""
    return select_lesions(case, RECIST_TARGETS, reader=reader)


def recist(case: Case, *, reader: str | None = None, selection: Selection | None = None) -> CriterionResult:
    """Assess a case by RECIST 1.1.

    :param reader: whose measurements; may be left out where there is one reader.
    :param selection: targets, non-targets and new lesions; :func:`select_recist_lesions` if None.
    :raises InputError: several readers and none chosen, examinations not in order of time, or sizes that cannot be.
    """
    selection = selection or select_recist_lesions(case, reader=reader)
    reading = Reading.of(case, reader, lambda lesion: longest_diameter(case, lesion))
    return with_continuing_response(evaluate(reading, RECIST, selection))


def with_continuing_response(result: CriterionResult) -> CriterionResult:
    """Note where an earlier partial response continues: by the EORTC's clarification it does until progression.

    The category stays that of the examination's own numbers, which the best response is built from.
    """
    assessments: list[Assessment] = []
    responding = False
    for one in result.assessments:
        if one.target is Category.SD and responding:
            note = "An earlier partial response continues until progression, by the EORTC's clarification of RECIST 1.1."
            one = replace(one, notes=(*one.notes, note))
        responding = one.category is not Category.PD and (responding or one.target in (Category.PR, Category.CR))
        assessments.append(one)
    return replace(result, assessments=tuple(assessments))
