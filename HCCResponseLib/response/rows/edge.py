"""The sharpness of a lesion's edge as a result."""

from collections.abc import Mapping

from ...lesions.edge_sharpness import EdgeSharpness
from .method import method_text
from .result import ProcedureResult

__all__ = ["edge_result"]


def edge_result(found: EdgeSharpness, outside: Mapping[str, str] | None = None) -> ProcedureResult:
    """Width and visible part of the edge; ``outside``: what of the lesion lies beyond the image, as a setting."""
    values = {"EDGE_WIDTH": found.width_mm, "VISIBLE_EDGE": found.visible_fraction}
    return ProcedureResult(values, method_text("Edge", found.method, {**found.parameters, **(outside or {})}))
