"""Maps of enhancement from a dynamic series of the scene, without a tissue model: area, time to peak, wash-in, peak."""

from collections.abc import Mapping

import numpy as np

from ..errors import InputError
from ..progress import Progress, report_progress, subrange
from .b1_maps import b1_fraction, b1_of_t1_map
from .concentration import baseline_images, conversion_of, outdated_conversion, record_conversion, tissue_t1
from .dynamic_curves import grid_volume, read_curves
from .dynamic_series import dynamic_geometry, frame_times_s, times_fingerprint
from .input_check import require_no_error
from .map_region import region_mask, region_text
from .map_set import COMPUTATION, check_outputs, make_maps, maps_of
from .series_protocol import SERIES_TIMES
from .subject_hierarchy import new_uid

__all__ = ["ENHANCEMENT_QUANTITIES", "compute_enhancement", "enhancement_maps_of", "outdated_enhancement"]

ENHANCEMENT_QUANTITIES = ("ENHANCEMENT", "ENHANCEMENT_AREA60", "TIME_TO_PEAK", "WASH_IN", "IAUC60")

_DURATION_S = 60.0
_VOXELS_AT_ONCE = 1 << 17


def compute_enhancement(
    sequence_node,
    *,
    arrival_s: float,
    relaxivity: float | None = None,
    t1_map=None,
    t1_s: float | None = None,
    baseline: int | None = None,
    region=None,
    prefix: str = "",
    map_nodes: Mapping | None = None,
    progress: Progress | None = None,
) -> dict:
    """Compute maps of relative enhancement S/S0 - 1 of a dynamic series, which need neither T1 nor flip angle; with them, also iAUC60.

    "ENHANCEMENT": the highest after arrival; "ENHANCEMENT_AREA60" [s]: area over 60 s from arrival; "TIME_TO_PEAK" [s] from arrival;
    "WASH_IN" [1/s]: steepest rise; "IAUC60" [mM s]: area of concentration over 60 s from arrival, where ``relaxivity`` and T1 are given.
    Signals of a spoiled gradient echo grow less than concentration does: only IAUC60 can be compared between protocols.

    :param arrival_s: when the contrast agent arrives in the artery [s after the first image]: ``input_function(table).arrival_s`` or
        :func:`HCCResponseLib.scene.arterial_input.arrival_in`.
    :param relaxivity: of the contrast agent [1/(s mM)], for IAUC60.
    :param t1_map: T1 map, or ``t1_s``: one T1 [s], for IAUC60.
    :param baseline: number of images before contrast, from the first on; where None, told by the arrival.
    :param region: (segmentation node, segment IDs or None for the visible ones) where to compute; None: everywhere.
    :param map_nodes: maps of this series by quantity to write into.
    :return: map nodes by quantity.
    :raises InputError: no image before arrival, a series that ends less than 60 s after it, a region without voxels, or (for IAUC60)
        flip angle, TR or T1 missing or the T1 map out of date; nothing is changed then.
    :raises Cancelled: ``progress`` returned False; nothing is changed then.
    """
    from ..quantification.enhancement import iauc, relative_enhancement, time_to_peak, wash_in

    require_no_error(check_outputs(map_nodes, [sequence_node]))
    times = frame_times_s(sequence_node, fewest=4)
    count = baseline_images(times, arrival_s) if baseline is None else int(baseline)
    if not 1 <= count < times.size:
        raise InputError(f"'{sequence_node.GetName()}' has no image before contrast agent arrives at {arrival_s:g} s; check the arrival.")
    geometry, grid = dynamic_geometry(sequence_node), grid_volume(sequence_node)
    conversion = None if relaxivity is None else conversion_of(sequence_node, arrival_s, relaxivity, baseline=count)
    t1 = None if conversion is None else tissue_t1(grid, t1_map, t1_s)
    b1 = None if conversion is None else b1_fraction(b1_of_t1_map(t1_map), grid)
    mask = region_mask(region, grid)
    voxels = np.arange(np.prod(geometry.shape)) if mask is None else np.flatnonzero(mask)
    keys = ENHANCEMENT_QUANTITIES if conversion is not None else ENHANCEMENT_QUANTITIES[:-1]
    found = {key: np.full(geometry.shape, np.nan, np.float32) for key in keys}
    after = times >= arrival_s
    for start in range(0, voxels.size, _VOXELS_AT_ONCE):
        piece = voxels[start : start + _VOXELS_AT_ONCE]
        part = subrange(progress, start / voxels.size, min(1.0, (start + _VOXELS_AT_ONCE) / voxels.size))
        report_progress(part, 0.0)
        signals = read_curves(sequence_node, piece)
        curves = relative_enhancement(signals, (0, count))
        values = {
            "ENHANCEMENT": curves[:, after].max(axis=1),
            "ENHANCEMENT_AREA60": iauc(curves, times, arrival_s, _DURATION_S),
            "TIME_TO_PEAK": time_to_peak(curves, times, arrival_s),
            "WASH_IN": wash_in(curves, times, arrival_s),
        }
        if conversion is not None:
            t1_here, b1_here = (one.reshape(-1)[piece] if np.ndim(one) else one for one in (t1, b1))
            concentrations = conversion.concentrations(signals, t1_here, b1_here).concentration
            values["IAUC60"] = iauc(concentrations, times, arrival_s, _DURATION_S)
        for key, array in values.items():
            found[key].reshape(-1)[piece] = array
    report_progress(progress, 1.0)
    if not np.isfinite(found["ENHANCEMENT"]).any():
        raise InputError(f"No voxel of '{sequence_node.GetName()}' has a signal above zero before contrast; choose another region.")
    common = dict(
        source_nodes=[sequence_node],
        prefix=prefix,
        attributes={
            "HCC.ArrivalS": f"{arrival_s:.6g}",
            "HCC.BaselineImages": f"{count}",
            "HCC.Region": region_text(region),
            SERIES_TIMES: times_fingerprint(sequence_node),
            COMPUTATION: new_uid(),
        },
        transform_node=grid.GetParentTransformNode(),
    )
    outputs = dict(map_nodes or {})
    output_of_area = {"IAUC60": outputs.pop("IAUC60")} if "IAUC60" in outputs else {}
    area = {"IAUC60": found.pop("IAUC60")} if conversion is not None else {}
    maps = make_maps(found, None, geometry, method="relative enhancement S/S0 - 1", map_nodes=outputs, **common)
    method = "" if conversion is None else f"concentration, {conversion.text(t1_s, t1_map)}"
    of_concentration = make_maps(area, None, geometry, method=method, map_nodes=output_of_area, **common)
    for node in of_concentration.values():
        record_conversion(node, conversion, t1_map, t1_s)
    return maps | of_concentration


def enhancement_maps_of(sequence_node) -> dict:
    """Return the enhancement maps that were last made from a dynamic series, by quantity."""
    return maps_of([sequence_node], ENHANCEMENT_QUANTITIES)


outdated_enhancement = outdated_conversion
"""Maps of relative enhancement keep no settings that could change but the times of the images."""
