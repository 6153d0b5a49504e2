"""Non-targets: gone, still there, or unequivocally progressing; only a reader says the last (RECIST 1.1).

What is there again after a complete response is progression. Not so a lymph node: it has come back only where a reader says that it
progresses (EORTC, RECIST 1.1 questions and clarifications, abnormal lymph node).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ..case import Lesion
from ..finding import LesionState
from ..measurement import Measurement
from .category import Category
from .lesion_size import measure_lesions
from .reading import Reading
from .size_rule import SizeRule, is_viable

__all__ = ["NonTargets", "assess_non_targets"]


@dataclass(frozen=True)
class NonTargets:
    """Response of the non-targets in one examination.

    :param category: None where there are none.
    :param reason: clause for the sentence; empty where there is nothing to say.
    :param rows: measurements used.
    """

    category: Category | None
    reason: str = ""
    rows: tuple[Measurement, ...] = ()


def assess_non_targets(
    reading: Reading,
    rule: SizeRule,
    lesions: Iterable[Lesion],
    time_point: int,
    *,
    after_complete_response: bool = False,
) -> NonTargets:
    """Assess the non-targets by the reader's word, and by their size where he said nothing.

    :param after_complete_response: an earlier examination was a complete response: what is there again is progression, but for nodes.
    """
    present, back, unknown, progressing = [], [], [], []
    rows: list[Measurement] = []
    lesions = tuple(lesions)
    for lesion in lesions:
        name, state = reading.name(lesion.uid), reading.state(lesion.uid, time_point)
        if state is LesionState.PROGRESSION:
            progressing.append(name)
            continue
        # "No arterial enhancement" is the end of a lesion only where viable tumour is measured; else it is there.
        whole = not is_viable(rule.quantities_of(reading.case, lesion))
        if state in (LesionState.PRESENT, LesionState.EQUIVOCAL) or (state is LesionState.NO_ENHANCEMENT and whole):
            present.append(name)
            back += [] if lesion.lymph_node else [name]
            continue
        sizes = measure_lesions(reading, rule, (lesion,), time_point)
        rows += [row for one in sizes for row in one.rows]
        if any(not one.gone and not math.isnan(one.value) for one in sizes):
            present.append(name)
            back += [] if lesion.lymph_node else [name]
        elif any(math.isnan(one.value) for one in sizes):
            unknown.append(name)
    rows = tuple(rows)
    if progressing:
        who = f", says reader {reading.reader}" if reading.reader else ""
        return NonTargets(Category.PD, f"unequivocal progression of non-target {' and '.join(progressing)}{who}", rows)
    if present and after_complete_response:
        again = f"{'is' if len(back or present) == 1 else 'are'} there again after complete response"
        if back:
            return NonTargets(Category.PD, f"non-target {' and '.join(back)} {again}", rows)
        clause = f"non-target lymph node {' and '.join(present)} {again}, no progression unless a reader says so"
        return NonTargets(Category.NON_CR_NON_PD, clause, rows)
    if present:
        return NonTargets(Category.NON_CR_NON_PD, f"non-target {' and '.join(present)} still present", rows)
    if unknown:
        return NonTargets(Category.NE, f"non-target {' and '.join(unknown)} not evaluated", rows)
    if lesions:
        return NonTargets(Category.CR, "all non-targets gone", rows)
    return NonTargets(None)
