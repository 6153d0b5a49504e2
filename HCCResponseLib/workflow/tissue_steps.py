"""Maps measured in the lesions of one examination, and the values of their parts alone.

Of the whole lesion every voxel counts whose centre is inside, as a reader would draw it. Of a part, viable or dead, only voxels that
lie in it with their whole extent; and, because a rim as thin as a voxel has none, the value of the part's own signal besides, freed
from what other tissue the voxels hold (:mod:`HCCResponseLib.lesions.partial_volume`): a plain value without statistic.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..dicom import DiffusionSeries, DynamicSeries, FlipAngleSeries
from ..errors import InputError
from ..geometry import Geometry
from ..lesions.partial_volume import PartFractions, part_fractions, part_signal, pure_voxels
from ..lesions.region_statistics import RegionStatistics, region_statistics
from ..progress import Progress, report_progress
from ..quantification.diffusion import fit_adc
from ..quantification.relaxometry import fit_t1_vfa
from ..response.measurement import Measurement
from ..response.quantities import canonical_unit, find_quantity
from ..response.region_types import RegionType
from ..response.rows import Subject, map_rows, voxel_choice
from .case_files import plain_rows
from .label_maps import resample_mask
from .lesion_identities import part_uid
from .map_files import read_map
from .outline import Outline, fraction_outside
from .perfusion_steps import ArterialInput, Conversion, fit_perfusion

__all__ = ["CORRECTED", "PARTS", "LesionParts", "MapSource", "TissueSignals", "tissue_step"]

PARTS = {"viable": RegionType.VIABLE, "dead": RegionType.NECROTIC}
"""Parts of a lesion, and what they are."""

CORRECTED = "; the part's signal, corrected for partial volume"
"""What the method of a part's own value ends with."""


@dataclass(frozen=True, eq=False)
class LesionParts:
    """A lesion, and its parts where its necrosis was measured.

    :param viable: mask on ``geometry``; ``necrotic`` (without blood) and ``haemorrhagic`` likewise; None where the necrosis was not
        measured.
    """

    outline: Outline
    viable: np.ndarray | None = None
    necrotic: np.ndarray | None = None
    haemorrhagic: np.ndarray | None = None
    geometry: Geometry | None = None

    @property
    def dead(self) -> np.ndarray | None:
        """What does not enhance."""
        return None if self.necrotic is None else self.necrotic | self.haemorrhagic

    def shown(self, geometry: Geometry) -> tuple[tuple[str, np.ndarray], ...]:
        """Name and mask of each part on a grid; nothing where the necrosis was not measured."""
        names = ("viable", "necrotic", "haemorrhagic") if self.viable is not None else ()
        return tuple((name, resample_mask(getattr(self, name), self.geometry, geometry)) for name in names)


@dataclass(frozen=True, eq=False)
class MapSource:
    """A written map: the folder of its step and its entry there."""

    folder: Path
    entry: dict


@dataclass(frozen=True, eq=False)
class TissueSignals:
    """Signals that the values of parts are made of; None where there are none."""

    diffusion: DiffusionSeries | None = None
    angles: FlipAngleSeries | None = None
    dynamic: DynamicSeries | None = None
    conversion: Conversion | None = None
    inputs: tuple[ArterialInput, ...] = ()


def tissue_step(
    lesions: Mapping[str, LesionParts],
    maps: list[MapSource],
    signals: TissueSignals,
    subject_of: Callable[[str, str, str], Subject],
    *,
    progress: Progress | None = None,
) -> dict:
    """Measure all maps in all lesions and their parts; return the record of the step.

    :param lesions: by tracking UID.
    :param maps: in the order in which their rows are to stand: of two that measure the same, the last counts.
    """
    rows: list[Measurement] = []
    warnings: list[str] = []
    work = len(lesions) * len(maps) + len(lesions)
    done = 0
    for one in maps:
        values, geometry = read_map(one.folder, one.entry)
        quantity = find_quantity(one.entry["quantity"])
        for uid, lesion in lesions.items():
            report_progress(progress, done / work)
            done += 1
            outline = lesion.outline
            mask = resample_mask(outline.mask, outline.geometry, geometry)
            outside = fraction_outside(outline, geometry)
            subject = subject_of(uid, outline.name, one.entry["source_series"])
            statistics = _statistics(values, mask, geometry)
            outside = outside if statistics else 0.0
            # The volume of a lesion is that of its outline; the voxels of a map inside it would stand beside it as another one.
            rows += map_rows(statistics, quantity, one.entry["method"], subject, outside=outside, with_volume=False)
            for part, region_type in PARTS.items():
                part_mask = getattr(lesion, part)
                if part_mask is None or not part_mask.any():
                    continue
                pure = pure_voxels(part_mask, lesion.geometry, geometry)
                subject = _part_subject(subject_of, uid, outline.name, region_type, one.entry["source_series"])
                method = voxel_choice(one.entry["method"], pure=True)
                rows += map_rows(_statistics(values, pure, geometry), quantity, method, subject, with_volume=False)
    for uid, lesion in lesions.items():
        report_progress(progress, done / work)
        done += 1
        if lesion.viable is None:
            continue
        found, sentences = _part_values(uid, lesion, maps, signals, subject_of)
        rows += found
        warnings += sentences
    return {"rows": plain_rows(rows), "warnings": warnings, "problems": [], "notes": []}


def _statistics(values: np.ndarray, mask: np.ndarray, geometry: Geometry) -> RegionStatistics | None:
    return region_statistics(values, mask, voxel_volume_ml=geometry.voxel_volume_ml) if mask.any() else None


def _part_subject(subject_of, uid: str, name: str, region_type: RegionType, series: str) -> Subject:
    return subject_of(part_uid(uid, region_type.value), f"{name}: {region_type.title.lower()}", series)


def _part_values(
    uid,
    lesion: LesionParts,
    maps: list[MapSource],
    signals: TissueSignals,
    subject_of,
) -> tuple[list[Measurement], list[str]]:
    """Values of the parts of one lesion from their own signals."""
    rows: list[Measurement] = []
    warnings: list[str] = []
    fractions: dict[int, PartFractions] = {}

    def signal_of(images, part: str) -> tuple[np.ndarray, int]:
        if id(images) not in fractions:
            fractions[id(images)] = part_fractions(lesion.viable | lesion.dead, lesion.dead, lesion.geometry, images.geometry)
        return part_signal(images.signals, fractions[id(images)], part)

    for part, region_type in PARTS.items():
        if not getattr(lesion, part).any():
            continue
        for images, values_of in (
            (signals.diffusion, _adc),
            (signals.angles, _t1),
            (signals.dynamic, _perfusion if part == "viable" else None),
        ):
            if images is None or values_of is None:
                continue
            try:
                values, count = values_of(signals, part, signal_of)
            except InputError as error:
                warnings.append(f"{lesion.outline.name}, {part} part: {error}")
                continue
            for (quantity_key, name), value in values.items():
                source = next((one for one in maps if one.entry["quantity"] == quantity_key and one.entry.get("input", "") == name), None)
                if source is None:
                    continue
                subject = vars(_part_subject(subject_of, uid, lesion.outline.name, region_type, source.entry["source_series"]))
                quantity, method = find_quantity(quantity_key), source.entry["method"] + CORRECTED
                for statistic, number in (("", value), ("n", count)):
                    unit = canonical_unit(quantity, statistic).value
                    rows.append(
                        Measurement(quantity=quantity_key, value=number, unit=unit, statistic=statistic, method=method, **subject),
                    )
    return rows, warnings


def _adc(signals: TissueSignals, part: str, signal_of) -> tuple[dict, int]:
    curve, count = signal_of(signals.diffusion, part)
    return {("ADC", ""): float(fit_adc(curve, signals.diffusion.b_values).adc)}, count


def _t1(signals: TissueSignals, part: str, signal_of) -> tuple[dict, int]:
    curve, count = signal_of(signals.angles, part)
    return {("T1", ""): float(fit_t1_vfa(curve, signals.angles.flip_angles_deg, signals.angles.repetition_time_s).t1)}, count


def _perfusion(signals: TissueSignals, part: str, signal_of) -> tuple[dict, int]:
    if signals.angles is None or signals.conversion is None:
        raise InputError("Without T1 before contrast there is no Ktrans.")
    t1 = _t1(signals, part, signal_of)[0][("T1", "")]
    curve, count = signal_of(signals.dynamic, part)
    concentration = signals.conversion.concentration(curve[None], np.array([t1]))
    values = {}
    for one in signals.inputs:
        fit = fit_perfusion(concentration, signals.dynamic.time_s, one)
        for name, key in (("ktrans", "KTRANS"), ("ve", "VE"), ("vp", "VP")):
            values[key, one.name] = float(getattr(fit, name)[0])
    return values, count
