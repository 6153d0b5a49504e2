"""Necrosis of lesions: a live threshold over two volumes, then its parts as segments and its numbers as rows.

The images are taken where their transforms place them; a volume on another grid is resampled to that after contrast. Register
them first where the alignment check says so (:mod:`.registration`).
"""

import numpy as np

from ..errors import InputError
from ..response.measurement import Measurement
from ..response.region_types import RegionType
from .examination_volumes import array_on_grid_of
from .lesion_identity import ensure_lesion_identity, lesion_identity
from .linked_segments import linked_segment, reference_segment, set_linked_mask
from .measured_outlines import outline_fingerprint
from .measurement_rows import Reading, method_text, outside_setting, procedure_of, rows_of, write_rows
from .segment_masks import is_empty, reference_volume
from .segment_tags import require_segment
from .segments import segment_mask
from .undo import all_or_nothing
from .volumes import volume_array, volume_geometry

__all__ = ["LesionNecrosis", "compare_necrosis", "measure_parts"]

_PROCEDURE = "Necrosis"
_PARTS = (RegionType.VIABLE, RegionType.NECROTIC, RegionType.HAEMORRHAGIC)


class LesionNecrosis:
    """One lesion prepared for live thresholds. Nothing in the scene changes before :meth:`apply`.

    :param post_node: volume after contrast.
    :param pre_node: volume before contrast; None where only a threshold on one phase is wanted.
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
        self._lesion = segment_mask(segmentation_node, segment_id, post_node)
        self._outline = outline_fingerprint(segmentation_node, segment_id)
        self._reference_ids: set[str] = set()
        self._alignment = None
        self._analysis = NecrosisAnalysis(
            self._lesion, self._geometry, post=self._post, pre=self._pre, rim_layers=rim_layers, median=median,
        )

    def check_alignment(self):
        """Return how well the two volumes lie on each other round the lesion (:class:`~HCCResponseLib.lesions.alignment.AlignmentCheck`).

        :raises InputError: there is no volume before contrast, or no edge to compare.
        """
        from ..lesions.alignment import check_alignment

        if self._pre is None:
            raise InputError("There is no volume before contrast to compare with; choose one.")
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
        region = segment_mask(self._segmentation_node, region_id, self._post_node)
        self._reference_ids.add(region_id)
        return self._analysis.measure_reference(region, region_type.title.lower(), before_contrast=before_contrast)

    def classify(self, threshold, **settings):
        """Divide the lesion at a threshold, for showing; see :meth:`HCCResponseLib.lesions.necrosis.NecrosisAnalysis.classify`."""
        return self._analysis.classify(threshold, **settings)

    def apply(self, result, reading: Reading, *, table_node=None) -> list[Measurement]:
        """Write a result of :meth:`classify`: viable, necrotic and haemorrhagic segments of the lesion, and the rows.

        The rows also say how far the two images lie apart.

        :raises InputError: outline or images changed since this was prepared, the outline is only a proposal, or see
            :func:`.measurement_rows.write_rows`; nothing is changed then.
        """
        from ..lesions.tissue_parts import TissuePart

        self._require_unchanged()
        values = {
            "COUNTED_VOLUME": result.tumour_ml,
            "NECROTIC_VOLUME": result.necrotic_ml,
            "VIABLE_VOLUME": result.viable_ml,
            "NECROTIC_FRACTION": result.necrotic_fraction,
            "NECROSIS_SCORE": float(result.score),
        }
        if result.haemorrhagic_ml is not None:
            values["HAEMORRHAGIC_VOLUME"] = result.haemorrhagic_ml
            values["HAEMORRHAGIC_FRACTION"] = result.haemorrhagic_ml / (result.necrotic_ml + result.viable_ml)
        left_out = result.rejected_voxels + result.rim_voxels
        node, segment_id = self._segmentation_node, self._segment_id
        settings = {
            **result.parameters,
            "pattern": result.pattern.value,
            "voxels_left_out": left_out,
            "alignment": self._alignment_words(),
            **outside_setting(node, segment_id, self._post_node),
        }
        method = method_text(_PROCEDURE, result.method, settings)
        with all_or_nothing(node):
            for region_type, part in zip(_PARTS, (TissuePart.VIABLE, TissuePart.NECROTIC, TissuePart.HAEMORRHAGIC), strict=True):
                if region_type is RegionType.HAEMORRHAGIC and result.haemorrhagic_ml is None:
                    self._remove_part(region_type)
                else:
                    set_linked_mask(node, segment_id, region_type, result.parts.mask(part), self._post_node)
            rows = write_rows(
                node,
                segment_id,
                values,
                reading,
                method,
                source_nodes=[self._pre_node, self._post_node],
                outline_ids=[segment_id, *_part_ids(node, segment_id).values(), *sorted(self._reference_ids)],
                table_node=table_node,
            )
        return rows

    def _require_unchanged(self) -> None:
        name = require_segment(self._segmentation_node, self._segment_id).GetName()
        same_outline = outline_fingerprint(self._segmentation_node, self._segment_id) == self._outline
        if not same_outline or not volume_geometry(self._post_node, world=True).matches(self._geometry):
            raise InputError(f"The outline of '{name}' or its image changed since the necrosis was computed; compute it again.")

    def _alignment_words(self) -> str | None:
        if self._pre is None:
            return None
        try:
            check = self.check_alignment()
        except InputError:
            return "not told"
        if not check.clear:
            return "not told"
        return f"{check.shift_mm:.1f} mm apart" + ("" if check.aligned else ", not aligned")

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
    from ..lesions.necrosis_score import necrosis_score

    segment = require_segment(segmentation_node, segment_id)
    volume_node = volume_node or reference_volume(segmentation_node)
    if volume_node is None:
        raise InputError(f"Choose the volume on whose grid the parts of '{segment.GetName()}' are to be counted.")
    lesion = segment_mask(segmentation_node, segment_id, volume_node)
    part_ids = _part_ids(segmentation_node, segment_id)
    masks = {region_type: _part_mask(segmentation_node, part_id, volume_node) for region_type, part_id in part_ids.items()}
    if RegionType.VIABLE not in masks and RegionType.NECROTIC not in masks:
        raise InputError(f"Lesion '{segment.GetName()}' has no viable or necrotic part yet; measure its necrosis, or draw a part, first.")
    if np.count_nonzero(sum(mask.astype(np.uint8) for mask in masks.values()) > 1):
        raise InputError(f"Parts of '{segment.GetName()}' overlap; correct them, so that each voxel belongs to one.")
    voxel_ml = volume_geometry(volume_node, world=True).voxel_volume_ml
    volumes = {region_type: float(np.count_nonzero(mask & lesion)) * voxel_ml for region_type, mask in masks.items()}
    tumour = float(np.count_nonzero(lesion)) * voxel_ml
    haemorrhagic = volumes.get(RegionType.HAEMORRHAGIC, 0.0)
    # A part that was not drawn is the rest of the lesion.
    if RegionType.NECROTIC in volumes or RegionType.HAEMORRHAGIC in volumes:
        necrotic = volumes.get(RegionType.NECROTIC, 0.0) + haemorrhagic
    else:
        necrotic = tumour - volumes[RegionType.VIABLE]
    viable = volumes.get(RegionType.VIABLE, tumour - necrotic)
    if necrotic + viable == 0.0:
        raise InputError(f"No part of '{segment.GetName()}' lies inside its outline; correct the parts.")
    fraction = necrotic / (necrotic + viable)
    values = {
        "COUNTED_VOLUME": tumour,
        "NECROTIC_VOLUME": necrotic,
        "VIABLE_VOLUME": viable,
        "NECROTIC_FRACTION": fraction,
        "NECROSIS_SCORE": float(necrosis_score(fraction)),
    }
    if RegionType.HAEMORRHAGIC in volumes:
        values |= {"HAEMORRHAGIC_VOLUME": haemorrhagic, "HAEMORRHAGIC_FRACTION": haemorrhagic / (necrotic + viable)}
    return write_rows(
        segmentation_node,
        segment_id,
        values,
        reading,
        method_text(_PROCEDURE, "parts as drawn", outside_setting(segmentation_node, segment_id, volume_node)),
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
    now, before = (_values(segmentation_node, segment_id, one, table_node) for one in (reading, earlier))
    name = require_segment(segmentation_node, segment_id).GetName()
    for values, one in ((now, reading), (before, earlier)):
        if "NECROTIC_FRACTION" not in values:
            raise InputError(f"The necrosis of '{name}' was not measured at time point {one.time_point}; measure it first.")
    change = necrosis_trend(now["NECROTIC_FRACTION"], before["NECROTIC_FRACTION"])
    growth = {
        f"{kind}_growth_percent": 100.0 * (now[key] - before[key]) / before[key]
        for kind, key in (("volume", "VOLUME"), ("diameter", "LONG_AXIS"))
        if key in now and before.get(key, 0.0) > 0.0
    }
    return change, growth_caution(change.trend, **growth) if growth else None


def _part_ids(segmentation_node, segment_id: str) -> dict[RegionType, str]:
    identity = lesion_identity(segmentation_node, segment_id)
    found = {one: linked_segment(segmentation_node, identity.uid, one) for one in _PARTS} if identity else {}
    return {one: part_id for one, part_id in found.items() if part_id is not None}


def _part_mask(segmentation_node, part_id: str, volume_node) -> np.ndarray:
    if is_empty(segmentation_node, part_id):
        return np.zeros(volume_array(volume_node).shape, dtype=bool)
    return segment_mask(segmentation_node, part_id, volume_node)


def _values(segmentation_node, segment_id: str, reading: Reading, table_node) -> dict[str, float]:
    """The latest value of each quantity that was measured of the outline, not of a map."""
    rows = rows_of(segmentation_node, segment_id, reading, table_node=table_node)
    rows = [row for row in rows if procedure_of(row.method) in ("Volume", "Diameter", _PROCEDURE)]
    return {row.quantity: row.value for row in sorted(rows, key=lambda row: row.measured_at) if not np.isnan(row.value)}
