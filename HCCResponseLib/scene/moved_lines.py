"""Diameter lines that were moved since their row was written: the rows follow."""

from ..response.measurement import Measurement
from .diameter_lines import diameter_lines, line_length_mm, line_lesion_uid, line_quantity, line_was_moved
from .lesion_diameters import update_from_line
from .lesion_identity import segment_of_lesion
from .measurement_rows import Reading
from .measurement_table import measurements
from .proposals import proposal

__all__ = ["update_moved_lines"]

_SAME_MM = 1e-6


def update_moved_lines(segmentation_node, reading: Reading) -> list[Measurement]:
    """Write the rows of a reader's lines that do not lie as their rows say; returns the new rows, none where all agree.

    Lines that are being placed, and those of lesions that are gone or only proposed, are passed over.

    :raises InputError: the measurement table is damaged; the message names the row.
    """
    rows = measurements(patient=reading.patient, time_point=reading.time_point, reader=reading.reader)
    known = {(row.lesion_uid, row.quantity): row for row in rows}
    written = []
    for line_node in diameter_lines(segmentation_node, reader=reading.reader):
        segment_id = segment_of_lesion(segmentation_node, line_lesion_uid(line_node))
        if line_node.GetNumberOfDefinedControlPoints() != 2 or segment_id is None or proposal(segmentation_node, segment_id):
            continue
        row = known.get((line_lesion_uid(line_node), line_quantity(line_node)))
        by_hand = row is not None and "by hand" in row.method
        if row is None or abs(row.value - line_length_mm(line_node)) > _SAME_MM or by_hand != line_was_moved(line_node):
            written.append(update_from_line(line_node, reading))
    return written
