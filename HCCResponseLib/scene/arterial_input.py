"""Arterial and portal-venous inputs of dynamic series: published curves, measured in a vessel, derived, or from a file.

Each is a table node, see :mod:`.input_table`; all concentrations in it are of **plasma**.
"""

import math
from dataclasses import replace

import numpy as np

from ..errors import InputError
from .b1_maps import b1_fraction
from .dynamic_curves import grid_volume, read_curves
from .dynamic_series import frame_times_s
from .flip_angles import flip_angle_deg, repetition_time_s
from .input_csv import export_input, import_input
from .input_table import (
    InputKind,
    input_description,
    input_function,
    input_kind,
    input_vessel,
    input_warnings,
    inputs_of,
    unfit_input,
    write_input,
)
from .series_protocol import SERIES_FLIP_ANGLE, SERIES_REPETITION_TIME
from .map_region import core_of, region_mask, region_text
from .time_points import study_of

__all__ = [
    "BLOOD_T1_S",
    "POPULATION_MODELS",
    "InputKind",
    "arrival_in",
    "export_input",
    "import_input",
    "input_description",
    "input_function",
    "input_kind",
    "input_vessel",
    "input_warnings",
    "inputs_of",
    "measured_input",
    "population_input",
    "portal_input",
]

POPULATION_MODELS = {
    "parker": "Parker 2006",
    "georgiou": "Georgiou 2019",
    "weinmann": "Weinmann 1984",
}
"""Published inputs by name."""

BLOOD_T1_S = {1.5: 1.48, 3.0: 1.65}
"""By field strength [T]: T1 of arterial blood [s] (Zhang et al., Magn Reson Med 2013;70:1082-1086: 1.48 and 1.65 s at hematocrit 0.42)."""

_USUAL_DOSE = 0.1
_STEP_S = 0.1
_BEYOND_S = 30.0
"""Population inputs are kept this much beyond the last image: tissue may be ahead of them."""


def population_input(
    sequence_node,
    *,
    model: str = "parker",
    arrival_s: float | None = None,
    region=None,
    hematocrit: float = 0.42,
    dose_mmol_per_kg: float = 0.1,
    name: str = "",
    table_node=None,
):
    """Make a population input for a dynamic series.

    :param model: one of :data:`POPULATION_MODELS`.
    :param arrival_s: when the bolus arrives in the artery [s after the first image]; where None, found in ``region``.
    :param region: (segmentation node, segment IDs) in the artery.
    :param hematocrit: of the large vessels, as a fraction; for "weinmann", which is plasma as published, kept without effect.
    :param dose_mmol_per_kg: injected dose; the curves of 0.1 mmol/kg are scaled in proportion (gadoxetate: 0.025).
    :param table_node: input table to write into; None makes a new one.
    :return: the table node.
    :raises InputError: unknown model, neither arrival nor region, an arrival outside the series, hematocrit or dose that cannot be
        used, no bolus in the region; nothing is changed then.
    """
    from ..quantification import arterial_input
    from ..quantification.arterial_input import MeasuredInput, Vessel

    if model not in POPULATION_MODELS:
        raise InputError(f"There is no population input '{model}'; choose one of {', '.join(POPULATION_MODELS)}.")
    if not 0 < dose_mmol_per_kg < math.inf:
        raise InputError(f"The dose must be above 0 mmol/kg; {dose_mmol_per_kg} was found.")
    times = frame_times_s(sequence_node)
    found = ""
    if arrival_s is None:
        if region is None:
            raise InputError("When does the bolus arrive? Enter the time, or choose a segment in the aorta in which it can be found.")
        arrival_s = arrival_in(sequence_node, region, model=model)
        found = f", found in '{region_text(region)}'"
    if not -600 < arrival_s < times[-1]:
        raise InputError(f"The bolus cannot arrive at {arrival_s:g} s: the series lasts from 0 to {times[-1]:g} s.")
    # A sample stands exactly at the arrival, where some published curves jump.
    before = math.ceil(max(arrival_s, 0) / _STEP_S)
    after = math.ceil((times[-1] + _BEYOND_S - arrival_s) / _STEP_S)
    time_s = arrival_s + _STEP_S * np.arange(-before, after + 1)
    # Weinmann's is plasma as published.
    options = {"dose_mmol_per_kg": _USUAL_DOSE} if model == "weinmann" else {"hematocrit": hematocrit}
    elapsed = _STEP_S * np.arange(-before, after + 1)
    plasma = getattr(arterial_input, model)(elapsed, **options) * (dose_mmol_per_kg / _USUAL_DOSE)
    title = POPULATION_MODELS[model]
    return write_input(
        InputKind.POPULATION,
        MeasuredInput(time_s, plasma, float(arrival_s), Vessel.ARTERY, hematocrit, None, None, False, ()),
        sequence_node,
        name=name or f"AIF {title}",
        short=f"{title} AIF" + ("" if dose_mmol_per_kg == _USUAL_DOSE else f" for {dose_mmol_per_kg:g} mmol/kg"),
        source=f"Population input of {title}, arrival at {arrival_s:.1f} s{found}, hematocrit {hematocrit:g}",
        settings={"HCC.PopulationModel": model, "HCC.Dose": f"{dose_mmol_per_kg:g}", "HCC.Segment": region_text(region)},
        segmentation_node=None if region is None else region[0],
        table_node=table_node,
    )


def measured_input(
    sequence_node,
    segmentation_node,
    segment_id: str,
    *,
    blood_t1_s: float,
    relaxivity: float,
    hematocrit: float = 0.42,
    selection: str = "core",
    peak_fraction: float = 0.1,
    vessel: str = "artery",
    baseline: tuple[int, int] | None = None,
    b1_node=None,
    dose_mmol_per_kg: float = 0.1,
    name: str = "",
    table_node=None,
):
    """Measure an input in a segment that lies in a vessel. Flip angle and TR are those of the series.

    :param segment_id: of the vessel.
    :param blood_t1_s: T1 of blood before contrast [s], see :data:`BLOOD_T1_S`.
    :param relaxivity: of the contrast agent in blood [1/(s mM)].
    :param hematocrit: of the large vessels, as a fraction.
    :param selection: "core", the average of the voxels whose neighbours in plane lie in the segment too: no partial volume, and no
        preference for noise; "average" of all voxels; or "peak_voxels", the ``peak_fraction`` of voxels that enhance most, for small
        vessels (noise makes them peak too high). A segment without a core is averaged, and a warning says so.
    :param vessel: "artery" or "portal vein".
    :param baseline: images before contrast as (first, end), counted from 0, end excluded; where None, found in the segment's curve.
    :param b1_node: map of the reached part of the flip angle; None: nominal.
    :param dose_mmol_per_kg: injected dose, for the expected peak.
    :param table_node: input table to write into; None makes a new one.
    :return: the table node; :func:`input_warnings` tells the doubts about it.
    :raises InputError: flip angle or TR not known, no such segment, settings that cannot be used, no bolus, saturated signals; nothing
        is changed then.
    """
    from ..quantification.arterial_input import InputWarning, from_region
    from ..quantification.contrast import baseline_image_count, convert_signals

    angle, time = flip_angle_deg(sequence_node), repetition_time_s(sequence_node)
    if angle is None or time is None:
        unknown = "flip angle" if angle is None else "repetition time"
        raise InputError(f"The {unknown} of '{sequence_node.GetName()}' is not known, so there are no concentrations; enter it.")
    region = (segmentation_node, [segment_id])
    times = frame_times_s(sequence_node, fewest=4)
    signals, voxels, thin = _vessel_curves(sequence_node, region, selection)
    if baseline is None:
        baseline = (0, baseline_image_count(signals.mean(axis=0), times))
    blood = convert_signals(
        signals, baseline=tuple(baseline), t1_s=blood_t1_s, flip_angle_deg=angle, repetition_time_s=time, relaxivity=relaxivity,
        b1=None if b1_node is None else b1_fraction(b1_node, grid_volume(sequence_node)).reshape(-1)[voxels],
    )
    function = from_region(
        blood.concentration, times,
        hematocrit=hematocrit, vessel=vessel, dose_mmol_per_kg=dose_mmol_per_kg, peak_fraction=peak_fraction,
        selection="average" if selection == "core" else selection,
    )
    if thin:
        text = f"'{region_text(region)}' is too thin for a core: at the vessel's wall voxels also hold tissue, and the input is too low."
        function = replace(function, warnings=(*function.warnings, InputWarning("thin_vessel", text)))
    if study_of(segmentation_node) and study_of(segmentation_node) != study_of(sequence_node):
        text = f"'{region_text(region)}' was outlined in another examination: check that it lies in the vessel here too."
        function = replace(function, warnings=(*function.warnings, InputWarning("other_examination", text)))
    chosen = f"{np.count_nonzero(function.selected)} voxels"
    which = "AIF" if vessel == "artery" else "portal input"
    return write_input(
        InputKind.MEASURED,
        function,
        sequence_node,
        name=name or f"{which} measured in {region_text(region)}",
        short=f"measured {which}",
        source=f"Measured in '{region_text(region)}' ({chosen}), T1 of blood {blood_t1_s:g} s, relaxivity {relaxivity:g} /(s mM), "
        f"{angle:g} deg, TR {1e3 * time:g} ms, hematocrit {hematocrit:g}" + ("" if b1_node is None else f", B1 map '{b1_node.GetName()}'"),
        settings={
            "HCC.Segment": region_text(region),
            "HCC.SegmentID": segment_id,
            "HCC.Selection": selection,
            "HCC.BloodT1S": f"{blood_t1_s:g}",
            "HCC.Relaxivity": f"{relaxivity:g}",
            SERIES_FLIP_ANGLE: f"{angle:g}",
            SERIES_REPETITION_TIME: f"{time:g}",
            "HCC.BaselineImages": f"{baseline[0]} {baseline[1]}",
            "HCC.Dose": f"{dose_mmol_per_kg:g}",
            "HCC.Voxels": chosen,
        },
        segmentation_node=segmentation_node,
        table_node=table_node,
    )


def portal_input(arterial_node, sequence_node, *, delay_s: float = 5.0, transit_s: float = 15.0, name: str = "", table_node=None):
    """Derive the portal-venous input from an arterial one, where the vein cannot be measured (:func:`measured_input` does that).

    :param arterial_node: table of the arterial input.
    :param delay_s: time from the arterial input until the portal vein begins to enhance [s].
    :param transit_s: mean transit time of the splanchnic bed [s].
    :return: the table node; it is of low confidence, and says so.
    :raises InputError: the arterial input cannot be used for this series, or delay or transit; nothing is changed then.
    """
    from ..quantification.arterial_input import portal_from_arterial

    if arterial_node is not None and (reason := unfit_input(arterial_node, sequence_node)):
        raise InputError(reason)
    times = frame_times_s(sequence_node)
    # Population inputs are known beyond the last image; measured ones hold their last value there.
    function = portal_from_arterial(input_function(arterial_node), times, delay_s=delay_s, transit_s=transit_s)
    return write_input(
        InputKind.DERIVED,
        function,
        sequence_node,
        name=name or f"Portal input derived from {arterial_node.GetName()}",
        short=f"portal input derived, delay {delay_s:g} s, transit {transit_s:g} s",
        source=f"Derived from '{arterial_node.GetName()}', delay {delay_s:g} s, transit {transit_s:g} s",
        settings={"HCC.PortalDelay": f"{delay_s:g}", "HCC.PortalTransit": f"{transit_s:g}"},
        table_node=table_node,
    )


def arrival_in(sequence_node, region, *, model: str = "parker") -> float:
    """Return when the bolus arrives in segments that lie in an artery [s after the first image]: where a population input fits best.

    The curve is turned into concentration where flip angle and TR are known: the height does not matter, but signals level off at the
    peak, which alone makes the arrival 0.3 s too early.

    :param region: (segmentation node, segment IDs) in the artery.
    :param model: one of :data:`POPULATION_MODELS`; "weinmann" has no first pass, so the foot of the curve tells.
    :raises InputError: no such segment, or no bolus in its curve.
    """
    from ..quantification import arterial_input
    from ..quantification.arrival import detect_arrival
    from ..quantification.contrast import baseline_image_count, convert_signals

    signals, _voxels, _thin = _vessel_curves(sequence_node, region, "core")
    curve, times = signals.mean(axis=0), frame_times_s(sequence_node)
    if model == "weinmann":
        return detect_arrival(curve, times).time_s
    angle, time = flip_angle_deg(sequence_node), repetition_time_s(sequence_node)
    if angle is not None and time is not None:
        # Relaxivity is a mere factor, and the shape hardly depends on the T1 of blood.
        sequence = dict(t1_s=BLOOD_T1_S[1.5], flip_angle_deg=angle, repetition_time_s=time, relaxivity=1.0)
        converted = convert_signals(curve, baseline=(0, baseline_image_count(curve, times)), **sequence)
        curve = converted.concentration if converted.valid else curve
    return arterial_input.align_to_artery(curve, times, getattr(arterial_input, f"{model}_blood"))


def _vessel_curves(sequence_node, region, selection: str) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return signals (n, times) of a vessel, indices of its voxels, and whether a core was wanted but the segments have none."""
    mask = region_mask(region, grid_volume(sequence_node))
    core = core_of(mask) if selection == "core" else mask
    voxels = np.flatnonzero(core if core.any() else mask)
    return read_curves(sequence_node, voxels).astype(np.float64), voxels, not core.any()
