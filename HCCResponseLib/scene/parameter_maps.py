"""Parameter maps: volumes whose voxels are a coded quantity with a unit, and that say how they were made.

A map holds shown values (10⁻³ mm²/s for ADC), 0 where no valid value exists, and refers to a label map that is 1 where the
value is valid. Whoever reads numbers from a map uses :func:`map_values`: canonical unit, NaN where invalid.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import slicer

from ..errors import GeometryError, InputError
from ..geometry import Geometry
from ..response.quantities import QUANTITIES, Code, Quantity, canonical_factor
from ..response.roles import Role
from ..version import __version__
from .roles import set_role
from .subject_hierarchy import ensure_source_uid, place_beside, source_uid
from .view_text import view_text
from .views import show_volumes
from .volumes import add_volume, update_volume, volume_array, volume_geometry

__all__ = [
    "Provenance",
    "check_output",
    "make_parameter_map",
    "map_factor",
    "map_provenance",
    "map_quantity",
    "map_sources",
    "map_values",
    "show_parameter_map",
    "validity_node",
]

VALIDITY_REFERENCE = "HCC.ValidityMask"
SOURCE_REFERENCE = "HCC.SourceVolume"
_COLORS = {"ADC": "Viridis", "D": "Viridis", "D_STAR": "Plasma", "PERFUSION_FRACTION": "Inferno", "T1": "Cividis"}
_DEFAULT_COLORS = "Inferno"
_WOULD_BE_LOST = "Volume '{}' holds an image that would be lost; choose another output, or a new one."


@dataclass(frozen=True)
class Provenance:
    """How a map was made; kept as attributes of its node.

    :param method: estimator with its settings, as it goes into measurements ("WLLS, b = 0, 400, 800 s/mm2").
    :param source_series: DICOM series UIDs of the source volumes, or the UIDs given to those without one; joined by commas and spaces.
    :param software: name and version of the program.
    """

    method: str
    source_series: str = ""
    software: str = f"HCCResponse {__version__}"


def make_parameter_map(
    array,
    valid,
    geometry: Geometry,
    quantity: Quantity,
    name: str,
    *,
    method: str = "",
    source_nodes=(),
    role: Role | None = None,
    attributes: Mapping[str, str] = MappingProxyType({}),
    map_node=None,
):
    """Put a map into the scene: a new node, or new content for ``map_node``.

    Window and colours are set when the map is new or changes its quantity; what a user adjusted stays.

    :param array: (k, j, i) values in the quantity's canonical unit; kept as float32.
    :param valid: (k, j, i) boolean; values that are NaN or infinite are invalid whatever it says. None: all others are valid.
    :param method: estimator and its settings, in words.
    :param attributes: further node attributes that say how it was made, such as ``HCC.BValues``.
    :param source_nodes: volumes, or the sequence of a dynamic series, that it was computed from; the map is placed beside the first
        one, under the same parent transform (so ``geometry`` is in that volume's own coordinates).
    :param map_node: a map made here before, or a volume without an image; None makes a new one.
    :return: the map's scalar volume node.
    :raises InputError: a shape does not fit the geometry, or ``map_node`` holds an image that is not a map made here.
    """
    if map_node is not None and _holds_an_image(map_node):
        raise InputError(_WOULD_BE_LOST.format(map_node.GetName()))
    array = np.asarray(array)
    usable = np.isfinite(array)
    if valid is not None:
        if np.shape(valid) != array.shape:
            raise InputError(f"Map '{name}': the validity mask has {np.shape(valid)} voxels, the map {array.shape}.")
        usable &= np.asarray(valid, dtype=bool)
    shown = np.zeros(array.shape, dtype=np.float32)
    np.multiply(array, quantity.display_factor, out=shown, where=usable, casting="same_kind")

    needs_display = map_node is None or map_quantity(map_node) != quantity
    if map_node is None:
        map_node = add_volume(shown, geometry, name)
    else:
        update_volume(map_node, shown, geometry)
    # A dynamic series is a sequence, which itself lies nowhere: its volumes do.
    if source_nodes and source_nodes[0].IsA("vtkMRMLTransformableNode"):
        map_node.SetAndObserveTransformNodeID(source_nodes[0].GetTransformNodeID())
    _store_validity(map_node, usable, geometry)
    map_node.SetAttribute("HCC.Quantity", quantity.key)
    map_node.SetVoxelValueQuantity(_coded_entry(quantity.code))
    map_node.SetVoxelValueUnits(_coded_entry(quantity.display_unit))
    set_role(map_node, role)
    _store_provenance(map_node, method, source_nodes)
    for attribute, value in attributes.items():
        map_node.SetAttribute(attribute, value)
    if needs_display:
        _set_default_display(map_node, quantity)
    if source_nodes:
        place_beside(map_node, source_nodes[0])
        place_beside(validity_node(map_node), source_nodes[0])
    return map_node


def check_output(map_node, source_nodes) -> str:
    """Return why a map of these images must not be written into a node: what it holds would be lost; empty where it may.

    That is an image that is no map made here, or the map of another series.
    """
    if _holds_an_image(map_node):
        return _WOULD_BE_LOST.format(map_node.GetName())
    made_from, present = set(map_sources(map_node)), set(source_nodes)
    if not made_from:
        # The images were removed; a series of the DICOM reader may have been joined from several.
        made_from = set(filter(None, (map_node.GetAttribute("HCC.SourceSeries") or "").split(", ")))
        present = {uid for node in source_nodes for uid in source_uid(node).split(", ")}
    if not made_from or made_from & present:
        return ""
    return f"'{map_node.GetName()}' is the map of another series and would be lost; choose another output, or a new one."


def map_quantity(map_node) -> Quantity | None:
    """Return what the voxels of a volume are, from our attribute or the coded quantity of the volume; None if neither tells."""
    key = map_node.GetAttribute("HCC.Quantity")
    if key in QUANTITIES:
        return QUANTITIES[key]
    code = map_node.GetVoxelValueQuantity()
    value = (code.GetCodeValue(), code.GetCodingSchemeDesignator()) if code else None
    return next((quantity for quantity in QUANTITIES.values() if quantity.code[:2] == value), None)


def map_values(map_node) -> tuple[np.ndarray, Quantity]:
    """Return the values of a map (k, j, i) in the quantity's canonical unit as float64, NaN where invalid, and the quantity.

    :raises InputError: the volume has no known quantity, a unit that is not one of its quantity, or lost its validity mask.
    :raises GeometryError: the validity mask does not lie on the grid of the map.
    """
    factor, quantity = map_factor(map_node), map_quantity(map_node)
    values = volume_array(map_node) * np.float64(factor)
    mask_node = validity_node(map_node)
    if mask_node is None and map_node.GetAttribute("HCC.Quantity"):
        raise InputError(f"The validity mask of map '{map_node.GetName()}' was deleted, so zeros cannot be told; compute the map again.")
    if mask_node is not None:
        if not volume_geometry(mask_node).matches(volume_geometry(map_node)):
            raise GeometryError(
                f"Validity mask '{mask_node.GetName()}' does not lie on the grid of map '{map_node.GetName()}'; compute the map again.",
            )
        values[volume_array(mask_node) == 0] = np.nan
    return values, quantity


def map_factor(map_node) -> float:
    """Return the factor from the voxels of a map, in the unit that the volume tells, to the quantity's canonical unit.

    :raises InputError: the volume has no known quantity, or a unit that is not one of its quantity.
    """
    quantity = map_quantity(map_node)
    if quantity is None:
        raise InputError(
            f"Volume '{map_node.GetName()}' does not say what its values are (no coded quantity), so they cannot be measured as a map.",
        )
    units = map_node.GetVoxelValueUnits()
    try:
        return canonical_factor(quantity, (units.GetCodeValue() if units else None) or "")
    except InputError as error:
        raise InputError(f"Volume '{map_node.GetName()}': {error}") from None


def map_provenance(map_node) -> Provenance:
    """Return how a map was made; empty texts where the volume does not tell (a map from elsewhere gets a UID when it is measured)."""
    return Provenance(
        method=map_node.GetAttribute("HCC.Method") or "",
        source_series=map_node.GetAttribute("HCC.SourceSeries") or source_uid(map_node),
        software=map_node.GetAttribute("HCC.Software") or "",
    )


def map_sources(map_node) -> list:
    """Return the volumes that a map was computed from, those that are still in the scene."""
    nodes = [map_node.GetNthNodeReference(SOURCE_REFERENCE, n) for n in range(map_node.GetNumberOfNodeReferences(SOURCE_REFERENCE))]
    return [node for node in nodes if node is not None]


def validity_node(map_node):
    """Return the label map that is 1 where the map is valid; None for a map from elsewhere."""
    return map_node.GetNodeReference(VALIDITY_REFERENCE)


def show_parameter_map(map_node, reference_node=None, *, opacity: float = 0.6) -> None:
    """Show a map in all slice views, over a reference image if there is one, with a colour legend that names quantity and unit."""
    if reference_node is None:
        show_volumes(map_node)
    else:
        show_volumes(reference_node, map_node, foreground_opacity=opacity)
    legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(map_node)
    quantity = map_quantity(map_node)
    if quantity is not None:
        legend.SetTitleText(f"{quantity.label} ({view_text(quantity.display_unit.meaning)})")
        legend.SetLabelFormat(f"%.{quantity.decimals}f")
    # In the corner that a body leaves free.
    legend.SetSize(0.08, 0.22)
    legend.SetPosition(0.99, 0.01)
    legend.SetNumberOfLabels(4)
    legend.GetTitleTextProperty().SetFontSize(12)
    legend.GetLabelTextProperty().SetFontSize(12)
    legend.SetVisibility(True)


def _holds_an_image(map_node) -> bool:
    """Tell whether a node holds what is no map made here."""
    return map_node.GetImageData() is not None and map_node.GetAttribute("HCC.Quantity") is None


def _coded_entry(code: Code):
    entry = slicer.vtkCodedEntry()
    entry.SetValueSchemeMeaning(*code)
    return entry


def _store_validity(map_node, usable, geometry: Geometry) -> None:
    mask_node = validity_node(map_node)
    if mask_node is None:
        mask_node = add_volume(usable, geometry, f"{map_node.GetName()} valid", node_class="vtkMRMLLabelMapVolumeNode")
        map_node.SetNodeReferenceID(VALIDITY_REFERENCE, mask_node.GetID())
    else:
        update_volume(mask_node, usable, geometry)
    # A map moved by a registration takes its mask along.
    mask_node.SetAndObserveTransformNodeID(map_node.GetTransformNodeID())


def _store_provenance(map_node, method: str, source_nodes) -> None:
    provenance = Provenance(method, ", ".join(dict.fromkeys(ensure_source_uid(node) for node in source_nodes)))
    map_node.SetAttribute("HCC.Method", provenance.method)
    map_node.SetAttribute("HCC.SourceSeries", provenance.source_series)
    map_node.SetAttribute("HCC.Software", provenance.software)
    map_node.RemoveNodeReferenceIDs(SOURCE_REFERENCE)
    for node in source_nodes:
        map_node.AddNodeReferenceID(SOURCE_REFERENCE, node.GetID())


def _set_default_display(map_node, quantity: Quantity) -> None:
    map_node.CreateDefaultDisplayNodes()
    display_node = map_node.GetDisplayNode()
    with slicer.util.NodeModify(display_node):
        colors = f"vtkMRMLColorTableNodeFile{_COLORS.get(quantity.key, _DEFAULT_COLORS)}.txt"
        if slicer.mrmlScene.GetNodeByID(colors) is not None:
            display_node.SetAndObserveColorNodeID(colors)
        if quantity.window is not None:
            display_node.SetAutoWindowLevel(False)
            display_node.SetWindowLevelMinMax(*quantity.window)
        # Invalid voxels (0) must neither colour the reference image below nor bleed into their neighbours.
        display_node.SetInterpolate(False)
        display_node.SetThreshold(float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max))
        display_node.SetApplyThreshold(True)
