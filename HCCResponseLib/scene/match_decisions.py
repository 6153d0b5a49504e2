"""A reader's word on all lesions of two examinations at once: for every later lesion which earlier one it is, and what became of
the earlier ones that are none of them.
"""

from dataclasses import dataclass, field

from ..errors import InputError
from .findings import set_finding
from .lesion_matching import apply_match
from .measurement_rows import Reading
from .time_points import study_of
from .undo import all_or_nothing

__all__ = ["MatchWord", "apply_word", "proposed_word"]


@dataclass
class MatchWord:
    """Who is who.

    :param origin: tracking UID of each later lesion -> that of the earlier one that it is or is a piece of; empty for a new one;
        None for not decided.
    :param fate: tracking UID of each earlier lesion that no later one is -> that of the later one that it merged into; empty for
        gone; None for not decided.
    """

    origin: dict[str, str | None] = field(default_factory=dict)
    fate: dict[str, str | None] = field(default_factory=dict)


def proposed_word(matching) -> MatchWord:
    """Return what a matching (:func:`.lesion_matching.match_lesions`) proposes, decisions included.

    Lesions that are unclear are left undecided: the reader sorts them.
    """
    word = MatchWord()
    for match in matching.matches:
        if match.kind in ("same", "split", "merged"):
            word.origin |= dict.fromkeys(match.after, match.before[0])
            word.fate |= dict.fromkeys(match.before[1:], match.after[0])
        else:
            nothing = None if match.kind == "unclear" else ""
            word.origin |= dict.fromkeys(match.after, nothing)
            word.fate |= dict.fromkeys(match.before, nothing)
    return word


def apply_word(matching, word: MatchWord, before_segmentation, after_segmentation, reading: Reading) -> list[str]:
    """Write a reader's word into the later examination: identities, new lesions, and findings of those gone, merged or split.

    :param reading: the later examination, with the name of the reader.
    :return: what each group of lesions is: "same", "new", "vanished", "merged" or "split".
    :raises InputError: no reader, a lesion merged into one that is new, or see :func:`.lesion_matching.apply_match`; nothing is
        changed then.
    """
    if not reading.reader:
        raise InputError("Say who reads first: a match is somebody's word.")
    kinds = []
    with all_or_nothing(before_segmentation, after_segmentation):
        for before, after in _groups(word):
            matching = matching.decide(before, after, reading.reader)
            match = next(one for one in matching.matches if one.decided_by and (one.before, one.after) == (before, after))
            carrier = before[0] if before else None
            for finding in apply_match(match, before_segmentation, after_segmentation, reading, carrier=carrier):
                set_finding(study_of(after_segmentation), finding)
            kinds.append(match.kind)
    return kinds


def _groups(word: MatchWord) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Earlier and later lesions that belong together; the earlier one that carries the identity comes first."""
    groups: dict[str, list[str]] = {}
    found = []
    for after, before in word.origin.items():
        if before:
            groups.setdefault(before, []).append(after)
        elif before is not None:
            found.append(((), (after,)))
    merged: dict[str, list[str]] = {}
    for before, after in word.fate.items():
        if after is None or before in groups:
            continue  # not decided, or a later lesion is this one after all
        if not after:
            found.append(((before,), ()))
        elif not word.origin.get(after):
            raise InputError("A lesion can only merge with one that was there before; say which earlier lesion the merged one is.")
        else:
            merged.setdefault(word.origin[after], []).append(before)
    for before, after in groups.items():
        others = merged.get(before, [])
        if others and len(after) > 1:
            raise InputError("Several earlier and several later lesions cannot be one match; sort them into pairs first.")
        found.append(((before, *others), tuple(after)))
    return found
