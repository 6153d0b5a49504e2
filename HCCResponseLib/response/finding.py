"""What people say of a lesion where no number says it: gone, too small, not evaluable, merged, progressing; or to leave it out."""

from dataclasses import dataclass
from enum import StrEnum

from ..errors import InputError

__all__ = ["Exclusion", "Finding", "LesionState"]


class LesionState(StrEnum):
    """State of a lesion in an examination."""

    PRESENT = "present"
    """Seen. Of a non-target: neither gone nor unequivocally progressing."""
    ABSENT = "absent"
    NORMAL_SIGNAL = "normal signal"
    """Bone: the signal of the lesion has become that of normal marrow; counts as gone."""
    NO_ENHANCEMENT = "no arterial enhancement"
    """Seen, but without viable tumour: nothing in it enhances in the arterial phase."""
    TOO_SMALL = "too small to measure"
    NOT_EVALUABLE = "not evaluable"
    PROGRESSION = "unequivocal progression"
    """Of a non-target; only a reader says so."""
    EQUIVOCAL = "equivocal"
    """Of a new lesion: it may be something else; a later examination decides."""
    MERGED = "merged"
    """Measured together with another lesion, which carries the joint diameter."""
    SPLIT = "split"
    """Has become parts, which are lesions of their own (``Lesion.split_from``) and are added up."""


@dataclass(frozen=True)
class Finding:
    """One reader's word on one lesion in one examination. It stands above a measured number.

    :param time_point: index of the examination.
    :param lesion_uid: tracking UID.
    :param state: what was found; text becomes a state.
    :param merged_with: tracking UID of the lesion that carries the joint diameter; only where ``state`` is merged.
    :param reader: who says so; empty where nobody is named.
    :param comment: in the reader's words.
    :raises InputError: the state is not known, or a merged lesion does not say with which.
    """

    time_point: int
    lesion_uid: str
    state: LesionState
    merged_with: str = ""
    reader: str = ""
    comment: str = ""

    def __post_init__(self):
        """Check the fields."""
        if isinstance(self.time_point, bool) or not isinstance(self.time_point, int) or self.time_point < 0:
            raise InputError(f"Finding: the time point must be 0 (baseline), 1, 2, ..., found {self.time_point!r}.")
        if not isinstance(self.state, LesionState):
            try:
                object.__setattr__(self, "state", LesionState(self.state))
            except ValueError:
                raise InputError(f"Finding: '{self.state}' is none of {', '.join(LesionState)}.") from None
        if (self.state is LesionState.MERGED) != bool(self.merged_with):
            raise InputError("Finding: a merged lesion, and only that, names the lesion that it is measured with.")
        if self.merged_with and self.merged_with == self.lesion_uid:
            raise InputError("Finding: a lesion cannot be merged with itself.")


@dataclass(frozen=True)
class Exclusion:
    """A lesion that the user left out of the assessment, and why.

    :raises InputError: there is no reason.
    """

    lesion_uid: str
    reason: str

    def __post_init__(self):
        """Check the reason."""
        if not self.reason.strip():
            raise InputError("A lesion is left out of the assessment for a reason; say which.")
