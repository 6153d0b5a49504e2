"""Volumes, diameters, necrosis and proposed signal grades of the lesions of one examination."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..dicom import ImageSeries
from ..errors import Cancelled, InputError
from ..geometry import Geometry
from ..lesions.alignment import AlignmentCheck, align_images, check_alignment
from ..lesions.diameters import measure_diameters, measure_feret_diameter, measure_viable_diameters
from ..lesions.half_enhancement import half_enhancement
from ..lesions.necrosis import NecrosisAnalysis
from ..lesions.necrosis_threshold import ReferenceThreshold
from ..lesions.outlining.reference_regions import liver_ring
from ..lesions.signal_grade import propose_signal_grade
from ..lesions.tissue_parts import TissuePart
from ..lesions.volume import measure_volume
from ..progress import Progress, report_progress, subrange
from ..response.measurement import Measurement
from ..response.rows import (
    ProcedureResult,
    Subject,
    alignment_words,
    diameter_result,
    feret_result,
    grade_result,
    necrosis_result,
    nothing_viable,
    result_rows,
    viable_diameter_result,
    volume_result,
)
from .case_files import plain_rows
from .label_maps import Region, resample_mask, write_segmentation
from .outline import Outline, fraction_outside

__all__ = ["PARTS_FILE", "LesionImages", "lesion_step"]

PARTS_FILE = "parts.seg.nrrd"

HAEMORRHAGE_K = 3.0
"""Dead tissue brighter before contrast than liver by more than this many standard deviations is haemorrhagic."""


@dataclass(frozen=True)
class LesionImages:
    """Images that lesions are measured on; None where the examination has none.

    :param after: phases after contrast in the order in which they are tried: arterial, then portal venous.
    """

    native: ImageSeries | None
    after: tuple[ImageSeries, ...]
    t1: ImageSeries | None
    t2: ImageSeries | None


def lesion_step(
    folder: Path,
    outlines: Mapping[str, Outline],
    liver: Outline | None,
    images: LesionImages,
    subject_of: Callable[[str, str, str], Subject],
    *,
    progress: Progress | None = None,
) -> dict:
    """Measure every lesion; one that cannot be measured does not lose the others. Return the record of the step.

    :param outlines: by tracking UID.
    :param liver: normal liver, for references.
    :param subject_of: (tracking UID, name, source series) -> whose rows they are.
    """
    rows: list[Measurement] = []
    warnings: list[str] = []
    problems: list[str] = []
    skipped: list[str] = []
    parts: list[Region] = []
    grid: Geometry | None = None
    for n, (uid, outline) in enumerate(outlines.items()):
        share = subrange(progress, n / len(outlines), (n + 1) / len(outlines))
        report_progress(share, 0.0)
        others = [one for other, one in outlines.items() if other != uid]
        measuring = _Measuring(uid, outline, liver, others, images, subject_of)
        for step in (measuring.size, measuring.necrosis, measuring.t1_grade, measuring.t2_grade):
            try:
                step(share)
            except Cancelled:
                raise
            except InputError as error:
                problems.append(f"{outline.name}: {error}")
        rows += measuring.rows
        warnings += [f"{outline.name}: {sentence}" for sentence in measuring.warnings]
        skipped += measuring.skipped
        if measuring.parts:
            if grid is not None and not grid.matches(measuring.parts_geometry):
                measuring.parts = [Region(r.name, resample_mask(r.mask, measuring.parts_geometry, grid)) for r in measuring.parts]
            grid = grid or measuring.parts_geometry
            parts += measuring.parts
    if grid is not None:
        write_segmentation(folder / PARTS_FILE, _without_overlap(parts), grid)
    return {
        "rows": plain_rows(rows),
        "parts": [region.name for region in parts],
        "warnings": warnings,
        "problems": problems,
        "skipped": list(dict.fromkeys(skipped)),
        "notes": [],
    }


class _Measuring:
    """One lesion: rows and parts gather here, so that what fails later does not lose what was found before."""

    def __init__(self, uid, outline: Outline, liver, others, images: LesionImages, subject_of):
        self.uid, self.outline, self.liver, self.others, self.images, self.subject_of = uid, outline, liver, others, images, subject_of
        self.rows: list[Measurement] = []
        self.warnings: list[str] = []
        self.skipped: list[str] = []
        self.parts: list[Region] = []
        self.parts_geometry: Geometry | None = None

    def size(self, _progress) -> None:
        """Measure on the grid that the lesion was outlined on."""
        mask, geometry = self.outline.mask, self.outline.geometry
        volume = measure_volume(mask, geometry)
        self.warnings += volume.warnings
        for result in (
            volume_result(volume),
            feret_result(measure_feret_diameter(mask, geometry)),
            diameter_result(measure_diameters(mask, geometry)),
        ):
            self._add(result)

    def necrosis(self, progress) -> None:
        """Divide at half of the viable tissue's enhancement, in the first phase that lies on the native images."""
        native = self.images.native
        if native is None or not self.images.after:
            missing = "before contrast" if native is None else "in the arterial or portal venous phase"
            self.skipped.append(f"No necrosis: there are no images {missing}.")
            return
        if self.liver is None:
            self.skipped.append("No necrosis: there is no liver reference among the outlines.")
            return
        after, array, check = self._aligned(native, progress)
        geometry = native.geometry
        lesion = self._mask(self.outline, geometry)
        analysis = NecrosisAnalysis(lesion, geometry, post=array, pre=native.array)
        liver = self._mask(self.liver, geometry) & ~lesion
        threshold = half_enhancement(native.array, array, lesion, geometry, analysis.measure_reference(liver, "liver reference"))
        bright = ReferenceThreshold(analysis.measure_reference(liver, "liver reference", before_contrast=True), k=HAEMORRHAGE_K)
        found = analysis.classify(threshold, haemorrhage=bright)
        self.warnings += found.warnings
        series = ", ".join(dict.fromkeys((native.series.series_uid, after.series.series_uid)))
        self._add(necrosis_result(found, alignment=alignment_words(check), outside=self._outside(geometry)), series)
        viable = found.parts.mask(TissuePart.VIABLE)
        self._add(viable_diameter_result(measure_viable_diameters(viable, geometry)) if viable.any() else nothing_viable(), series)
        self.parts_geometry = geometry
        self.parts = [
            Region(f"{self.uid} {name}", found.parts.mask(part))
            for name, part in (("viable", TissuePart.VIABLE), ("necrotic", TissuePart.NECROTIC), ("haemorrhagic", TissuePart.HAEMORRHAGIC))
        ]

    def t1_grade(self, _progress) -> None:
        """Propose the grade on T1 before contrast."""
        self._grade("T1", self.images.t1)

    def t2_grade(self, _progress) -> None:
        """Propose the grade on T2."""
        self._grade("T2", self.images.t2)

    def _grade(self, sequence: str, image: ImageSeries | None) -> None:
        if image is None:
            self.skipped.append(f"No {sequence} grades: there are no {sequence}-weighted images before contrast.")
            return
        lesion = self._mask(self.outline, image.geometry)
        found = propose_signal_grade(image.array, lesion, self._normal_liver(image, lesion), image.geometry, sequence=sequence)
        self._add(grade_result(found, sequence, self._outside(image.geometry)), image.series.series_uid)

    def _normal_liver(self, image: ImageSeries, lesion: np.ndarray) -> np.ndarray:
        """Adjacent normal liver, as the grade asks for: a shell round the lesion; the whole reference where that is too small."""
        if self.liver is None:
            return liver_ring(image.array, image.geometry, lesion, exclude=self._others(image.geometry)).mask
        liver = self._mask(self.liver, image.geometry) & ~lesion
        try:
            return liver_ring(image.array, image.geometry, lesion, liver=liver, exclude=self._others(image.geometry)).mask
        except InputError:
            return liver

    def _others(self, geometry: Geometry) -> np.ndarray | None:
        masks = [resample_mask(one.mask, one.geometry, geometry) for one in self.others]
        return np.logical_or.reduce(masks) if masks else None

    def _aligned(self, native: ImageSeries, progress) -> tuple[ImageSeries, np.ndarray, AlignmentCheck | None]:
        """The first phase that lies on the native images; else the first one, registered to them.

        :raises InputError: none can be laid on the native images.
        """
        lesion = self._mask(self.outline, native.geometry)
        on_grid = [one for one in self.images.after if one.geometry.matches(native.geometry)]
        if not on_grid:
            raise InputError("Its necrosis was not measured: the phases after contrast have another grid than those before.")
        untold = None
        for after in on_grid:
            try:
                check = check_alignment(native.array, after.array, lesion, native.geometry)
            except InputError:
                check = None
            if check is not None and check.aligned:
                return after, after.array, check
            if check is None or not check.clear:
                untold = untold or (after, after.array, check)
        if untold is not None:
            self.warnings.append("It could not be told whether the images before and after contrast are aligned; look at them.")
            return untold
        moved = align_images(native.array, on_grid[0].array, lesion, native.geometry, progress=progress)
        if not moved.after.aligned:
            raise InputError(f"Its necrosis was not measured: {moved.after.sentence}")
        self.warnings.append(f"The images after contrast were registered to those before: {moved.sentence}")
        return on_grid[0], moved.image, moved.after

    def _mask(self, outline: Outline, geometry: Geometry) -> np.ndarray:
        mask = resample_mask(outline.mask, outline.geometry, geometry)
        if not mask.any():
            raise InputError(f"The outline '{outline.name}' lies beside the images, or is smaller than a voxel of them.")
        return mask

    def _outside(self, geometry: Geometry) -> dict[str, str]:
        outside = fraction_outside(self.outline, geometry)
        return {"outside_the_image": f"{max(round(100 * outside), 1)} %"} if outside > 0 else {}

    def _add(self, result: ProcedureResult, series: str = "") -> None:
        self.rows += result_rows(result, self.subject_of(self.uid, self.outline.name, series))


def _without_overlap(parts: list[Region]) -> list[Region]:
    """Where outlines of lesions overlap, the first keeps the voxel: a label map holds one."""
    taken = None
    result = []
    for one in parts:
        mask = one.mask if taken is None else one.mask & ~taken
        taken = one.mask.copy() if taken is None else taken | one.mask
        result.append(Region(one.name, mask))
    return result
