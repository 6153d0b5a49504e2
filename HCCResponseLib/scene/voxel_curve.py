"""Curves at a point or in a segment, with what a model makes of them: for a plot that follows the crosshair.

Nothing here changes the scene; one curve takes some tens of milliseconds. What stands in the way of a curve or its fit is not raised but
told in ``Curve.problem``: while the crosshair moves, a point beside the images is no error.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import HCCResponseError, InputError
from ..response.quantities import QUANTITIES
from .b1_maps import b1_fraction, b1_of_t1_map
from .b_values import b_value
from .concentration import Conversion, conversion_of, tissue_at, tissue_t1
from .dynamic_curves import grid_volume, read_curves, voxel_at
from .dynamic_series import frame_times_s
from .flip_angles import flip_angle_deg, repetition_time_s
from .input_table import input_function, unfit_input
from .perfusion import QUANTITY_OF
from .prepared_models import plasma_curve, prepared_model
from .segments import segment_mask
from .volumes import volume_array

__all__ = ["Curve", "curve_at", "curve_of_segment", "diffusion_curve_at", "flip_angle_curve_at", "input_curve"]

_NONE = np.empty(0)
_FINE = 200
"""Points of a fitted curve."""

_TIME, _SIGNAL, _CONCENTRATION = "Time (s)", "Signal", "Concentration (mM)"


@dataclass(frozen=True)
class Curve:
    """One curve: samples, and the line that a model fits to them.

    :param name: what it is of.
    :param x: (n,) seconds, s/mm2 or degrees; ``y``: (n,) what ``y_title`` says. Empty where there is no curve.
    :param fit_x: (m,) finer, and ``fit_y``; empty where nothing was fitted.
    :param parameters: of the model, in canonical units by key of :data:`~HCCResponseLib.response.quantities.QUANTITIES`.
    :param note: what is to be said of the fit ("kep is at its cap ..."); empty where nothing is.
    :param problem: why there is no curve, or no fit; empty where there are both, or no fit was asked for.
    :param fit_name: what the line is called beside ``name``; empty where the line is the curve itself and ``x``, ``y`` its samples.
    """

    name: str
    x_title: str
    y_title: str
    x: np.ndarray = field(default_factory=lambda: _NONE)
    y: np.ndarray = field(default_factory=lambda: _NONE)
    fit_x: np.ndarray = field(default_factory=lambda: _NONE)
    fit_y: np.ndarray = field(default_factory=lambda: _NONE)
    parameters: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    problem: str = ""
    fit_name: str = "fit"

    @property
    def text(self) -> str:
        """The parameters in words: "Ktrans 0.213 /min, ve 23.1 %"."""
        return ", ".join(f"{QUANTITIES[key].label} {QUANTITIES[key].format(value)}" for key, value in self.parameters.items())


def curve_at(sequence_node, point_ras, input_node=None, *, show: str = "concentration", **settings) -> Curve:
    """Return the curve of the voxel of a dynamic series at a point.

    :param point_ras: world coordinates, RAS mm.
    :param input_node: table of the arterial input, to fit a model and to tell the baseline; None: signals alone.
    :param show: "concentration" [mM] or "signal".
    :param settings: as for :func:`HCCResponseLib.scene.perfusion.compute_perfusion`: ``relaxivity``, ``t1_map`` or ``t1_s``, ``model``,
        ``delay_s``, ``portal_node``, ``portal_delay_s``, ``baseline``.
    """
    name = sequence_node.GetName() if sequence_node is not None else ""
    try:
        grid = grid_volume(sequence_node)
        voxel = voxel_at(grid, point_ras)
        if voxel is None:
            return Curve(name, _TIME, _SIGNAL, problem=f"The point lies beside '{name}'.")
        signals = read_curves(sequence_node, [np.ravel_multi_index(voxel, volume_array(grid).shape)])[0]
    except HCCResponseError as error:
        return Curve(name, _TIME, _SIGNAL, problem=str(error))

    def tissue(t1_map):
        return tissue_at(t1_map, grid, voxel)

    return _dynamic_curve(sequence_node, name, signals, tissue, input_node, show, **settings)


def curve_of_segment(
    sequence_node, segmentation_node, segment_id: str, input_node=None, *, show: str = "concentration", **settings,
) -> Curve:
    """Return the mean curve of the voxels of a dynamic series in a segment; T1 is the median of the map there.

    :param settings: as for :func:`curve_at`.
    """
    segment = segmentation_node.GetSegmentation().GetSegment(segment_id) if segmentation_node is not None else None
    name = segment.GetName() if segment is not None else segment_id
    try:
        grid = grid_volume(sequence_node)
        mask = segment_mask(segmentation_node, segment_id, grid)
        signals = read_curves(sequence_node, np.flatnonzero(mask)).mean(axis=0, dtype=np.float64)
    except HCCResponseError as error:
        return Curve(name, _TIME, _SIGNAL, problem=str(error))

    def tissue(t1_map):
        b1 = b1_fraction(b1_of_t1_map(t1_map), grid)
        return _median(tissue_t1(grid, t1_map, None)[mask]), None if b1 is None else _median(b1[mask])

    return _dynamic_curve(sequence_node, name, signals, tissue, input_node, show, **settings)


def input_curve(table_node) -> Curve:
    """Return an arterial or portal-venous input as a curve of plasma concentration."""
    name = table_node.GetName() if table_node is not None else ""
    try:
        function = input_function(table_node)
    except HCCResponseError as error:
        return Curve(name, _TIME, "Plasma concentration (mM)", problem=str(error))
    fine = np.linspace(function.time_s[0], function.time_s[-1], 3 * _FINE)
    # The samples of a population input are so close that they are the line.
    few = function.time_s.size <= 3 * _FINE
    samples = (function.time_s, function.plasma) if few else (_NONE, _NONE)
    return Curve(name, _TIME, "Plasma concentration (mM)", *samples, fine, function(fine), fit_name="")


def diffusion_curve_at(
    volume_nodes, point_ras, b_values=None, *, model: str = "adc", method: str = "", b_threshold: float = 200.0,
) -> Curve:
    """Return ln S against b at a point of diffusion volumes, with the line of the ADC or the curve of IVIM.

    :param volume_nodes: one volume per image; ``point_ras``: world coordinates, RAS mm.
    :param b_values: s/mm2, in the order of the volumes; where None, those of the volumes' attributes.
    :param model: "adc" or "ivim"; ``method``: of that fit, its default where empty; ``b_threshold``: of IVIM.
    """
    from ..quantification.diffusion import DiffusionStatus, fit_adc, fit_ivim

    titles = ("b (s/mm2)", "ln signal")
    b_values = [b_value(node) for node in volume_nodes] if b_values is None else list(b_values)
    signals, name, problem = _samples_at(volume_nodes, point_ras, b_values, "b-value")
    if problem:
        return Curve(name, *titles, problem=problem)
    b, signals = _sorted(b_values, signals)
    shown = signals > 0
    curve = Curve(name, *titles, b[shown], np.log(signals[shown]))
    try:
        if model == "adc":
            fit = fit_adc(signals, b, method=method or "wlls")
            parameters = {"ADC": float(fit.adc)}
        else:
            fit = fit_ivim(signals, b, method=method or "segmented", b_threshold=b_threshold)
            parameters = {"D": float(fit.d), "D_STAR": float(fit.d_star), "PERFUSION_FRACTION": float(fit.f)}
    except InputError as error:
        return replace(curve, problem=str(error))
    if not fit.valid:
        return replace(curve, problem=f"No fit: {DiffusionStatus(int(fit.status)).explanation}.")
    fine = np.linspace(b[0], b[-1], _FINE)
    s0 = float(fit.s0)
    if model == "adc":
        line = np.log(s0) - fine * parameters["ADC"]
    else:
        d, f = parameters["D"], parameters["PERFUSION_FRACTION"]
        # A D* that cannot be told is faster than the lowest b-value shows: only the slow part is drawn, from there on.
        fast = f * np.exp(-fine * parameters["D_STAR"]) if np.isfinite(parameters["D_STAR"]) else 0.0
        line = np.log(s0 * ((1 - f) * np.exp(-fine * d) + fast))
    note = "" if fit.status == DiffusionStatus.OK else DiffusionStatus(int(fit.status)).explanation
    known = {key: value for key, value in parameters.items() if np.isfinite(value)}
    return replace(curve, fit_x=fine, fit_y=line, parameters=known, note=note)


def flip_angle_curve_at(
    volume_nodes, point_ras, flip_angles_deg=None, repetition_time=None, *, b1: float | None = None, method: str = "nonlinear",
) -> Curve:
    """Return the signal against the flip angle at a point of VFA volumes, with the curve of the fitted T1.

    :param volume_nodes: one volume per flip angle; ``point_ras``: world coordinates, RAS mm.
    :param flip_angles_deg: in the order of the volumes; where None, those of the volumes' attributes; ``repetition_time`` [s] likewise.
    :param b1: reached part of the flip angle at the point; None: nominal. ``method``: as for :func:`.relaxometry.compute_t1`.
    """
    from ..quantification.relaxometry import T1Status, fit_t1_vfa

    titles = ("Flip angle (deg)", _SIGNAL)
    angles = [flip_angle_deg(node) for node in volume_nodes] if flip_angles_deg is None else list(flip_angles_deg)
    signals, name, problem = _samples_at(volume_nodes, point_ras, angles, "flip angle")
    if problem:
        return Curve(name, *titles, problem=problem)
    time = repetition_time_s(volume_nodes[0]) if repetition_time is None else repetition_time
    angles, signals = _sorted(angles, signals)
    curve = Curve(name, *titles, angles, signals)
    if time is None:
        return replace(curve, problem=f"The repetition time of '{volume_nodes[0].GetName()}' is not known; enter it.")
    try:
        fit = fit_t1_vfa(signals, angles, time, b1=b1, method=method)
    except InputError as error:
        return replace(curve, problem=str(error))
    if not fit.valid:
        return replace(curve, problem=f"No fit: {T1Status(int(fit.status)).explanation}.")
    fine = np.linspace(0, 1.2 * angles[-1], _FINE)
    reached, e = np.radians(fine) * (1.0 if b1 is None else b1), np.exp(-time / float(fit.t1))
    line = float(fit.m0) * np.sin(reached) * (1 - e) / (1 - e * np.cos(reached))
    return replace(curve, fit_x=fine, fit_y=line, parameters={"T1": float(fit.t1), "M0": float(fit.m0)})


def _dynamic_curve(
    sequence_node, name: str, signals, tissue_of, input_node, show: str, *,
    relaxivity: float | None = None, t1_map=None, t1_s: float | None = None, model: str = "extended_tofts", delay_s=0.0,
    portal_node=None, portal_delay_s=0.0, baseline: int | None = None,
) -> Curve:
    """Return the curve of one voxel, or of the mean of some, and its fit."""
    if show not in ("concentration", "signal"):
        raise InputError(f"A curve shows 'concentration' or 'signal', not '{show}'.")
    curve = Curve(name, _TIME, _SIGNAL)
    from ..quantification.pharmacokinetics.models import check_model

    try:
        curve = replace(curve, x=frame_times_s(sequence_node), y=np.asarray(signals, np.float64))
        if input_node is None:
            return curve
        function = input_function(input_node)
        for table in filter(None, (input_node, portal_node)):
            if reason := unfit_input(table, sequence_node):
                raise InputError(reason)
        if relaxivity is None:
            raise InputError("The relaxivity of the contrast agent is needed for concentrations; enter it.")
        if (t1_map is None) == (t1_s is None):
            raise InputError("T1 before contrast is needed: choose a T1 map, or enter one T1 for all tissue (not both).")
        conversion = conversion_of(sequence_node, function.arrival_s, relaxivity, baseline=baseline)
        check_model(model, portal_node)
        ready = prepared_model(input_node, portal_node, curve.x, model, delay_s, portal_delay_s)
        arterial = plasma_curve(input_node, curve.x)
        portal = {} if portal_node is None else {"pvf": plasma_curve(portal_node, curve.x)}
        fitted_delays = {key for key, delay in (("delay_s", delay_s), ("portal_delay_s", portal_delay_s)) if np.ndim(delay)}
        tissue = (t1_s, None) if t1_map is None else tissue_of(t1_map)
        return _fitted(curve, conversion, tissue, ready, arterial, portal, fitted_delays, show)
    except HCCResponseError as error:
        return replace(curve, problem=str(error))


def _fitted(curve: Curve, conversion: Conversion, tissue: tuple, ready, arterial, portal: dict, fitted_delays, show: str) -> Curve:
    from ..quantification.contrast import ConcentrationStatus
    from ..quantification.pharmacokinetics import EXPLANATIONS, Status, evaluate

    converted = conversion.concentrations(curve.y, *tissue)
    if show == "concentration":
        finite = np.isfinite(converted.concentration)
        curve = replace(curve, y_title=_CONCENTRATION, x=curve.x[finite], y=converted.concentration[finite])
    if not converted.valid:
        return replace(curve, problem=f"No fit: {ConcentrationStatus(int(converted.status)).explanation}.")
    found = ready.fit(converted.concentration, threads=1)
    flags = Status(int(found.status))
    notes = [EXPLANATIONS[flag] for flag in flags]
    if converted.status:
        notes.append(ConcentrationStatus(int(converted.status)).explanation)
    maps = {**found.maps, "rmse": found.rmse}
    given = {"delay_s", "portal_delay_s"} - fitted_delays
    parameters = {QUANTITY_OF[key]: float(value) for key, value in maps.items() if key not in given and np.isfinite(value)}
    curve = replace(curve, parameters=parameters, note="; ".join(notes))
    if Status.NOT_ENHANCING in flags or not found.valid:
        return curve
    fine = np.linspace(conversion.time_s[0], conversion.time_s[-1], _FINE)
    line = evaluate(found, fine, arterial, **portal)
    if show == "signal":
        line = conversion.signals(line, converted.baseline, *tissue)
    return replace(curve, fit_x=fine, fit_y=line)


def _median(values) -> float:
    return float(np.nanmedian(values)) if np.isfinite(values).any() else np.nan


def _samples_at(volume_nodes, point_ras, weightings, what: str) -> tuple[np.ndarray, str, str]:
    """Return the values of volumes at a point, a name for them, and why there are none."""
    if not volume_nodes:
        return _NONE, "", "No volumes were chosen."
    name = volume_nodes[0].GetName()
    if len(weightings) != len(volume_nodes):
        return _NONE, name, f"{len(volume_nodes)} volumes have {len(weightings)} {what}s; each needs one."
    unknown = [node.GetName() for node, value in zip(volume_nodes, weightings, strict=True) if value is None]
    if unknown:
        return _NONE, name, f"The {what} of '{unknown[0]}' is not known; enter it."
    values = []
    for node in volume_nodes:
        try:
            voxel = voxel_at(node, point_ras)
        except HCCResponseError as error:
            return _NONE, name, str(error)
        if voxel is None:
            return _NONE, name, f"The point lies beside '{node.GetName()}'."
        values.append(float(volume_array(node)[voxel]))
    return np.array(values), name, ""


def _sorted(weightings, signals) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(weightings, kind="stable")
    return np.asarray(weightings, np.float64)[order], signals[order]
