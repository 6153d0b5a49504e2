"""Diameters of a lesion and of its viable part as results."""

from ...lesions.diameters import Diameter, PlanarDiameters
from .method import method_text
from .result import ProcedureResult

__all__ = [
    "PROCEDURES",
    "VIABLE",
    "WHOLE",
    "diameter_result",
    "drawn_line_text",
    "feret_result",
    "nothing_viable",
    "viable_diameter_result",
]

WHOLE = ("LONG_AXIS", "SHORT_AXIS")
VIABLE = ("VIABLE_DIAMETER", "VIABLE_SHORT_AXIS")
PROCEDURES = dict.fromkeys(WHOLE, "Diameter") | dict.fromkeys(VIABLE, "Viable diameter")
"""Procedure of each quantity that is the length of a line."""


def diameter_result(found: PlanarDiameters) -> ProcedureResult:
    """Longest diameter of a whole lesion and its perpendicular."""
    return _result(WHOLE, found)


def viable_diameter_result(found: PlanarDiameters) -> ProcedureResult:
    """Longest viable diameter (mRECIST) and its perpendicular."""
    return _result(VIABLE, found)


def nothing_viable() -> ProcedureResult:
    """Viable diameters of a lesion of which nothing viable is left: 0 mm."""
    return ProcedureResult(dict.fromkeys(VIABLE, 0.0), method_text(PROCEDURES[VIABLE[0]], "nothing viable is left"))


def feret_result(found: Diameter) -> ProcedureResult:
    """Longest distance in space."""
    method = method_text("3D diameter", "longest distance between points of the sub-voxel edge")
    return ProcedureResult({"FERET_DIAMETER": found.length_mm}, method)


def drawn_line_text(quantity: str, *, moved: bool) -> str:
    """Return the method of a diameter that a reader moved, or drew."""
    return method_text(PROCEDURES[quantity], "line moved by hand" if moved else "line drawn by hand")


def _result(quantities: tuple[str, str], found: PlanarDiameters) -> ProcedureResult:
    settings = dict(found.parameters)
    # What a reader of the table must know: a joint diameter, a lesion cut by the image's border.
    if found.pieces > 1:
        settings["joint_over_pieces"] = found.pieces
    if found.touches_border:
        settings["reaches_the_image_border"] = True
    values = dict(zip(quantities, (found.long_axis.length_mm, found.short_axis.length_mm), strict=True))
    return ProcedureResult(values, method_text(PROCEDURES[quantities[0]], found.method, settings))
