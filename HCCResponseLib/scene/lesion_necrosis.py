"""Necrosis of lesions: a live threshold over two volumes, then its parts as segments and its numbers as rows.

The images are taken where their transforms place them; a volume on another grid is resampled to that after contrast. Register
them first where the alignment check says so (:mod:`.registration`).
"""

from weakref import WeakKeyDictionary

import numpy as np

from ..errors import InputError
from ..response.measurement import Measurement
from ..response.region_types import RegionType
from ..response.roles import Role
from ..response.rows import alignment_words, necrosis_result, parts_result, procedure_of, settings_difference
from ..response.rows.necrosis import PROCEDURE
from .examination_volumes import array_on_grid_of
from .lesion_identity import ensure_lesion_identity, lesion_identity
from .linked_segments import linked_segment, reference_segment, set_linked_mask
from .measured_outlines import outline_fingerprint
from .measurement_rows import Reading, outside_setting, rows_of, write_result
from .roles import role
from .segment_masks import is_empty, reference_volume
from .segment_tags import require_segment
from .segments import segment_mask
from .undo import all_or_nothing
from .volumes import volume_array, volume_geometry

__all__ = ["LesionNecrosis", "compare_necrosis", "measure_parts"]

_PARTS = (RegionType.VIABLE, RegionType.NECROTIC, RegionType.HAEMORRHAGIC)


class LesionNecrosis:
    """One lesion prepared for live thresholds. Nothing in the scene changes before :meth:`apply`.

    :param post_node: volume after contrast, or a subtraction that the scanner made (role SUBTRACTION): then only thresholds on the
        subtraction can be used, and the volume before contrast serves for haemorrhage.
    :param pre_node: volume before contrast; None where only a threshold on one phase, or on a given subtraction, is wanted.
    :param rim_layers: voxel layers at the lesion's edge to leave out (partial volume).
    :param median: replace each value by the median over its neighbours in the slice.
    :raises InputError: no lesion there, a volume without voxels, or nothing left inside the rim.
    :raises GeometryError: a parent transform is not linear.
    """

    def __init__(self, segmentation_node, segment_id: str, post_node, pre_node=None, *, rim_layers: int = 0, median: bool = True):
        from ..lesions.necrosis import NecrosisAnalysis

        self._segmentation_node, self._segment_id = segmentation_node, segment_id
        self._post_node, self._pre_node = post_node, pre_node
        self._post = volume_array(post_node)
        self._geometry = volume_geometry(post_node, world=True)
        self._pre = None if pre_node is None else array_on_grid_of(pre_node, post_node)
        self._subtracted = role(post_node) is Role.SUBTRACTION
        pre, post = self._pre, self._post
        if self._subtracted:
            # The analysis subtracts: it gets what gives back the subtraction.
            pre = np.zeros(post.shape, dtype=np.float32) if pre is None else np.asarray(pre, dtype=np.float32)
            post = post + pre
        self._lesion = segment_mask(segmentation_node, segment_id, post_node)
        self._outline = outline_fingerprint(segmentation_node, segment_id)
        self._analysed = pre, post
        self._measured: dict = {}
        self._region_of: dict = {}
        self._references: WeakKeyDictionary = WeakKeyDictionary()
        self._alignment = None
        self._analysis = NecrosisAnalysis(self._lesion, self._geometry, post=post, pre=pre, rim_layers=rim_layers, median=median)

    def check_alignment(self):
        """Return how well the two volumes lie on each other round the lesion (:class:`~HCCResponseLib.lesions.alignment.AlignmentCheck`).

        :raises InputError: there is no volume before contrast, or only a subtraction after it, or no edge to compare.
        """
        from ..lesions.alignment import check_alignment

        if self._pre is None:
            raise InputError("There is no volume before contrast to compare with; choose one.")
        if self._subtracted:
            raise InputError("A subtraction does not tell how its images were aligned; choose the volume after contrast.")
        if self._alignment is None:
            self._alignment = check_alignment(self._pre, self._post, self._lesion, self._geometry)
        return self._alignment

    def measure_reference(self, region_type: RegionType = RegionType.LIVER_REFERENCE, *, before_contrast: bool = False):
        """Measure the lesion's own reference region, or that of the whole examination, for a threshold.

        :param before_contrast: on the volume before contrast (for haemorrhage) instead of the subtraction.
        :raises InputError: there is no such region, or it cannot serve.
        """
        identity = lesion_identity(self._segmentation_node, self._segment_id)
        region_id = reference_segment(self._segmentation_node, identity.uid if identity else "", region_type)
        if region_id is None:
            where = self._segmentation_node.GetName()
            raise InputError(f"Segmentation '{where}' has no reference region of the type '{region_type.title}'; make one first.")
        if before_contrast and self._pre is None:
            raise InputError("There is no volume before contrast; choose one.")
        # A slider asks again and again; the region is looked up again only when it was painted.
        key = (region_id, before_contrast, outline_fingerprint(self._segmentation_node, region_id))
        if key not in self._measured:
            region = segment_mask(self._segmentation_node, region_id, self._post_node)
            reference = self._analysis.measure_reference(region, region_type.title.lower(), before_contrast=before_contrast)
            self._measured[key] = reference
            self._region_of[reference] = region_id
        return self._measured[key]

    def half_enhancement(self, region_type: RegionType = RegionType.LIVER_REFERENCE):
        """Return the threshold that the lesion sets itself, see :mod:`HCCResponseLib.lesions.half_enhancement`.

        :param region_type: the reference region that tells whether there is viable tissue at all.
        :raises InputError: there is no such region, nothing to subtract, or the region does not enhance.
        """
        from ..lesions.half_enhancement import half_enhancement

        reference = self.measure_reference(region_type)
        return half_enhancement(*self._analysed, self._lesion, self._geometry, reference)

    def values(self, quantity: str) -> np.ndarray:
        """Return what a threshold on a quantity is compared with, of every voxel that can be told (1-D).

        :raises InputError: an image needed is missing, or only the subtraction is known.
        """
        from ..lesions.necrosis_threshold import SUBTRACTION

        if self._subtracted and quantity != SUBTRACTION:
            raise InputError(f"'{self._post_node.GetName()}' is a subtraction; only its own values are known.")
        return self._analysis.values(quantity)

    def classify(self, threshold, **settings):
        """Divide the lesion at a threshold, for showing; see :meth:`HCCResponseLib.lesions.necrosis.NecrosisAnalysis.classify`.

        :raises InputError: see there; or another threshold than on the subtraction where only that is known.
        """
        from ..lesions.necrosis_threshold import SUBTRACTION

        if self._subtracted and threshold.quantity != SUBTRACTION:
            name = self._post_node.GetName()
            raise InputError(f"'{name}' is a subtraction; choose a threshold on the subtraction, or the volume after contrast.")
        if self._pre is None and settings.get("haemorrhage") is not None:
            raise InputError("Haemorrhage is told on the volume before contrast; choose one.")
        result = self._analysis.classify(threshold, **settings)
        used = [getattr(one, "reference", None) for one in (threshold, settings.get("haemorrhage"))]
        self._references[result] = {self._region_of[one] for one in used if one in self._region_of}
        return result

    def apply(self, result, reading: Reading, *, table_node=None) -> list[Measurement]:
        """Write a result of :meth:`classify`: viable, necrotic and haemorrhagic segments of the lesion, and the rows.

        The rows also say how far the two images lie apart.

        :raises InputError: outline or images changed since this was prepared, the outline is only a proposal, or see
            :func:`.measurement_rows.write_rows`; nothing is changed then.
        """
        from ..lesions.tissue_parts import TissuePart

        self._require_unchanged()
        node, segment_id = self._segmentation_node, self._segment_id
        alignment = None if self._pre is None or self._subtracted else self._alignment_words()
        found = necrosis_result(result, alignment=alignment, outside=outside_setting(node, segment_id, self._post_node))
        with all_or_nothing(node):
            for region_type, part in zip(_PARTS, (TissuePart.VIABLE, TissuePart.NECROTIC, TissuePart.HAEMORRHAGIC), strict=True):
                if region_type is RegionType.HAEMORRHAGIC and result.haemorrhagic_ml is None:
                    self._remove_part(region_type)
                else:
                    set_linked_mask(node, segment_id, region_type, result.parts.mask(part), self._post_node)
            rows = write_result(
                node,
                segment_id,
                found,
                reading,
                source_nodes=[self._pre_node, self._post_node],
                outline_ids=[segment_id, *_part_ids(node, segment_id).values(), *sorted(self._references.get(result, ()))],
                table_node=table_node,
            )
        return rows

    def _require_unchanged(self) -> None:
        name = require_segment(self._segmentation_node, self._segment_id).GetName()
        same_outline = outline_fingerprint(self._segmentation_node, self._segment_id) == self._outline
        if not same_outline or not volume_geometry(self._post_node, world=True).matches(self._geometry):
            raise InputError(f"The outline of '{name}' or its image changed since the necrosis was computed; compute it again.")

    def _alignment_words(self) -> str:
        try:
            return alignment_words(self.check_alignment())
        except InputError:
            return alignment_words(None)

    def _remove_part(self, region_type: RegionType) -> None:
        uid = ensure_lesion_identity(self._segmentation_node, self._segment_id).uid
        part_id = linked_segment(self._segmentation_node, uid, region_type)
        if part_id is not None:
            self._segmentation_node.GetSegmentation().RemoveSegment(part_id)


def measure_parts(segmentation_node, segment_id: str, reading: Reading, *, volume_node=None, table_node=None) -> list[Measurement]:
    """Measure the parts of a lesion as they are drawn now, by voxels: after the user corrected them by hand.

    :param volume_node: grid to count on; the segmentation's reference volume where None.
    :raises InputError: a viable or necrotic part is missing, parts overlap, or there is no volume; nothing is changed then.
    :raises GeometryError: a parent transform is not linear.
    """
    segment = require_segment(segmentation_node, segment_id)
    volume_node = volume_node or reference_volume(segmentation_node)
    if volume_node is None:
        raise InputError(f"Choose the volume on whose grid the parts of '{segment.GetName()}' are to be counted.")
    lesion = segment_mask(segmentation_node, segment_id, volume_node)
    part_ids = _part_ids(segmentation_node, segment_id)
    masks = {region_type: _part_mask(segmentation_node, part_id, volume_node) for region_type, part_id in part_ids.items()}
    if np.count_nonzero(sum(mask.astype(np.uint8) for mask in masks.values()) > 1):
        raise InputError(f"Parts of '{segment.GetName()}' overlap; correct them, so that each voxel belongs to one.")
    voxel_ml = volume_geometry(volume_node, world=True).voxel_volume_ml
    volumes = {region_type: float(np.count_nonzero(mask & lesion)) * voxel_ml for region_type, mask in masks.items()}
    tumour = float(np.count_nonzero(lesion)) * voxel_ml
    outside = outside_setting(segmentation_node, segment_id, volume_node)
    result = parts_result(tumour, volumes, outside=outside, name=f"'{segment.GetName()}'")
    return write_result(
        segmentation_node,
        segment_id,
        result,
        reading,
        source_nodes=[volume_node],
        outline_ids=[segment_id, *part_ids.values()],
        table_node=table_node,
    )


def compare_necrosis(segmentation_node, segment_id: str, reading: Reading, previous: int, *, table_node=None):
    """Compare a lesion's necrosis with that of an earlier examination, as the same reader measured both.

    :param previous: time point of the earlier examination.
    :return: (:class:`~HCCResponseLib.lesions.necrosis_trend.NecrosisChange`, :class:`~HCCResponseLib.lesions.necrosis_trend.GrowthCaution`
        or None where neither volume nor diameter was measured in both).
    :raises InputError: the necrosis was not measured in one of the two.
    """
    from ..lesions.necrosis_trend import growth_caution, necrosis_trend

    earlier = Reading(reading.patient, previous, reading.reader)
    now, before = (_latest(segmentation_node, segment_id, one, table_node) for one in (reading, earlier))
    name = require_segment(segmentation_node, segment_id).GetName()
    for rows, one in ((now, reading), (before, earlier)):
        if "NECROTIC_FRACTION" not in rows:
            raise InputError(f"The necrosis of '{name}' was not measured at time point {one.time_point}; measure it first.")
    fractions = before["NECROTIC_FRACTION"].value, now["NECROTIC_FRACTION"].value
    difference = settings_difference(now["NECROTIC_FRACTION"].method, before["NECROTIC_FRACTION"].method)
    change = necrosis_trend(fractions[1], fractions[0], settings_difference=difference)
    growth = {
        f"{kind}_growth_percent": 100.0 * (now[key].value - before[key].value) / before[key].value
        for kind, key in (("volume", "VOLUME"), ("diameter", "LONG_AXIS"))
        if key in now and key in before and before[key].value > 0.0
    }
    return change, growth_caution(change.trend, **growth, fractions=fractions) if growth else None


def _part_ids(segmentation_node, segment_id: str) -> dict[RegionType, str]:
    identity = lesion_identity(segmentation_node, segment_id)
    found = {one: linked_segment(segmentation_node, identity.uid, one) for one in _PARTS} if identity else {}
    return {one: part_id for one, part_id in found.items() if part_id is not None}


def _part_mask(segmentation_node, part_id: str, volume_node) -> np.ndarray:
    if is_empty(segmentation_node, part_id):
        return np.zeros(volume_array(volume_node).shape, dtype=bool)
    return segment_mask(segmentation_node, part_id, volume_node)


def _latest(segmentation_node, segment_id: str, reading: Reading, table_node) -> dict[str, Measurement]:
    """The latest row of each quantity that was measured of the outline, not of a map."""
    rows = rows_of(segmentation_node, segment_id, reading, table_node=table_node)
    rows = [row for row in rows if procedure_of(row.method) in ("Volume", "Diameter", PROCEDURE)]
    return {row.quantity: row for row in sorted(rows, key=lambda row: row.measured_at) if not np.isnan(row.value)}
