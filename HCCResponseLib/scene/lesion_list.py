"""The lesions of an examination as a list to show: what each is, its size by a reader, and what is to be said of it."""

from dataclasses import dataclass

from ..errors import InputError
from ..response.case import Lesion
from .lesion_attributes import exclusion, lesion_of, lesion_segments
from .lesion_measuring import remarks_of
from .measured_outlines import outdated_procedures
from .measurement_rows import Reading, reading_of
from .measurement_table import measurements
from .proposals import proposal
from .segment_masks import is_empty
from .segment_tags import require_segment
from .segment_types import segment_site

__all__ = ["ListedLesion", "list_lesions", "measured_by", "reading_or_none"]

_NONE = float("nan")


@dataclass(frozen=True)
class ListedLesion:
    """One lesion of an examination.

    :param lesion: what it counts as; None while the segment has no lesion identity.
    :param color: "#rrggbb", of its outline.
    :param site: key of :data:`~HCCResponseLib.response.region_types.SITES`; None where it says none of them.
    :param proposed: where a proposed outline comes from; empty for an accepted one.
    :param long_axis_mm: longest diameter by the reader; NaN where not measured; likewise ``volume_ml``.
    :param outdated: the outline was changed since it was measured.
    :param remarks: sentences of the reader's last measurement.
    :param excluded: why it is left out of the assessment; empty where it counts.
    """

    segment_id: str
    name: str
    lesion: Lesion | None
    color: str
    site: str | None
    proposed: str
    empty: bool
    long_axis_mm: float
    volume_ml: float
    outdated: bool
    remarks: tuple[str, ...]
    excluded: str

    @property
    def uid(self) -> str:
        """Tracking UID; empty where there is none."""
        return self.lesion.uid if self.lesion else ""


def list_lesions(segmentation_node, reader: str = "") -> list[ListedLesion]:
    """Return the lesions of a segmentation in their order.

    :raises InputError: a tag or the measurement table is damaged; the message names it.
    """
    reading = reading_or_none(segmentation_node, reader)
    sizes = _sizes(reading) if reading is not None else {}
    return [_listed(segmentation_node, segment_id, reader, sizes) for segment_id in lesion_segments(segmentation_node)]


def measured_by(segmentation_node) -> list[str]:
    """Return who measured the size of lesions in a segmentation's examination, sorted; an empty name is that of nobody."""
    reading = reading_or_none(segmentation_node)
    if reading is None:
        return []
    rows = measurements(patient=reading.patient, time_point=reading.time_point, quantity="LONG_AXIS")
    return sorted({row.reader for row in rows})


def reading_or_none(segmentation_node, reader: str = "") -> Reading | None:
    """Return the reading of a segmentation's examination; None while that is no time point."""
    try:
        return reading_of(segmentation_node, reader)
    except InputError:
        return None


def _listed(segmentation_node, segment_id: str, reader: str, sizes) -> ListedLesion:
    segment = require_segment(segmentation_node, segment_id)
    lesion = lesion_of(segmentation_node, segment_id)
    uid = lesion.uid if lesion else ""
    return ListedLesion(
        segment_id=segment_id,
        name=segment.GetName() or segment_id,
        lesion=lesion,
        color="#" + "".join(f"{round(255 * component):02x}" for component in segment.GetColor()),
        site=segment_site(segmentation_node, segment_id),
        proposed=proposal(segmentation_node, segment_id),
        empty=is_empty(segmentation_node, segment_id),
        long_axis_mm=sizes.get((uid, "LONG_AXIS"), _NONE),
        volume_ml=sizes.get((uid, "VOLUME"), _NONE),
        outdated=bool({"Diameter", "Volume"} & set(outdated_procedures(segmentation_node, segment_id, reader))),
        remarks=remarks_of(segmentation_node, segment_id, reader),
        excluded=exclusion(segmentation_node, segment_id),
    )


def _sizes(reading: Reading) -> dict[tuple[str, str], float]:
    """Diameters and volumes of a reading by tracking UID and quantity; of several the one measured last."""
    rows = measurements(patient=reading.patient, time_point=reading.time_point, reader=reading.reader)
    rows = [row for row in rows if row.quantity in ("LONG_AXIS", "VOLUME")]
    return {(row.lesion_uid, row.quantity): row.value for row in sorted(rows, key=lambda row: row.measured_at)}
