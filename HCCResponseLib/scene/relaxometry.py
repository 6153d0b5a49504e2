"""T1 maps from the variable flip angle volumes of the scene."""

from collections import Counter

import numpy as np

from ..errors import InputError
from ..progress import Progress
from ..response.roles import Role
from .b1_maps import b1_fraction, check_b1, remember_b1
from .flip_angles import flip_angle_deg, repetition_time_s
from .input_check import Finding, Level, check_grids, check_one_examination, require_no_error
from .map_region import leave_out_air, region_mask, region_text
from .map_set import check_outputs, make_maps, maps_of
from .parameter_maps import map_quantity, map_sources
from .volumes import volume_array, volume_geometry

__all__ = ["T1_METHODS", "check_flip_angles", "compute_t1", "outdated_t1", "t1_map_of"]

T1_METHODS = {
    "nonlinear": "non-linear least squares of the signals",
    "linear": "straight line through S / sin a against S / tan a: fast, but noise makes it too short or too long",
}
"""The estimators by name; the first is the default."""

_SAME_TR = 0.002
"""Relative; T1 is proportional to TR."""

_SMALLEST_RATIO = 1.5
"""Of the largest to the smallest flip angle; below, T1 is hardly told from noise."""


def check_flip_angles(volume_nodes, flip_angles_deg=None, repetition_time=None, *, b1_node=None) -> list[Finding]:
    """Look at the input of a T1 map: flip angles, repetition times, grids, B1. Reads no voxels but those of the B1 map.

    :param volume_nodes: one volume per flip angle.
    :param flip_angles_deg: in the order of the volumes, None for one that is not known; where None, those of the volumes' attributes.
    :param repetition_time: [s], for all volumes; where None, those of the volumes' attributes.
    :param b1_node: map of the reached part of the flip angle, as a fraction or in percent.
    """
    if not volume_nodes:
        return [Finding(Level.ERROR, "No volumes with different flip angles were chosen: import them, or give volumes their flip angles.")]
    angles, times = _settings(volume_nodes, flip_angles_deg, repetition_time)
    findings = [*_check_angles(volume_nodes, angles), *_check_repetition_times(volume_nodes, times)]
    for node in volume_nodes:
        if map_quantity(node) is not None:
            findings.append(Finding(Level.ERROR, f"'{node.GetName()}' is a map, not an image; leave it out."))
    findings += [*check_one_examination(volume_nodes), *check_grids(volume_nodes)]
    if b1_node is not None:
        findings.append(check_b1(b1_node))
    return findings


def compute_t1(
    volume_nodes,
    flip_angles_deg=None,
    repetition_time=None,
    *,
    method: str = "nonlinear",
    b1_node=None,
    region=None,
    without_air: bool = False,
    prefix: str = "",
    map_node=None,
    m0_node=None,
    with_m0: bool = False,
    progress: Progress | None = None,
):
    """Compute the T1 map of volumes with different flip angles.

    :param volume_nodes: one volume per flip angle, on one grid.
    :param flip_angles_deg: in the order of the volumes; where None, those of the volumes' attributes.
    :param repetition_time: [s]; where None, that of the volumes' attributes.
    :param method: one of :data:`T1_METHODS`.
    :param b1_node: map of the reached part of the flip angle (fraction or percent), on any grid; None: nominal everywhere.
    :param region: (segmentation node, segment IDs or None for the visible ones) where to compute; None: everywhere.
    :param without_air: leave out voxels that do not stand clear of the noise at the smallest flip angle, where noise can be told.
    :param prefix: put before the names of new maps.
    :param map_node: T1 map of these images to write into; None makes a new one. ``m0_node`` likewise.
    :param with_m0: make a map of M0 as well; :func:`HCCResponseLib.scene.map_set.maps_of` finds it.
    :return: the T1 map node.
    :raises InputError: what :func:`check_flip_angles` calls an error, an output that is another map, a region without voxels, or no
        voxel could be fitted; nothing is changed then.
    :raises Cancelled: ``progress`` returned False; nothing is changed then.
    """
    from ..quantification.relaxometry import T1Status, fit_t1_vfa

    outputs = {key: node for key, node in (("T1", map_node), ("M0", m0_node)) if node is not None}
    require_no_error(
        check_flip_angles(volume_nodes, flip_angles_deg, repetition_time, b1_node=b1_node) + check_outputs(outputs, volume_nodes),
    )
    angles, times = _settings(volume_nodes, flip_angles_deg, repetition_time)
    order = sorted(range(len(angles)), key=lambda index: angles[index])
    nodes, angles = [volume_nodes[index] for index in order], [float(angles[index]) for index in order]
    mask = region_mask(region, nodes[0])
    b1 = b1_fraction(b1_node, nodes[0])
    signals = np.moveaxis(np.stack([volume_array(node) for node in nodes]), 0, -1)
    air_left_out = False
    if without_air:
        mask, air_left_out = leave_out_air(signals, angles, mask)
    fit = fit_t1_vfa(signals, angles, times[0], b1=b1, method=method, mask=mask, progress=progress)
    if not fit.valid.any():
        status, count = Counter(fit.status.ravel().tolist()).most_common(1)[0]
        names = ", ".join(f"'{node.GetName()}'" for node in nodes)
        raise InputError(f"No voxel of {names} has a T1; in {count} of {fit.status.size}: {T1Status(status).explanation}.")
    words = [f"VFA {', '.join(f'{angle:g}' for angle in angles)} deg", f"TR {1e3 * times[0]:g} ms", method]
    words += ["B1 map"] if b1_node is not None else []
    words += ["air left out"] if air_left_out else []
    maps = make_maps(
        {"T1": fit.t1} | ({"M0": fit.m0} if with_m0 else {}),
        fit.valid,
        volume_geometry(nodes[0]),
        source_nodes=nodes,
        method=", ".join(words),
        prefix=prefix,
        roles={"T1": Role.T1_MAP},
        attributes={
            "HCC.Estimator": method,
            "HCC.FlipAngles": " ".join(f"{angle:g}" for angle in angles),
            "HCC.RepetitionTimes": f"{times[0]:g}",
            "HCC.AirLeftOut": "yes" if air_left_out else "no",
            "HCC.Region": region_text(region),
        },
        map_nodes=outputs,
    )
    for node in maps.values():
        remember_b1(node, b1_node)
    return maps["T1"]


def t1_map_of(volume_nodes):
    """Return the T1 map that was last made from these volumes or some of them; None where there is none."""
    return maps_of(volume_nodes, ["T1"]).get("T1")


def outdated_t1(map_node) -> str:
    """Return why a T1 map is out of date: flip angles or TR of its images were changed since; empty where it is not."""
    kept, time = (map_node.GetAttribute("HCC.FlipAngles") or "").split(), map_node.GetAttribute("HCC.RepetitionTimes") or ""
    sources = map_sources(map_node)
    angles, times = [flip_angle_deg(node) for node in sources], [repetition_time_s(node) for node in sources]
    # Images that were removed, or were fitted with settings given elsewhere, tell nothing.
    if not sources or len(kept) != len(sources) or None in angles or None in times:
        return ""
    now = [f"{angle:g}" for angle in sorted(angles)]
    if now != sorted(kept, key=float):
        return f"The images of '{map_node.GetName()}' have {', '.join(now)} deg now, it was made with {', '.join(kept)}; compute it again."
    if {f"{one:g}" for one in times} != {time}:
        found = ", ".join(f"{1e3 * one:g}" for one in sorted(set(times)))
        return (
            f"The images of '{map_node.GetName()}' have a TR of {found} ms now, it was made with {1e3 * float(time):g} ms; "
            "compute it again."
        )
    return ""


def _settings(volume_nodes, flip_angles_deg, repetition_time) -> tuple[list, list]:
    angles = [flip_angle_deg(node) for node in volume_nodes] if flip_angles_deg is None else list(flip_angles_deg)
    times = [repetition_time_s(node) if repetition_time is None else repetition_time for node in volume_nodes]
    return angles, times


def _check_angles(volume_nodes, angles) -> list[Finding]:
    from ..quantification.spoiled_gradient_echo import checked_flip_angles

    if len(angles) != len(volume_nodes):
        return [Finding(Level.ERROR, f"{len(volume_nodes)} volumes have {len(angles)} flip angles; each needs one.")]
    unknown = [node for node, angle in zip(volume_nodes, angles, strict=True) if angle is None]
    if unknown:
        return [Finding(Level.ERROR, f"The flip angle of '{node.GetName()}' is not known; enter it.") for node in unknown]
    try:
        checked_flip_angles(angles)
    except InputError as error:
        return [Finding(Level.ERROR, str(error))]
    distinct = sorted(set(angles))
    listed = ", ".join(f"{angle:g}" for angle in distinct)
    if len(distinct) < 2:
        return [Finding(Level.ERROR, f"Only one flip angle ({listed} degrees) was found; a T1 map needs two or more.")]
    findings = [Finding(Level.GOOD, f"Flip angles {listed} degrees.")]
    if distinct[-1] < _SMALLEST_RATIO * distinct[0]:
        findings.append(Finding(Level.WARNING, f"The flip angles {listed} degrees are close together; noise makes T1 very uncertain."))
    if len(distinct) == 2:
        findings.append(Finding(Level.INFORMATION, "With two flip angles nothing tells how well the signals follow the equation."))
    if len(distinct) < len(angles):
        findings.append(Finding(Level.INFORMATION, "Several volumes have the same flip angle; all of them are used."))
    return findings


def _check_repetition_times(volume_nodes, times) -> list[Finding]:
    from ..quantification.spoiled_gradient_echo import checked_repetition_time

    unknown = [node for node, time in zip(volume_nodes, times, strict=True) if time is None]
    if unknown:
        return [Finding(Level.ERROR, f"The repetition time of '{node.GetName()}' is not known; enter it.") for node in unknown]
    try:
        for time in times:
            checked_repetition_time(time)
    except InputError as error:
        return [Finding(Level.ERROR, str(error))]
    listed = ", ".join(f"{1e3 * time:g}" for time in sorted(set(times)))
    if max(times) - min(times) > _SAME_TR * max(times):
        return [Finding(Level.ERROR, f"The volumes have different repetition times ({listed} ms); T1 needs images with one.")]
    return [Finding(Level.GOOD, f"Repetition time {listed} ms.")]
