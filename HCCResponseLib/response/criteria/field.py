"""Response inside and outside the radiation field, and both together (Cha et al., Yonsei Med J 2013;54:1178).

Lesions inside the field are assessed as targets, lesions outside as non-targets; the total combines them by the table of the criterion.
"""

from dataclasses import dataclass, replace

from ...errors import InputError
from ..case import Case, Lesion, LesionKind
from .category import CriterionResult
from .mrecist import mrecist, target_rule
from .recist import RECIST_TARGETS, recist
from .targets import LesionChoice, Selection, select_lesions

__all__ = ["FieldResponse", "field_response"]

_CRITERIA = {"RECIST 1.1": (recist, lambda _case: RECIST_TARGETS), "mRECIST": (mrecist, target_rule)}


@dataclass(frozen=True)
class FieldResponse:
    """The same criterion inside the field, outside, and in total."""

    in_field: CriterionResult
    out_of_field: CriterionResult
    total: CriterionResult


def field_response(case: Case, criterion: str = "mRECIST", *, reader: str | None = None) -> FieldResponse:
    """Assess a case inside and outside the radiation field.

    Targets outside the field become non-targets; new lesions count on the side they lie on. A lesion of which nobody said where it
    lies keeps the total from being told.

    :param criterion: "RECIST 1.1" or "mRECIST".
    :param reader: whose measurements; may be left out where there is one reader.
    :raises InputError: another criterion, no lesion is said to lie inside the field, or see :func:`recist`.
    """
    if criterion not in _CRITERIA:
        raise InputError(f"Response by field is defined for {' and '.join(_CRITERIA)}, not for '{criterion}'.")
    if not any(lesion.in_field for lesion in case.lesions):
        raise InputError("No lesion is marked as lying inside the radiation field.")
    assess, rule_of = _CRITERIA[criterion]
    rule = rule_of(case)
    rule = replace(rule, obstacle=lambda lesion, inner=rule.obstacle: _outside(lesion) or inner(lesion))
    # A target chosen outside the field takes no place among the targets inside.
    demoted = replace(case, lesions=tuple(map(_demoted, case.lesions)))
    chosen = select_lesions(demoted, rule, reader=reader)

    def assessed(where: str, selection: Selection) -> CriterionResult:
        result = assess(case, reader=reader, selection=selection)
        name = f"{criterion}, {where}"
        return replace(result, criterion=name, assessments=tuple(replace(one, criterion=name) for one in result.assessments))

    return FieldResponse(
        assessed("in field", chosen.restricted(lambda one: one if one.lesion.in_field else None)),
        assessed("out of field", chosen.restricted(lambda one: one if one.lesion.in_field is False else None)),
        assessed("total", chosen.restricted(_with_known_side)),
    )


def _outside(lesion: Lesion) -> str:
    return "outside the radiation field" if lesion.in_field is False else ""


def _demoted(lesion: Lesion) -> Lesion:
    outside = lesion.in_field is False and lesion.kind is LesionKind.TARGET
    return replace(lesion, kind=LesionKind.NON_TARGET) if outside else lesion


def _with_known_side(choice: LesionChoice) -> LesionChoice:
    """Leave a lesion undecided of which nobody knows the side; a new one counts wherever it lies."""
    if choice.lesion.in_field is not None or choice.kind in (None, LesionKind.NEW):
        return choice
    return replace(choice, kind=None, reason="nobody said whether it lies inside the radiation field", undecided_since=0)
