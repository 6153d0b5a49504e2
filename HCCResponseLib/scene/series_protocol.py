"""With which flip angle, repetition time and times of a dynamic series something was made, and whether they are still the same."""

from .dynamic_series import times_fingerprint
from .flip_angles import flip_angle_deg, repetition_time_s

__all__ = ["SERIES_FLIP_ANGLE", "SERIES_REPETITION_TIME", "SERIES_TIMES", "protocol_change"]

SERIES_FLIP_ANGLE, SERIES_REPETITION_TIME, SERIES_TIMES = "HCC.SeriesFlipAngle", "HCC.SeriesRepetitionTime", "HCC.SeriesTimes"


def protocol_change(node, sequence_node, made: str, again: str) -> str:
    """Return what was changed at a dynamic series since a map or an input was made with it; empty where nothing was.

    :param made: what was done with the series ("measured").
    :param again: what to do then ("compute it again").
    """
    name, series = node.GetName(), sequence_node.GetName()
    for value, attribute, what in (
        (flip_angle_deg(sequence_node), SERIES_FLIP_ANGLE, "flip angle"),
        (repetition_time_s(sequence_node), SERIES_REPETITION_TIME, "repetition time"),
    ):
        kept = node.GetAttribute(attribute)
        if kept and value is not None and f"{value:g}" != kept:
            return f"The {what} of '{series}' is {value:g} now, '{name}' was {made} with {kept}; {again}."
    times = node.GetAttribute(SERIES_TIMES)
    if times and times_fingerprint(sequence_node) != times:
        return f"The times of the images of '{series}' were changed after '{name}' was {made}; {again}."
    return ""
