"""What is to be said of a dynamic series before perfusion maps are made from it."""

import numpy as np

from ..errors import GeometryError, InputError
from .b1_maps import b1_fraction, b1_of_t1_map
from .concentration import baseline_images, tissue_t1
from .dynamic_curves import grid_volume, read_curves
from .dynamic_series import dynamic_geometry, frame_times_s
from .flip_angles import flip_angle_deg, repetition_time_s
from .input_check import Finding, Level
from .input_table import input_function, input_series, unfit_input
from .map_region import region_mask
from .subject_hierarchy import patient_of
from .time_points import study_of

__all__ = ["check_dynamic"]

_FEWEST = 10
_COARSEST_S = 6.0
_UNEVEN = 1.5
_SHORT_S = 120.0
_SATURATED_SHARE = 0.01
_FEW_BASELINE = 3


def check_dynamic(
    sequence_node, *, input_node=None, t1_map=None, t1_s: float | None = None, baseline: int | None = None, region=None,
) -> list[Finding]:
    """Look at a dynamic series: images, grid, times, flip angle, TR, baseline, arterial input, T1 and saturation.

    :param input_node: table of the arterial input: looked at where it is given, and it tells the baseline.
    :param t1_map: T1 map node; ``t1_s`` [s]: one T1 for all tissue. Looked at where one is given, and it tells saturation.
    :param baseline: number of images before contrast, from the first on; where None, told by the arrival of the input.
    :param region: (segmentation node, segment IDs or None): where saturation is looked for (reads voxels); None: it is not.
    """
    try:
        times = frame_times_s(sequence_node, fewest=4)
        geometry = dynamic_geometry(sequence_node)
    except (InputError, GeometryError) as error:
        return [Finding(Level.ERROR, str(error))]
    findings = [*_check_times(times), Finding(Level.GOOD, f"All images lie on one grid ({' x '.join(map(str, geometry.shape[::-1]))}).")]
    findings += _check_sequence(sequence_node)
    findings += _check_input(sequence_node, times, input_node, baseline)
    if t1_map is not None or t1_s is not None:
        findings += _check_t1(sequence_node, times, input_node, t1_map, t1_s, baseline, region)
    return findings


def _check_times(times) -> list[Finding]:
    from ..quantification.time_axis import refuse_other_units

    try:
        refuse_other_units(times)
    except InputError as error:
        return [Finding(Level.ERROR, str(error))]
    steps = np.diff(times)
    usual, duration = float(np.median(steps)), float(times[-1])
    text = f"{times.size} images, one every {usual:.3g} s over {duration / 60:.1f} min."
    findings = [Finding(Level.GOOD if times.size >= _FEWEST else Level.WARNING, text)]
    if times.size < _FEWEST:
        findings.append(Finding(Level.WARNING, "So few images hardly tell the parameters of a tissue model; enhancement maps suit them."))
    if usual > _COARSEST_S:
        text = f"Above {_COARSEST_S:g} s between images a measured arterial peak is missed and Ktrans is off by tens of percent: "
        findings.append(Finding(Level.WARNING, text + "use a population input."))
    if steps.max() > _UNEVEN * steps.min():
        text = f"The intervals are uneven ({steps.min():.3g} to {steps.max():.3g} s); that is taken into account."
        findings.append(Finding(Level.INFORMATION, text))
    if duration < _SHORT_S:
        findings.append(Finding(Level.WARNING, f"{duration:.0f} s are short: washout, and with it kep and ve, is hardly told."))
    return findings


def _check_sequence(sequence_node) -> list[Finding]:
    from ..quantification.spoiled_gradient_echo import checked_flip_angles, checked_repetition_time

    name, findings = sequence_node.GetName(), []
    angle, time = flip_angle_deg(sequence_node), repetition_time_s(sequence_node)
    for what, value, check in (("flip angle", angle, checked_flip_angles), ("repetition time", time, checked_repetition_time)):
        try:
            if value is None:
                raise InputError(f"The {what} of '{name}' is not known, so there are no concentrations; enter it.")
            check(value)
        except InputError as error:
            findings.append(Finding(Level.ERROR, str(error)))
    return findings or [Finding(Level.GOOD, f"Flip angle {angle:g} degrees, repetition time {1e3 * time:g} ms.")]


def _check_input(sequence_node, times, input_node, baseline) -> list[Finding]:
    if input_node is None:
        return []
    try:
        function = input_function(input_node)
    except InputError as error:
        return [Finding(Level.ERROR, str(error))]
    if reason := unfit_input(input_node, sequence_node):
        return [Finding(Level.ERROR, reason)]
    count = baseline_images(times, function.arrival_s) if baseline is None else baseline
    text = f"{count} image(s) before the contrast agent arrives at {function.arrival_s:.1f} s."
    if count < 1:
        findings = [Finding(Level.ERROR, f"No image before the contrast agent arrives at {function.arrival_s:.1f} s; check the input.")]
    else:
        doubt = " That is few: the baseline, and with it every concentration, is uncertain." if count < _FEW_BASELINE else ""
        findings = [Finding(Level.WARNING if doubt else Level.GOOD, text + doubt)]
    if input_series(input_node) is None:
        text = f"The series of '{input_node.GetName()}' is not in the scene any more: check that its times are those of this one."
        findings.append(Finding(Level.WARNING, text))
    return findings + [Finding(Level.WARNING, f"{input_node.GetName()}: {warning.sentence}") for warning in function.warnings]


def _check_t1(sequence_node, times, input_node, t1_map, t1_s, baseline, region) -> list[Finding]:
    from ..quantification.contrast import NEAR_SATURATION, maximum_enhancement

    try:
        grid = grid_volume(sequence_node)
        t1, b1 = tissue_t1(grid, t1_map, t1_s), b1_fraction(b1_of_t1_map(t1_map), grid)
        mask = region_mask(region, grid)
    except (InputError, GeometryError) as error:
        return [Finding(Level.ERROR, str(error))]
    findings = []
    patients = {patient_of(t1_map), patient_of(sequence_node)} - {""} if t1_map is not None else ()
    if len(patients) > 1:
        text = f"T1 map '{t1_map.GetName()}' is of another patient than '{sequence_node.GetName()}'; choose one of this examination."
        return [Finding(Level.ERROR, text)]
    if t1_map is not None and study_of(t1_map) != study_of(sequence_node):
        text = f"T1 map '{t1_map.GetName()}' is of another examination than '{sequence_node.GetName()}': lesion and position may differ."
        findings.append(Finding(Level.WARNING, text))
    if t1_map is None:
        text = f"One T1 of {t1_s:g} s for all tissue: 10 % too low makes Ktrans about 18 % too high; a T1 map is better."
        findings.append(Finding(Level.INFORMATION, text))
    elif mask is not None and (missing := float(np.isnan(t1[mask]).mean())) > 0:
        level = Level.ERROR if missing == 1 else Level.WARNING if missing > _SATURATED_SHARE else Level.INFORMATION
        findings.append(Finding(level, f"{100 * missing:.1f} % of the region's voxels have no T1 in '{t1_map.GetName()}'."))
    angle, time = flip_angle_deg(sequence_node), repetition_time_s(sequence_node)
    if mask is None or input_node is None or angle is None or time is None or any(one.level == Level.ERROR for one in findings):
        return findings
    count = baseline_images(times, input_function(input_node).arrival_s) if baseline is None else baseline
    if count < 1:
        return findings
    curves = read_curves(sequence_node, np.flatnonzero(mask))
    t1, b1 = (values[mask] if np.ndim(values) else values for values in (t1, b1))
    limit = maximum_enhancement(np.broadcast_to(t1, len(curves)), angle, time, b1)
    with np.errstate(divide="ignore", invalid="ignore"):
        near = float(np.mean(curves.max(axis=1) / curves[:, :count].mean(axis=1) > NEAR_SATURATION * limit))
    if near > _SATURATED_SHARE:
        text = f"{100 * near:.0f} % of the region's voxels come near the largest signal that {angle:g} deg and TR {1e3 * time:g} ms can "
        findings.append(Finding(Level.WARNING, text + "give: their concentrations, and Ktrans, are very uncertain."))
    else:
        findings.append(Finding(Level.GOOD, "The signals of the region stay clear of saturation."))
    return findings
