"""Diameters of lesions: measured by the software, shown as lines, moved by the reader, kept as rows."""

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import InputError
from ..response.measurement import Measurement
from ..response.region_types import RegionType
from ..response.rows import ProcedureResult, diameter_result, drawn_line_text, nothing_viable, viable_diameter_result
from ..response.rows.diameters import PROCEDURES, VIABLE, WHOLE
from .diameter_lines import (
    READER_ATTRIBUTE,
    add_diameter_line,
    diameter_lines,
    line_length_mm,
    line_lesion_uid,
    line_method,
    line_quantity,
    line_segmentation,
    line_was_moved,
    remove_line,
)
from .lesion_identity import lesion_identity, segment_of_lesion
from .linked_segments import linked_segment
from .measured_outlines import remember_outlines
from .measurement_rows import Reading, write_result, write_rows
from .segment_masks import is_empty, reference_volume, segment_on_own_grid
from .segment_tags import require_segment

__all__ = ["DrawnDiameters", "measure_diameters", "measure_viable_diameters", "update_from_line"]


@dataclass(frozen=True)
class DrawnDiameters:
    """Diameters of a lesion as they stand in the scene and in the table.

    :param rows: of the measurement table.
    :param lines: line nodes, the long axis first; none where there is nothing to measure.
    :param measured: :class:`~HCCResponseLib.lesions.diameters.PlanarDiameters` found by the software; None where the reader's
        lines were kept, or nothing is viable.
    """

    rows: tuple[Measurement, ...]
    lines: tuple
    measured: object | None


def measure_diameters(
    segmentation_node,
    segment_id: str,
    reading: Reading,
    *,
    plane: str = "acquisition",
    replace_moved: bool = False,
    volume_node=None,
    table_node=None,
) -> DrawnDiameters:
    """Measure the longest in-plane diameter of a whole lesion and its longest perpendicular, as lines and rows.

    Lines that this reader moved or drew are kept, both of them, and measured as they lie.

    :param plane: "acquisition" (the slices that the lesion is outlined on) or "axial".
    :param replace_moved: put the software's lines in place of the reader's.
    :param volume_node: grid for a lesion kept as a surface.
    :raises InputError: the lesion is empty, or only a proposal; nothing is changed then.
    :raises GeometryError: a parent transform is not linear.
    """
    from ..lesions.diameters import measure_diameters as measure

    def measured():
        return measure(*segment_on_own_grid(segmentation_node, segment_id, volume_node), plane=plane)

    return _draw(segmentation_node, segment_id, reading, diameter_result, measured, segment_id, replace_moved, volume_node, table_node)


def measure_viable_diameters(
    segmentation_node,
    segment_id: str,
    reading: Reading,
    *,
    plane: str = "acquisition",
    gap_mm: float | None = None,
    replace_moved: bool = False,
    volume_node=None,
    table_node=None,
) -> DrawnDiameters:
    """Measure the longest diameter of a lesion's viable part that crosses no major necrosis (mRECIST), and its perpendicular.

    A viable part that is there and empty is 0 mm: nothing viable is left.

    :param gap_mm: longest stretch of necrosis that a line may cross; None: two voxels in the plane.
    :raises InputError: the viable part was neither computed nor drawn, or see :func:`measure_diameters`.
    :raises GeometryError: a parent transform is not linear.
    """
    from ..lesions.diameters import measure_viable_diameters as measure

    segment = require_segment(segmentation_node, segment_id)
    identity = lesion_identity(segmentation_node, segment_id)
    part_id = linked_segment(segmentation_node, identity.uid, RegionType.VIABLE) if identity else None
    if part_id is None:
        raise InputError(f"Lesion '{segment.GetName()}' has no viable part yet; measure its necrosis, or draw the part, first.")
    if is_empty(segmentation_node, part_id):
        source = [volume_node or reference_volume(segmentation_node)]
        options = dict(source_nodes=source, outline_ids=[part_id], table_node=table_node)
        rows = write_result(segmentation_node, segment_id, nothing_viable(), reading, **options)
        for line_node in diameter_lines(segmentation_node, identity.uid, *VIABLE, reader=reading.reader):
            remove_line(line_node)
        return DrawnDiameters(tuple(rows), (), None)

    def measured():
        return measure(*segment_on_own_grid(segmentation_node, part_id, volume_node), plane=plane, gap_mm=gap_mm)

    return _draw(segmentation_node, segment_id, reading, viable_diameter_result, measured, part_id, replace_moved, volume_node, table_node)


def update_from_line(line_node, reading: Reading, *, table_node=None) -> Measurement:
    """Take a diameter from its line as it lies now, and say in the row whether the reader moved or drew it.

    A line that was moved becomes the reader's; one that lies where the software put it is the software's again.

    :raises InputError: it is no line of a lesion, its segment is gone, or it does not have two ends; nothing is changed then.
    """
    segmentation_node, uid = line_segmentation(line_node), line_lesion_uid(line_node)
    segment_id = segment_of_lesion(segmentation_node, uid) if segmentation_node is not None and uid else None
    quantity = line_quantity(line_node)
    if segment_id is None or quantity not in PROCEDURES:
        raise InputError(f"Line '{line_node.GetName()}' belongs to no lesion; attach it to one first.")
    method = line_method(line_node)
    if not method or line_was_moved(line_node):
        method = drawn_line_text(quantity, moved=bool(method))
    row = write_rows(
        segmentation_node,
        segment_id,
        {quantity: line_length_mm(line_node)},
        reading,
        method,
        source_nodes=[reference_volume(segmentation_node)],
        partial=True,
        table_node=table_node,
    )[0]
    line_node.SetAttribute(READER_ATTRIBUTE, reading.reader)
    return row


def _draw(
    segmentation_node,
    segment_id: str,
    reading: Reading,
    result_of: Callable[[object], ProcedureResult],
    measure: Callable[[], object],
    outline_id: str,
    replace_moved: bool,
    volume_node,
    table_node,
) -> DrawnDiameters:
    quantities = WHOLE if result_of is diameter_result else VIABLE
    identity = lesion_identity(segmentation_node, segment_id)
    lines = diameter_lines(segmentation_node, identity.uid, *quantities, reader=reading.reader) if identity else []
    lines.sort(key=lambda line_node: quantities.index(line_quantity(line_node)))
    if not replace_moved and any(line_was_moved(line_node) for line_node in lines):
        rows = [update_from_line(line_node, reading, table_node=table_node) for line_node in lines]
        # The reader left the lines as they are for this outline.
        remember_outlines(segmentation_node, segment_id, PROCEDURES[quantities[0]], reading.reader, [outline_id])
        return DrawnDiameters(tuple(rows), tuple(lines), None)
    measured = measure()
    result = result_of(measured)
    rows = write_result(
        segmentation_node,
        segment_id,
        result,
        reading,
        source_nodes=[volume_node or reference_volume(segmentation_node)],
        outline_ids=[outline_id],
        table_node=table_node,
    )
    for line_node in lines:
        remove_line(line_node)
    found = dict(zip(quantities, (measured.long_axis, measured.short_axis), strict=True))
    new = [
        add_diameter_line(
            segmentation_node, segment_id, quantity, diameter.start_lps, diameter.end_lps, reader=reading.reader, method=result.method,
        )
        for quantity, diameter in found.items()
    ]
    return DrawnDiameters(tuple(rows), tuple(new), measured)
