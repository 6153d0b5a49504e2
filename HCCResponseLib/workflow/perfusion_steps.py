"""T1 and perfusion maps of an examination as files; the arterial input, measured in the aorta and of the population."""

import csv
import warnings as python_warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from ..dicom import DynamicSeries, FlipAngleSeries
from ..errors import InputError
from ..geometry import Geometry
from ..lesions.partial_volume import pure_voxels
from ..progress import Progress, subrange
from ..quantification import pharmacokinetics
from ..quantification.arrival import detect_arrival
from ..quantification.arterial_input import from_region, parker
from ..quantification.contrast import baseline_image_count, convert_signals
from ..quantification.relaxometry import fit_t1_vfa
from .diffusion_steps import body_mask
from .label_maps import resample_mask
from .map_files import write_map
from .outline import Outline

__all__ = [
    "AORTA_MARGIN_MM",
    "USUAL_HEMATOCRIT",
    "Conversion",
    "fit_perfusion",
    "input_functions",
    "perfusion_step",
    "t1_method",
    "t1_step",
]

USUAL_HEMATOCRIT = 0.42

AORTA_MARGIN_MM = 1.0
"""Voxels this far inside the aorta's outline, with their whole extent, give the arterial input: at the wall there is less agent."""

FEWEST_AORTA_VOXELS = 20

POPULATION_DELAY_S = (-5.0, 8.0)
"""Range in which the delay of tissue is fitted where the input is a population's: its arrival is known to an image interval only."""

BLOOD_T1_S = (1.0, 2.2)
"""T1 of blood before contrast, 1.5 T to 3 T with all usual hematocrits; one measured outside it shows in-flow or a wrong flip angle."""
_USUAL_BLOOD_T1_S = 1.44

_MAPS = (("ktrans", "KTRANS"), ("ve", "VE"), ("vp", "VP"))


def t1_step(folder: Path, angles: FlipAngleSeries, progress: Progress | None = None) -> dict:
    """Write the T1 map; return the record of the step.

    :raises InputError: no voxel has a T1.
    """
    mask, air_left_out = body_mask(angles.signals, angles.flip_angles_deg)
    fit = fit_t1_vfa(angles.signals, angles.flip_angles_deg, angles.repetition_time_s, mask=mask, progress=progress)
    if not fit.valid.any():
        raise InputError(f"{angles.label}: no voxel has a T1; are the flip angles of the images right?")
    method = t1_method(angles) + (", air left out" if air_left_out else "")
    entry = write_map(folder, "t1", "T1", fit.t1, fit.valid, angles.geometry, method, angles.series)
    return {"maps": [entry], "warnings": list(angles.warnings), "notes": list(angles.notes)}


def t1_method(angles: FlipAngleSeries) -> str:
    """Return the method of T1 in words."""
    return f"VFA {', '.join(f'{a:g}' for a in angles.flip_angles_deg)} deg, TR {1e3 * angles.repetition_time_s:g} ms, nonlinear"


@dataclass(frozen=True)
class Conversion:
    """How signals of a dynamic series become concentrations."""

    flip_angle_deg: float
    repetition_time_s: float
    relaxivity: float
    baseline: int

    def concentration(self, signals: np.ndarray, t1_s) -> np.ndarray:
        """Return contrast agent [mM] for signals, shape voxels + (times,), and T1 [s] of the voxels."""
        return convert_signals(
            signals,
            baseline=(0, self.baseline),
            t1_s=t1_s,
            flip_angle_deg=self.flip_angle_deg,
            repetition_time_s=self.repetition_time_s,
            relaxivity=self.relaxivity,
        ).concentration


@dataclass(frozen=True)
class ArterialInput:
    """One arterial input.

    :param name: "measured" or "population".
    :param words: for the method.
    :param plasma: plasma concentration [mM] at times [s].
    :param delay_s: of tissue, as :func:`~..quantification.pharmacokinetics.fit` takes it.
    """

    name: str
    words: str
    plasma: Callable[[np.ndarray], np.ndarray]
    delay_s: float | tuple[float, float]


def perfusion_step(
    folder: Path,
    dynamic: DynamicSeries,
    t1: tuple[np.ndarray, Geometry],
    angles: FlipAngleSeries | None,
    aorta: Outline | None,
    *,
    hematocrit: float,
    relaxivity: float,
    progress: Progress | None = None,
) -> dict:
    """Write maps of Ktrans, ve and vp for each arterial input; return the record of the step.

    :param t1: map of T1 before contrast [s] with its grid.
    :param angles: for the T1 of blood.
    :param aorta: where the input is measured; None: the population's alone.
    :raises InputError: the series cannot be turned into concentrations, or nothing enhances.
    """
    conversion, inputs, record = input_functions(dynamic, angles, aorta, hematocrit=hematocrit, relaxivity=relaxivity)
    t1_s = _on_grid(*t1, dynamic.geometry)
    mask = np.isfinite(t1_s)
    body, _told = body_mask(dynamic.signals[..., : conversion.baseline], np.zeros(conversion.baseline))
    mask = mask if body is None else mask & body
    if not mask.any():
        raise InputError(f"{dynamic.label}: no voxel of the dynamic series has a T1 before contrast.")
    curves = conversion.concentration(dynamic.signals[mask], t1_s[mask])
    maps = []
    for n, one in enumerate(inputs):
        share = subrange(progress, n / len(inputs), (n + 1) / len(inputs))
        fit = fit_perfusion(curves, dynamic.time_s, one, progress=share)
        method = ", ".join(["extended Tofts", one.words, *record["words"]])
        for name, key in _MAPS:
            values = np.full(mask.shape, np.nan)
            values[mask] = np.where(fit.valid, getattr(fit, name), np.nan)
            maps.append(
                write_map(folder, f"{name}_{one.name}", key, values, np.isfinite(values), dynamic.geometry, method, dynamic.series)
                | {"input": one.name},
            )
    _write_inputs(folder / "arterial_input.csv", dynamic.time_s, inputs)
    notes = [*dynamic.notes, *record["notes"]]
    return {"maps": maps, "warnings": [*dynamic.warnings, *record["warnings"]], "notes": notes, "figures": record["figures"]}


def fit_perfusion(curves: np.ndarray, time_s, arterial: ArterialInput, *, progress: Progress | None = None):
    """Fit the extended Tofts model (voxels, times); see :func:`~..quantification.pharmacokinetics.fit`."""
    with python_warnings.catch_warnings():
        # The interval between images is judged once, in the warnings of the measured input.
        python_warnings.simplefilter("ignore", pharmacokinetics.CoarseSamplingWarning)
        return pharmacokinetics.fit(
            curves,
            time_s,
            arterial.plasma,
            delay_s=arterial.delay_s,
            standard_errors=False,
            progress=progress,
        )


def input_functions(
    dynamic: DynamicSeries,
    angles: FlipAngleSeries | None,
    aorta: Outline | None,
    *,
    hematocrit: float,
    relaxivity: float,
) -> tuple[Conversion, list[ArterialInput], dict]:
    """Return how signals become concentrations, the population's input and, last, the one measured in the aorta, and what to tell.

    :raises InputError: the headers do not tell the sequence, or nothing enhances.
    """
    if dynamic.flip_angle_deg is None or dynamic.repetition_time_s is None:
        raise InputError(
            f"{dynamic.label}: the headers do not tell the flip angle and the repetition time, so there are no concentrations.",
        )
    warnings, notes, figures = [], [], {}
    voxels, where = _aorta_voxels(aorta, dynamic)
    if voxels is None:
        curve = _early_enhancing(dynamic)
        where = "the voxels that enhance first and most"
    else:
        curve = dynamic.signals[voxels].mean(axis=0, dtype=np.float64)
    baseline = baseline_image_count(curve, dynamic.time_s)
    conversion = Conversion(dynamic.flip_angle_deg, dynamic.repetition_time_s, relaxivity, baseline)
    arrival = detect_arrival(curve, dynamic.time_s).time_s
    measured = None
    if voxels is not None:
        blood_t1, sentence = _blood_t1(angles, dynamic, voxels)
        notes.append(sentence)
        try:
            measured = from_region(conversion.concentration(curve[None], np.array([blood_t1]))[0], dynamic.time_s, hematocrit=hematocrit)
        except InputError as error:
            warnings.append(f"No arterial input could be measured in the aorta: {error}")
    if measured is not None:
        arrival = measured.arrival_s
        warnings += [one.sentence for one in measured.warnings]
        figures = {"aorta_voxels": int(voxels.sum()), "blood_t1_s": blood_t1, "peak_mM": measured.quality.peak_mM}
    notes.append(
        f"Baseline of {baseline} images; the contrast agent arrives at {arrival:.1f} s, told by {where}; hematocrit {hematocrit:g}.",
    )
    figures |= {"baseline_images": baseline, "arrival_s": arrival, "hematocrit": hematocrit, "relaxivity": relaxivity}

    def population(time_s):
        return parker(time_s, bolus_arrival_s=arrival, hematocrit=hematocrit)

    low, high = POPULATION_DELAY_S
    inputs = [ArterialInput("population", f"AIF Parker 2006, delay fitted {low:g} to {high:g} s", population, POPULATION_DELAY_S)]
    if measured is not None:
        inputs.append(ArterialInput("measured", "AIF measured in the aorta", measured, 0.0))
    words = ["T10 map", f"r1 {relaxivity:g} /(s mM)", f"{dynamic.flip_angle_deg:g} deg", f"TR {1e3 * dynamic.repetition_time_s:g} ms"]
    return conversion, inputs, {"warnings": warnings, "notes": notes, "figures": figures, "words": words}


def _aorta_voxels(aorta: Outline | None, dynamic: DynamicSeries) -> tuple[np.ndarray | None, str]:
    """Voxels well inside the aorta; with less margin where there are too few."""
    if aorta is None:
        return None, ""
    for margin in (AORTA_MARGIN_MM, 0.0):
        found = pure_voxels(aorta.mask, aorta.geometry, dynamic.geometry, erode_mm=margin)
        if np.count_nonzero(found) >= FEWEST_AORTA_VOXELS:
            return found, f"{np.count_nonzero(found)} voxels wholly inside the aorta" + (f" by {margin:g} mm" if margin else "")
    found = resample_mask(aorta.mask, aorta.geometry, dynamic.geometry)
    if not found.any():
        return None, ""
    return found, f"{np.count_nonzero(found)} voxels of the aorta, with partial volume at its wall"


def _blood_t1(angles: FlipAngleSeries | None, dynamic: DynamicSeries, voxels: np.ndarray) -> tuple[float, str]:
    if angles is not None and angles.geometry.matches(dynamic.geometry):
        fit = fit_t1_vfa(angles.signals[voxels].mean(axis=0, dtype=np.float64), angles.flip_angles_deg, angles.repetition_time_s)
        if BLOOD_T1_S[0] <= float(fit.t1) <= BLOOD_T1_S[1]:
            return float(fit.t1), f"T1 of blood before contrast {float(fit.t1):.2f} s, measured in the aorta."
        return (
            _USUAL_BLOOD_T1_S,
            f"The T1 measured in the aorta, {float(fit.t1):.2f} s, is not that of blood (in-flow?); {_USUAL_BLOOD_T1_S:g} s was taken.",
        )
    return _USUAL_BLOOD_T1_S, f"T1 of blood before contrast {_USUAL_BLOOD_T1_S:g} s, assumed."


def _early_enhancing(dynamic: DynamicSeries) -> np.ndarray:
    """Mean curve of the voxels whose signal rises most in the first third of the series: vessels."""
    signals = dynamic.signals
    first = max(3, signals.shape[-1] // 3)
    rise = signals[..., :first].max(axis=-1) - signals[..., 0]
    return signals[rise >= np.nanpercentile(rise, 99.9)].mean(axis=0, dtype=np.float64)


def _on_grid(values: np.ndarray, source: Geometry, target: Geometry) -> np.ndarray:
    """A map on another grid, interpolated linearly; NaN where any neighbour has no value."""
    if source.matches(target):
        return values
    order = [2, 1, 0, 3]
    matrix = (np.linalg.inv(source.ijk_to_lps) @ target.ijk_to_lps)[np.ix_(order, order)]
    return ndimage.affine_transform(values, matrix[:3, :3], matrix[:3, 3], target.shape, order=1, cval=np.nan)


def _write_inputs(path: Path, time_s, inputs: list[ArterialInput]) -> None:
    columns = [one.plasma(np.asarray(time_s, float)) for one in inputs]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["time_s", *(f"plasma_mM_{one.name}" for one in inputs)])
        writer.writerows([f"{t:.6g}", *(f"{column[n]:.6g}" for column in columns)] for n, t in enumerate(time_s))
