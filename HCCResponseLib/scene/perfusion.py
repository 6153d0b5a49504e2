"""Perfusion maps from a dynamic series of the scene: pharmacokinetic models in every voxel."""

import json
from collections.abc import Mapping

import numpy as np

from ..errors import InputError
from ..progress import Progress, report_progress, subrange
from .concentration import Conversion, outdated_conversion, record_conversion
from .dynamic_check import check_dynamic
from .dynamic_curves import grid_volume
from .dynamic_series import dynamic_geometry, times_fingerprint
from .input_check import Finding, Level, require_no_error
from .input_table import input_description, input_fingerprint, input_function, unfit_input
from .map_region import leave_out_air, region_mask, region_text
from .map_set import check_outputs, make_maps, maps_of
from .perfusion_fit import FittedVoxels, voxel_fit
from .series_protocol import SERIES_TIMES
from .subject_hierarchy import place_beside
from .volumes import add_volume, update_volume, volume_array

__all__ = [
    "MODELS",
    "PERFUSION_QUANTITIES",
    "check_dynamic",
    "compute_perfusion",
    "outdated_perfusion",
    "perfusion_maps_of",
    "perfusion_summary",
    "status_node",
]

MODELS = {
    "extended_tofts": "extended Tofts",
    "tofts": "Tofts",
    "patlak": "Patlak",
    "two_compartment_exchange": "two-compartment exchange",
    "dual_input": "dual input (one compartment)",
    "dual_input_extended_tofts": "dual-input extended Tofts",
}
"""Tissue models by name; those with a dual input need the portal vein's."""

QUANTITY_OF = {
    "ktrans": "KTRANS",
    "kep": "KEP",
    "ve": "VE",
    "vp": "VP",
    "plasma_flow": "PLASMA_FLOW",
    "ps": "PS",
    "arterial_fraction": "ARTERIAL_FRACTION",
    "distribution_volume": "DISTRIBUTION_VOLUME",
    "mean_transit_time_s": "MEAN_TRANSIT_TIME",
    "delay_s": "ARTERIAL_DELAY",
    "portal_delay_s": "PORTAL_DELAY",
    "rmse": "FIT_RESIDUAL",
}
PERFUSION_QUANTITIES = tuple(QUANTITY_OF.values())

STATUS_REFERENCE = "HCC.StatusMap"
_INPUT_REFERENCE, _PORTAL_REFERENCE = "HCC.ArterialInput", "HCC.PortalInput"
_COUNTS = "HCC.StatusCounts"

_VOXELS_AT_ONCE = 1 << 17
"""Bounds the memory: 70 images of so many voxels are 37 MB of signals and as much of concentrations."""


def compute_perfusion(
    sequence_node,
    input_node,
    *,
    relaxivity: float,
    t1_map=None,
    t1_s: float | None = None,
    model: str = "extended_tofts",
    delay_s: float | tuple[float, float] = 0.0,
    portal_node=None,
    portal_delay_s: float | tuple[float, float] = 0.0,
    baseline: int | None = None,
    region=None,
    without_air: bool = False,
    prefix: str = "",
    map_nodes: Mapping | None = None,
    progress: Progress | None = None,
) -> dict:
    """Fit a tissue model to a dynamic series. Flip angle and TR are those of the series, the hematocrit that of the input.

    :param input_node: table of the arterial input, see :mod:`.arterial_input`.
    :param relaxivity: of the contrast agent in tissue [1/(s mM)].
    :param t1_map: T1 map before contrast, on any grid; the B1 map that it was made with holds for the series too. Or ``t1_s``: one T1
        [s] for all tissue.
    :param model: one of :data:`MODELS`.
    :param delay_s: by how much tissue enhances later than the input [s]: a number, or a range (low, high) in which it is fitted.
    :param portal_node: table of the portal-venous input, for dual-input models; ``portal_delay_s`` as ``delay_s``.
    :param baseline: number of images before contrast, from the first on; where None, told by the arrival of the input.
    :param region: (segmentation node, segment IDs or None for the visible ones) where to fit; None: everywhere.
    :param without_air: leave out voxels that do not stand clear of the noise before contrast, where the noise can be told.
    :param prefix: put before the names of new maps.
    :param map_nodes: maps of this series by quantity to write into, as this function or :func:`perfusion_maps_of` returned them.
    :return: map nodes by quantity (of :data:`PERFUSION_QUANTITIES`, those that the model has; delays where they were fitted). They
        refer to a label map of the voxels' status, see :func:`status_node` and :func:`perfusion_summary`.
    :raises InputError: what :func:`check_dynamic` calls an error, inputs that the model cannot use, an output that is another map, a
        region without voxels, or no voxel could be fitted; nothing is changed then.
    :raises Cancelled: ``progress`` returned False; nothing is changed then.
    """
    from ..quantification.pharmacokinetics.models import check_model

    function = input_function(input_node)
    findings = check_dynamic(sequence_node, input_node=input_node, t1_map=t1_map, t1_s=t1_s, baseline=baseline)
    require_no_error(findings + check_outputs(map_nodes, [sequence_node]))
    check_model(model, portal_node)
    if portal_node is not None and (reason := unfit_input(portal_node, sequence_node)):
        raise InputError(reason)
    ready = voxel_fit(
        sequence_node, input_node, relaxivity=relaxivity, t1_map=t1_map, t1_s=t1_s, model=model, delay_s=delay_s,
        portal_node=portal_node, portal_delay_s=portal_delay_s, baseline=baseline,
    )
    grid, geometry, conversion = grid_volume(sequence_node), dynamic_geometry(sequence_node), ready.conversion
    mask = region_mask(region, grid)
    air_left_out = False
    if without_air:
        mask, air_left_out = _without_air(sequence_node, conversion.baseline, mask)
    voxels = np.arange(np.prod(geometry.shape)) if mask is None else np.flatnonzero(mask)
    if not voxels.size:
        raise InputError(f"No voxel of the region stands clear of the noise of '{sequence_node.GetName()}'; do not leave out air.")
    found = FittedVoxels(geometry.shape, leave_out=ready.given_delays)
    for start in range(0, voxels.size, _VOXELS_AT_ONCE):
        piece = voxels[start : start + _VOXELS_AT_ONCE]
        part = subrange(progress, start / voxels.size, min(1.0, (start + _VOXELS_AT_ONCE) / voxels.size))
        found.add(piece, *ready.fit(piece, part))
    report_progress(progress, 1.0)
    found.require_some(sequence_node)

    maps = make_maps(
        {QUANTITY_OF[name]: array for name, array in found.maps.items() if np.isfinite(array).any()},
        found.valid,
        geometry,
        source_nodes=[sequence_node],
        method=_method(conversion, model, delay_s, portal_delay_s, input_node, portal_node, t1_s, t1_map, air_left_out),
        prefix=prefix,
        attributes={
            "HCC.Model": model,
            "HCC.Delay": " ".join(f"{one:g}" for one in np.atleast_1d(delay_s)),
            "HCC.Hematocrit": f"{function.hematocrit:g}",
            "HCC.ArrivalS": f"{function.arrival_s:.6g}",
            "HCC.ArterialInputSource": input_description(input_node)[1],
            "HCC.ArterialInputSamples": input_fingerprint(input_node),
            "HCC.PortalInputSource": "" if portal_node is None else input_description(portal_node)[1],
            "HCC.PortalInputSamples": "" if portal_node is None else input_fingerprint(portal_node),
            "HCC.AirLeftOut": "yes" if air_left_out else "no",
            SERIES_TIMES: times_fingerprint(sequence_node),
            "HCC.Region": region_text(region),
            _COUNTS: json.dumps(found.counts()),
        },
        map_nodes=map_nodes,
        transform_node=grid.GetParentTransformNode(),
    )
    for node in maps.values():
        record_conversion(node, conversion, t1_map, t1_s)
        for reference, table in ((_INPUT_REFERENCE, input_node), (_PORTAL_REFERENCE, portal_node)):
            node.SetNodeReferenceID(reference, None if table is None else table.GetID())
    _store_status(maps, found.status, geometry, sequence_node, prefix)
    return maps


def perfusion_maps_of(sequence_node) -> dict:
    """Return the perfusion maps that were last made from a dynamic series, by quantity."""
    return maps_of([sequence_node], PERFUSION_QUANTITIES)


def status_node(map_node):
    """Return the label map of status flags (``HCCResponseLib.quantification.pharmacokinetics.Status``) of a perfusion map, or None."""
    return map_node.GetNodeReference(STATUS_REFERENCE)


def perfusion_summary(map_node) -> list[Finding]:
    """Return in words how many voxels of a perfusion map were fitted, and what became of the others."""
    counts = json.loads(map_node.GetAttribute(_COUNTS) or "{}")
    fitted = counts.pop("fitted", 0)
    total = counts.pop("voxels", 0)
    findings = [Finding(Level.GOOD, f"{fitted} of {total} voxels have values.")] if total else []
    return findings + [Finding(Level.INFORMATION, f"{number} voxel{'s' * (number != 1)}: {text}.") for text, number in counts.items()]


def outdated_perfusion(map_node) -> str:
    """Return why a perfusion map is out of date: its input, T1 map, flip angle or TR were changed since; empty where it is not."""
    name = map_node.GetName()
    for reference, attribute, what in (
        (_INPUT_REFERENCE, "HCC.ArterialInputSamples", "arterial input"),
        (_PORTAL_REFERENCE, "HCC.PortalInputSamples", "portal-venous input"),
    ):
        table, kept = map_node.GetNodeReference(reference), map_node.GetAttribute(attribute)
        if table is not None and kept and input_fingerprint(table) != kept:
            return f"The {what} '{table.GetName()}' was changed after '{name}' was computed with it; compute the map again."
    return outdated_conversion(map_node)


def _without_air(sequence_node, baseline: int, mask):
    images = [volume_array(sequence_node.GetNthDataNode(number)) for number in range(min(baseline, 4))]
    signals = np.stack(images, axis=-1)
    return leave_out_air(signals, np.zeros(len(images)), mask)


def _method(conversion: Conversion, model, delay_s, portal_delay_s, input_node, portal_node, t1_s, t1_map, air_left_out) -> str:
    """Return the settings in words: what must be equal for maps of two examinations to be comparable, and nothing that differs anyhow."""
    words = [MODELS[model], input_description(input_node)[0]]
    delays = [("delay", delay_s)]
    if portal_node is not None:
        words.append(input_description(portal_node)[0])
        delays.append(("portal delay", portal_delay_s))
    for name, delay in delays:
        if np.ndim(delay):
            words.append(f"{name} fitted {delay[0]:g} to {delay[1]:g} s")
        elif delay:
            words.append(f"{name} {delay:g} s")
    return ", ".join([*words, conversion.text(t1_s, t1_map), *(["air left out"] if air_left_out else [])])


def _store_status(maps, status, geometry, sequence_node, prefix: str) -> None:
    known = next((status_node(node) for node in maps.values() if status_node(node) is not None), None)
    if known is None:
        known = add_volume(status, geometry, f"{prefix} perfusion status".strip(), node_class="vtkMRMLLabelMapVolumeNode")
        place_beside(known, sequence_node)
    else:
        update_volume(known, status, geometry)
    for node in maps.values():
        node.SetNodeReferenceID(STATUS_REFERENCE, known.GetID())
        known.SetAndObserveTransformNodeID(node.GetTransformNodeID())
