"""Plain results of measuring a lesion -> rows of the measurement table, the same for the scene and for files."""

from .diameters import diameter_result, drawn_line_text, feret_result, nothing_viable, viable_diameter_result
from .edge import edge_result
from .map_statistics import map_rows, outside_percent, voxel_choice, whole_method
from .method import method_text, procedure_of
from .necrosis import alignment_words, necrosis_result, parts_result, settings_difference
from .result import ProcedureResult, Subject, result_rows
from .signal_grade import grade_result
from .volume import volume_result

__all__ = [
    "ProcedureResult",
    "Subject",
    "alignment_words",
    "diameter_result",
    "drawn_line_text",
    "edge_result",
    "feret_result",
    "grade_result",
    "map_rows",
    "method_text",
    "necrosis_result",
    "nothing_viable",
    "outside_percent",
    "parts_result",
    "procedure_of",
    "result_rows",
    "settings_difference",
    "viable_diameter_result",
    "volume_result",
    "voxel_choice",
    "whole_method",
]
