"""Where criteria disagree: said in one sentence, with the necrosis that may explain it.

"RECIST 1.1 PD (+45 %), mRECIST PR (-62 %), necrosis <25 -> >75 %: growth is necrotic, possible pseudoprogression."

That is said only where nothing but the size of whole targets makes the progression: not of a new lesion, of a non-target, or where
viable tumour progresses too.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...lesions.necrosis_score import NecrosisScore, necrosis_score
from ..case import Case, Lesion
from .category import Assessment, Category, CriterionResult
from .cautions import Caution, CautionKind
from .limits import show_change
from .reading import Reading

__all__ = ["Discordance", "find_discordances", "total_necrotic_fraction"]

_MUTE = (Category.NE, Category.BASELINE)
_VIABLE = ("mRECIST", "EASL")
_WHOLE = ("RECIST 1.1", "WHO")
_RANKS = {Category.CR: 0, Category.PR: 1, Category.SD: 2, Category.NON_CR_NON_PD: 2, Category.PD: 3}


@dataclass(frozen=True)
class Discordance:
    """Criteria that disagree in one examination.

    :param categories: by criterion, those that could be evaluated.
    :param opposite: one says progression, another response.
    :param necrosis: classes of the necrotic part of all targets, at baseline and now; None where it is not known.
    :param reason: one sentence.
    """

    time_point: int
    categories: dict[str, Category]
    opposite: bool
    necrosis: tuple[NecrosisScore, NecrosisScore] | None
    reason: str


def total_necrotic_fraction(case: Case, lesions: Iterable[Lesion], time_point: int, *, reader: str | None = None) -> float:
    """Return the necrotic part of several lesions together, 0 to 1: their NV/TV weighted with their volumes.

    NaN where one of them is not known; one lesion alone needs no volume.
    """
    lesions = list(lesions)
    necrosis = Reading.of(case, reader, lambda _lesion: ("NECROTIC_FRACTION",))
    volumes = Reading.of(case, reader, lambda _lesion: ("VOLUME",))

    def value(reading: Reading, lesion: Lesion, quantity: str) -> float:
        row = reading.row(lesion.uid, time_point, quantity)
        return math.nan if row is None else row.value

    fractions = [value(necrosis, one, "NECROTIC_FRACTION") for one in lesions]
    weights = [1.0] if len(lesions) == 1 else [value(volumes, one, "VOLUME") for one in lesions]
    total = math.fsum(weights)
    # A lesion that is gone has no necrosis and weighs nothing.
    parts = [0.0 if weight == 0.0 else fraction * weight for fraction, weight in zip(fractions, weights, strict=True)]
    return math.fsum(parts) / total if total > 0.0 else math.nan


def find_discordances(
    case: Case,
    results: Sequence[CriterionResult],
    *,
    targets: Iterable[Lesion] = (),
    cautions: Iterable[Caution] = (),
    reader: str | None = None,
) -> tuple[Discordance, ...]:
    """Return the examinations in which criteria give different categories.

    :param results: of the criteria to compare.
    :param targets: lesions whose necrosis is told.
    :param cautions: those of necrotic growth of the targets are told too.
    :raises InputError: several readers and none chosen.
    """
    targets = tuple(targets)
    target_uids = {one.uid for one in targets}
    growing: dict[int, set[CautionKind]] = {}
    for one in cautions:
        if one.lesion.uid in target_uids and one.time_point is not None:
            growing.setdefault(one.time_point, set()).add(one.kind)
    found = []
    for index in (one.index for one in case.time_points):
        spoken = [one for result in results if (one := result.at(index)) is not None and one.category not in _MUTE]
        categories = {one.criterion: one.category for one in spoken}
        if len(set(categories.values())) < 2:
            continue
        necrosis = _necrosis(case, targets, index, reader)
        clauses = [_said(one) for one in spoken]
        if necrosis:
            clauses.append(_course(*necrosis))
        opposite = Category.PD in categories.values() and any(one.is_response for one in categories.values())
        if _is_necrotic_growth(spoken, growing.get(index, set())):
            why = "growth is necrotic, possible pseudoprogression"
        elif opposite:
            why = "the criteria contradict each other"
        else:
            why = _difference(categories)
        found.append(Discordance(index, categories, opposite, necrosis, f"{', '.join(clauses)}: {why}."))
    return tuple(found)


def _said(one: Assessment) -> str:
    """A criterion with what decided: the change, or what is no change of the targets."""
    if one.category is Category.PD and one.target is not Category.PD:
        why = "new lesion" if one.new_lesions else "non-target" if one.non_target is Category.PD else ""
    elif math.isnan(one.change_percent):
        why = ""
    else:
        why = show_change(one.change_percent)
        # The nadir is mostly the baseline.
        if one.target is Category.PD and one.numbers.get("nadir_time_point", 0.0) > 0.0:
            why += " over the nadir"
    return f"{one.criterion} {one.category}" + (f" ({why})" if why else "")


def _course(before: NecrosisScore, now: NecrosisScore) -> str:
    """Classes of necrosis at baseline and now."""
    if before == now:
        return f"necrosis {now.label} % as at baseline" if now else "no necrosis"
    return f"necrosis {before.label} -> {now.label}" + (" %" if now else "")


def _is_necrotic_growth(spoken: Sequence[Assessment], kinds: set[CautionKind]) -> bool:
    progressing = [one for one in spoken if one.category is Category.PD]
    by_growth = all(one.target is Category.PD and one.non_target is not Category.PD and not one.new_lesions for one in progressing)
    viable = any(one.criterion in _VIABLE for one in progressing) or CautionKind.PARTLY_NECROTIC_GROWTH in kinds
    return bool(progressing) and by_growth and not viable and CautionKind.NECROTIC_GROWTH in kinds


def _difference(categories: dict[str, Category]) -> str:
    """In what criteria differ that do not contradict each other: what they measure, whole lesions or viable tumour."""
    whole, viable = ([_RANKS[category] for name, category in categories.items() if name in group] for group in (_WHOLE, _VIABLE))
    if whole and viable:
        if max(viable) < min(whole):
            return "viable tumour responds better than the whole lesions show"
        if min(viable) > max(whole):
            return "viable tumour responds worse than the whole lesions show"
    return "the criteria differ"


def _necrosis(case: Case, targets: tuple[Lesion, ...], index: int, reader: str | None) -> tuple[NecrosisScore, NecrosisScore] | None:
    if not targets:
        return None
    fractions = [total_necrotic_fraction(case, targets, at, reader=reader) for at in (0, index)]
    if not all(0.0 <= one <= 1.0 for one in fractions):
        return None
    return necrosis_score(fractions[0]), necrosis_score(fractions[1])
