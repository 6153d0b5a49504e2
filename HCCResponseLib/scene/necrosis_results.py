"""The necrosis of a lesion in words, kept in the scene, and against the examination before."""

import math

from ..errors import InputError
from ..response.measurement import Measurement
from .lesion_diameters import measure_viable_diameters
from .lesion_identity import lesion_identity
from .lesion_necrosis import LesionNecrosis, compare_necrosis
from .linked_segments import linked_segments
from .measured_outlines import outline_fingerprint
from .measurement_rows import Reading, reading_of, rows_of
from .outline_display import set_outline_display
from .volumes import ijk_to_world

__all__ = ["keep_result", "kept_fraction", "prepared_from", "result_sentences", "trend_sentences"]

_QUANTITIES = {
    "subtraction": ("{:.0f} above the signal before contrast", 1.0),
    "relative enhancement": ("{:.0f} % enhancement", 100.0),
}
"""How a threshold is said, and the factor of its value there; of others it is a signal."""


def prepared_from(segmentation_node, segment_id: str, pre_node, post_node) -> tuple:
    """Return what tells whether a prepared lesion is still that of the scene: outline, images and where they lie."""
    images = [node for node in (pre_node, post_node, segmentation_node) if node is not None]
    seen = []
    for node in images:
        data = node.GetImageData() if node.IsA("vtkMRMLVolumeNode") else None
        place = ijk_to_world(node).tobytes() if data is not None else b""
        seen.append((node.GetID(), data.GetMTime() if data is not None else 0, place))
    return (*seen, segment_id, outline_fingerprint(segmentation_node, segment_id))


def result_sentences(threshold, result) -> list[str]:
    """Return the numbers of a divided lesion, a line each.

    :param threshold: one of :mod:`HCCResponseLib.lesions.necrosis_threshold`.
    :param result: :class:`~HCCResponseLib.lesions.necrosis.NecrosisResult`.
    """
    words, factor = _QUANTITIES.get(threshold.quantity, ("a signal of {:.0f}", 1.0))
    at = words.format(factor * threshold.value)
    lines = [
        f"Tumour {result.tumour_ml:.2f} mL = viable {result.viable_ml:.2f} + necrotic {result.necrotic_ml:.2f} mL"
        + (f" + not told {result.untold_ml:.2f} mL" if result.untold_ml else ""),
        f"Necrotic part {100 * result.necrotic_fraction:.1f} %, class {result.score.label}"
        + (f", {result.pattern.value}" if result.necrotic_ml else ""),
        f"Viable: more than {at}",
    ]
    if result.haemorrhagic_ml is not None:
        bright = f"; viable tumour that was bright too: {result.bright_viable_ml:.2f} mL" if result.bright_viable_ml else ""
        lines.insert(2, f"Haemorrhagic: {result.haemorrhagic_ml:.2f} mL of the necrosis{bright}")
    return [*lines, *result.warnings]


def kept_fraction(segmentation_node, segment_id: str | None, reader: str) -> float | None:
    """Return NV/TV of a lesion as the measurement table holds it for a reader; None where nothing is kept."""
    if segment_id is None:
        return None
    try:
        reading = reading_of(segmentation_node, reader)
    except InputError:
        return None
    rows = [row for row in _rows(segmentation_node, segment_id, reading) if not math.isnan(row.value)]
    return max(rows, key=lambda row: row.measured_at).value if rows else None


def trend_sentences(segmentation_node, segment_id: str, reader: str) -> list[str]:
    """Return how the necrosis of a lesion changed since the examination before, as kept; nothing where one of the two is missing."""
    try:
        reading = reading_of(segmentation_node, reader)
        if reading.time_point == 0:
            return []
        change, caution = compare_necrosis(segmentation_node, segment_id, reading, reading.time_point - 1)
    except InputError:
        return []
    return [change.sentence, *([caution.sentence] if caution is not None and caution.caution else [])]


def keep_result(prepared: LesionNecrosis, result, segmentation_node, segment_id: str, reading: Reading) -> list[str]:
    """Keep the parts of a divided lesion, their numbers and the diameters of the viable part.

    :return: what the reader should know, a sentence each.
    :raises InputError: see :meth:`.lesion_necrosis.LesionNecrosis.apply`; nothing is changed then.
    """
    prepared.apply(result, reading)
    uid = lesion_identity(segmentation_node, segment_id).uid
    set_outline_display(segmentation_node, *linked_segments(segmentation_node, uid))
    measure_viable_diameters(segmentation_node, segment_id, reading)
    return list(result.warnings)


def _rows(segmentation_node, segment_id: str, reading: Reading) -> list[Measurement]:
    return rows_of(segmentation_node, segment_id, reading, quantity="NECROTIC_FRACTION")
