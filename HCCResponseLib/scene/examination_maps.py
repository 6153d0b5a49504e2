"""The parameter maps of an examination: which there are, shown with their legend, measured together."""

from collections import Counter

import slicer

from ..errors import GeometryError, HCCResponseError, InputError
from ..progress import Progress, report_progress, subrange
from ..response.criteria.functional_change import REPEATABILITY_PERCENT
from ..response.quantities import QUANTITIES
from .dynamic_series import shown_volume
from .lesion_attributes import lesion_segments
from .map_measurement import measure_map
from .parameter_maps import map_quantity, map_sources, show_parameter_map
from .proposals import proposal
from .segments import segment_mask
from .time_points import study_of

__all__ = [
    "accepted_lesions",
    "hide_map_legends",
    "inside_repeatability",
    "is_shown",
    "lesion_region",
    "map_titles",
    "maps_of_examination",
    "measure_maps",
    "show_map",
]

_NOT_OF_TISSUE = ("FIT_RESIDUAL", "M0")
"""Maps that tell of the fit or the coil: shown and measured one by one, but not with all others."""


def maps_of_examination(study_item: int) -> list:
    """Return the maps below a study (0: those below none), in the order of the quantities; of one quantity the newest first."""
    order = list(QUANTITIES)
    nodes = [node for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") if study_of(node) == study_item]
    maps = [node for node in reversed(nodes) if map_quantity(node) is not None]
    return sorted(maps, key=lambda node: order.index(map_quantity(node).key))


def map_titles(map_nodes) -> list[str]:
    """Return what to call maps: their quantity, with their name where several have the same."""
    quantities = [map_quantity(node).label for node in map_nodes]
    count = Counter(quantities)
    pairs = zip(quantities, map_nodes, strict=True)
    return [label if count[label] == 1 else f"{label} · {node.GetName()}" for label, node in pairs]


def accepted_lesions(segmentation_node) -> list[str]:
    """Return the IDs of the segments that are lesions and no mere proposals."""
    return [one for one in lesion_segments(segmentation_node) if not proposal(segmentation_node, one)]


def measure_maps(map_nodes, segmentation_node, chosen_segment_ids=None, *, progress: Progress | None = None, **options) -> list[str]:
    """Measure all maps of an examination that tell of tissue; options are those of :func:`.map_measurement.measure_map`.

    A map that cannot be measured is passed over, and a sentence says why.

    :return: what is to be said, a sentence each.
    :raises Cancelled: ``progress`` returned False; maps that were done by then stay measured.
    """
    wanted = [node for node in map_nodes if map_quantity(node).key not in _NOT_OF_TISSUE]
    notes = []
    for done, node in enumerate(wanted):
        part = subrange(progress, done / len(wanted), (done + 1) / len(wanted))
        report_progress(part, 0.0)
        try:
            results = measure_map(node, segmentation_node, chosen_segment_ids, progress=part, **options)
        except HCCResponseError as error:
            notes.append(str(error))
        else:
            notes += [f"{map_quantity(node).label}: {text}" for one in results if (text := one.problem or one.note)]
    report_progress(progress, 1.0)
    return list(dict.fromkeys(notes))


def inside_repeatability(map_node, change_percent: float) -> bool:
    """Tell whether a change of a lesion on a map may be noise: it is within the published repeatability of the quantity."""
    return abs(change_percent) <= REPEATABILITY_PERCENT.get(map_quantity(map_node).key, -1.0)


def show_map(map_node, *, opacity: float = 0.6) -> None:
    """Show a map over the first image that it was made from, with its colour legend, and no legend of another map."""
    first = next(iter(map_sources(map_node)), None)
    if first is not None and first.IsA("vtkMRMLSequenceNode"):
        first = shown_volume(first)
    show_parameter_map(map_node, first, opacity=opacity)
    hide_map_legends(but=map_node)


def hide_map_legends(but=None) -> None:
    """Hide the colour legends of all maps but one."""
    for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
        legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node) if node is not but and map_quantity(node) is not None else None
        if legend is not None:
            legend.SetVisibility(False)


def is_shown(map_node) -> bool:
    """Tell whether a slice view shows a map over or instead of another image."""
    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    return any(map_node.GetID() in (one.GetForegroundVolumeID(), one.GetBackgroundVolumeID()) for one in composites)


def lesion_region(segmentation_node, volume_node, margin_mm: float = 0.0) -> tuple:
    """Return the accepted lesions that lie in a volume, as a region to fit (see :mod:`.map_region`).

    :raises InputError: there is none.
    """
    ids = []
    for segment_id in accepted_lesions(segmentation_node) if segmentation_node is not None else ():
        try:
            segment_mask(segmentation_node, segment_id, volume_node)
        except GeometryError:
            raise
        except InputError:  # empty, or beside the volume
            continue
        ids.append(segment_id)
    if not ids:
        raise InputError("No accepted outline of a lesion lies in the series; outline one, or fit the whole image.")
    return segmentation_node, ids, margin_mm
