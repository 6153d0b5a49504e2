"""In which examinations a lesion is seen."""

from ..case import Case, Lesion
from ..finding import LesionState
from .reading import Reading

__all__ = ["first_sighting", "sightings"]

_SIZES = ("LONG_AXIS", "SHORT_AXIS", "VIABLE_DIAMETER", "VIABLE_SHORT_AXIS", "VOLUME")
_NOT_SEEN = (LesionState.ABSENT, LesionState.NORMAL_SIGNAL, LesionState.NOT_EVALUABLE)


def sightings(case: Case, reading: Reading, lesion: Lesion) -> dict[int, bool]:
    """Return the examinations that show a lesion, and whether it is beyond doubt there (False: the reader calls it equivocal).

    The reader's word counts; without it, any size above 0 that he or the program measured.
    """
    measured = {
        row.time_point
        for quantity in _SIZES
        for row in case.find(lesion_uid=lesion.uid, quantity=quantity)
        if row.reader in (reading.reader, "") and row.value > 0.0
    }
    found = {}
    for index in (one.index for one in case.time_points):
        state = reading.state(lesion.uid, index)
        if (state is None and index in measured) or (state is not None and state not in _NOT_SEEN):
            found[index] = state is not LesionState.EQUIVOCAL
    return found


def first_sighting(case: Case, reading: Reading, lesion: Lesion) -> int | None:
    """Return the first examination that shows a lesion, or None."""
    return min(sightings(case, reading, lesion), default=None)
