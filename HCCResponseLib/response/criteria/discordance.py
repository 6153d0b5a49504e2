"""Where criteria disagree: said in one sentence, with the necrosis that may explain it.

"RECIST 1.1 PD (+45 %), mRECIST PR (-62 %), necrosis <25 -> >75 %: growth is necrotic, possible pseudoprogression."
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
    :param cautions: those of necrotic growth are told too.
    :raises InputError: several readers and none chosen.
    """
    targets = tuple(targets)
    growing = {one.time_point for one in cautions if one.kind is CautionKind.NECROTIC_GROWTH}
    found = []
    for index in (one.index for one in case.time_points):
        spoken = [one for result in results if (one := result.at(index)) is not None and one.category not in _MUTE]
        categories = {one.criterion: one.category for one in spoken}
        if len(set(categories.values())) < 2:
            continue
        necrosis = _necrosis(case, targets, index, reader)
        clauses = [_said(one) for one in spoken]
        if necrosis:
            before, now = (f"{one.label}" for one in necrosis)
            clauses.append(f"necrosis {before} -> {now}" + (" %" if necrosis[1] else ""))
        opposite = Category.PD in categories.values() and any(one.is_response for one in categories.values())
        reason = ", ".join(clauses)
        if index in growing and Category.PD in categories.values():
            reason += ": growth is necrotic, possible pseudoprogression"
        elif opposite:
            reason += ": the criteria contradict each other"
        else:
            reason += ": the criteria differ"
        found.append(Discordance(index, categories, opposite, necrosis, reason + "."))
    return tuple(found)


def _said(one: Assessment) -> str:
    change = "" if math.isnan(one.change_percent) else f" ({show_change(one.change_percent)})"
    return f"{one.criterion} {one.category}{change}"


def _necrosis(case: Case, targets: tuple[Lesion, ...], index: int, reader: str | None) -> tuple[NecrosisScore, NecrosisScore] | None:
    if not targets:
        return None
    fractions = [total_necrotic_fraction(case, targets, at, reader=reader) for at in (0, index)]
    if not all(0.0 <= one <= 1.0 for one in fractions):
        return None
    return necrosis_score(fractions[0]), necrosis_score(fractions[1])
