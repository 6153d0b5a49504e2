"""A proposed signal grade as a result; it has quantities of its own, so that it never passes for a reader's grade."""

from collections.abc import Mapping

from ...lesions.signal_grade import SignalGradeProposal
from .method import method_text
from .result import ProcedureResult

__all__ = ["grade_result"]


def grade_result(found: SignalGradeProposal, sequence: str, outside: Mapping[str, str] | None = None) -> ProcedureResult:
    """Grade, contrast and heterogeneity on "T1" or "T2"; ``outside``: what of the lesion lies beyond the image, as a setting."""
    values = {
        f"{sequence}_GRADE_PROPOSAL": float(found.grade),
        f"{sequence}_CONTRAST": found.contrast,
        f"{sequence}_HETEROGENEITY": found.heterogeneity,
    }
    return ProcedureResult(values, method_text(f"{sequence} grade proposal", found.method, {**found.parameters, **(outside or {})}))
