"""An arterial or portal-venous input function as a table of the scene: seconds, plasma concentration, and where it is from.

The table is the truth: whatever needs an input reads its samples. It stands beside the dynamic series that it is for; its times are
those of the series (0 is the first image).
"""

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..errors import InputError
from .dynamic_series import times_fingerprint
from .escaped_text import safe_node_name
from .series_protocol import SERIES_TIMES, protocol_change
from .subject_hierarchy import place_beside

__all__ = [
    "CONCENTRATION",
    "TIME",
    "InputKind",
    "input_description",
    "input_fingerprint",
    "input_function",
    "input_kind",
    "input_series",
    "input_vessel",
    "input_warnings",
    "inputs_of",
    "unfit_input",
    "write_input",
]

TIME, CONCENTRATION = "time_s", "concentration_mM"
SERIES_REFERENCE = "HCC.SourceVolume"
SEGMENTATION_REFERENCE = "HCC.SourceSegmentation"
_KIND, _VESSEL, _SHORT, _SOURCE = "HCC.InputKind", "HCC.Vessel", "HCC.InputName", "HCC.InputSource"
_ARRIVAL, _HEMATOCRIT, _WARNINGS = "HCC.ArrivalS", "HCC.Hematocrit", "HCC.Warnings"


class InputKind(StrEnum):
    """Where an input function is from."""

    POPULATION = "population"
    MEASURED = "measured"
    DERIVED = "derived"
    IMPORTED = "imported"


def write_input(
    kind: InputKind,
    function,
    sequence_node,
    *,
    name: str,
    short: str,
    source: str,
    settings: Mapping[str, str] = MappingProxyType({}),
    segmentation_node=None,
    table_node=None,
):
    """Write an input function into a table: a new one, or ``table_node``.

    Six digits are kept, as saved tables have them: an input is the same before and after.

    :param function: :class:`~HCCResponseLib.quantification.arterial_input.MeasuredInput`.
    :param name: of a new table.
    :param short: how a map's method names it ("Parker AIF"): equal for inputs whose maps are to be compared between examinations.
    :param source: where it is from, in a sentence.
    :param settings: further attributes.
    :raises InputError: ``table_node`` holds another table or the input of another series, which would be lost.
    """
    if table_node is not None and table_node.GetNumberOfColumns() and input_kind(table_node) is None:
        raise InputError(f"Table '{table_node.GetName()}' holds something else that would be lost; choose another output, or a new one.")
    if table_node is not None and input_series(table_node) not in (None, sequence_node):
        raise InputError(f"'{table_node.GetName()}' is the input of another series and would be lost; choose another output, or a new one.")
    if table_node is None:
        table_node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", safe_node_name(name))
    columns = vtk.vtkTable()
    for column, values in ((TIME, function.time_s), (CONCENTRATION, function.plasma)):
        array = numpy_to_vtk(np.array([float(f"{value:.6g}") for value in values]), deep=True)
        array.SetName(column)
        columns.AddColumn(array)
    facts = {
        SERIES_TIMES: times_fingerprint(sequence_node),
        _KIND: str(kind),
        _VESSEL: str(function.vessel),
        _SHORT: short,
        _SOURCE: source,
        _ARRIVAL: f"{function.arrival_s:.6g}",
        _HEMATOCRIT: f"{function.hematocrit:g}",
        _WARNINGS: json.dumps([list(warning) for warning in function.warnings]),
    }
    with slicer.util.NodeModify(table_node):
        for attribute in table_node.GetAttributeNames():
            if attribute.startswith("HCC."):
                table_node.RemoveAttribute(attribute)
        for attribute, value in (facts | dict(settings)).items():
            table_node.SetAttribute(attribute, value)
        table_node.SetAndObserveTable(columns)
        table_node.SetColumnUnitLabel(TIME, "s")
        table_node.SetColumnUnitLabel(CONCENTRATION, "mM")
        table_node.SetLocked(True)
        table_node.SetNodeReferenceID(SERIES_REFERENCE, sequence_node.GetID())
        table_node.SetNodeReferenceID(SEGMENTATION_REFERENCE, None if segmentation_node is None else segmentation_node.GetID())
    place_beside(table_node, sequence_node)
    return table_node


def input_function(table_node):
    """Return the input function of a table, a callable of seconds that gives plasma concentration in mM.

    :return: :class:`~HCCResponseLib.quantification.arterial_input.MeasuredInput` (without quality figures: its warnings were kept).
    :raises InputError: no table, not one made here, or columns that are missing, not numbers, or not in the order of time.
    """
    from ..quantification.arterial_input import InputWarning, MeasuredInput, Vessel

    if table_node is None:
        raise InputError("No arterial input was chosen; take a population input, measure one in the aorta, or import one.")
    name = f"Input '{table_node.GetName()}'"
    if input_kind(table_node) is None:
        raise InputError(f"Table '{table_node.GetName()}' is no arterial input; take a population input, measure one, or import one.")
    time_s, plasma = (_column(table_node, column) for column in (TIME, CONCENTRATION))
    if time_s.size < 4 or not (np.isfinite(time_s).all() and np.isfinite(plasma).all()):
        raise InputError(f"{name} needs four or more samples that are all numbers; make it again.")
    if np.any(np.diff(time_s) <= 0):
        raise InputError(f"The times of {name} do not increase; make it again.")
    arrival, hematocrit = (float(table_node.GetAttribute(attribute) or "nan") for attribute in (_ARRIVAL, _HEMATOCRIT))
    warnings = tuple(InputWarning(*one) for one in json.loads(table_node.GetAttribute(_WARNINGS) or "[]"))
    derived = input_kind(table_node) is InputKind.DERIVED
    return MeasuredInput(time_s, plasma, arrival, Vessel(input_vessel(table_node)), hematocrit, None, None, derived, warnings)


def input_kind(table_node) -> InputKind | None:
    """Return where an input is from; None for a table that is none."""
    value = table_node.GetAttribute(_KIND)
    return InputKind(value) if value in InputKind.__members__.values() else None


def input_vessel(table_node) -> str:
    """Return "artery" or "portal vein"."""
    return table_node.GetAttribute(_VESSEL) or "artery"


def input_description(table_node) -> tuple[str, str]:
    """Return how a map's method names an input ("Parker AIF"), and where it is from in a sentence."""
    return table_node.GetAttribute(_SHORT) or "", table_node.GetAttribute(_SOURCE) or ""


def input_warnings(table_node) -> list[str]:
    """Return the doubts about an input, a sentence each."""
    return [sentence for _code, sentence in json.loads(table_node.GetAttribute(_WARNINGS) or "[]")]


def inputs_of(sequence_node, vessel: str = "artery") -> list:
    """Return the tables with inputs for a dynamic series, in the order of the scene."""
    tables = slicer.util.getNodesByClass("vtkMRMLTableNode")
    mine = [one for one in tables if input_kind(one) is not None and input_series(one) is sequence_node]
    return [one for one in mine if input_vessel(one) == vessel]


def input_series(table_node):
    """Return the dynamic series that an input is for; None where it is no longer in the scene."""
    return table_node.GetNodeReference(SERIES_REFERENCE)


def unfit_input(table_node, sequence_node) -> str:
    """Return why an input must not be used for a dynamic series; empty where it may.

    It was made for another series, or flip angle, TR or times were changed since (an imported one depends on none of them).
    """
    name, its_series = table_node.GetName(), input_series(table_node)
    if its_series not in (None, sequence_node):
        return f"'{name}' is the input of '{its_series.GetName()}': times differ between series; make one for this series."
    if its_series is None or input_kind(table_node) is InputKind.IMPORTED:
        return ""
    words = ("measured", "measure it again") if input_kind(table_node) is InputKind.MEASURED else ("made", "make it again")
    return protocol_change(table_node, sequence_node, *words)


def input_fingerprint(table_node) -> str:
    """Return what changes when the samples of an input do."""
    samples = np.concatenate([_column(table_node, column) for column in (TIME, CONCENTRATION)])
    return hashlib.blake2b(samples.tobytes(), digest_size=8).hexdigest()


def _column(table_node, column: str) -> np.ndarray:
    array = table_node.GetTable().GetColumnByName(column)
    if array is None or not array.IsNumeric():
        raise InputError(f"Input '{table_node.GetName()}' has no column of numbers '{column}'; make it again.")
    return vtk_to_numpy(array).astype(np.float64)
