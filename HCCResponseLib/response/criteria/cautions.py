"""What makes a number of a lesion mean something else than it seems to: flags with their sentences; the user decides.

Growth with new or increasing necrosis may be pseudoprogression (Horger et al.); ADC with a risen T1 grade is confounded by haemorrhage;
small, treated, ill-defined and confluent lesions may be left out. Lesions that the user left out already raise none.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from ...lesions.necrosis_trend import GrowthCaution, growth_caution, necrosis_trend
from ..case import Case, Lesion
from ..change import nadir, percent_change
from ..finding import LesionState
from ..measurement import MeasurementKey
from .category import keys_of
from .functional_change import LesionChange
from .reading import Reading
from .timeline import examination_label, timeline

__all__ = ["Caution", "CautionKind", "exclusion_cautions", "haemorrhage_cautions", "necrotic_growth_cautions"]


class CautionKind(StrEnum):
    """Kind of a caution."""

    NECROTIC_GROWTH = "growth is necrotic"
    PARTLY_NECROTIC_GROWTH = "growth is necrotic only in part"
    """Viable tumour has grown above the limit as well: no pseudoprogression."""
    HAEMORRHAGE = "haemorrhage may confound ADC"
    EXCLUSION = "may be left out"


@dataclass(frozen=True)
class Caution:
    """A flag for a lesion, in one examination or (None) in all of them.

    :param sentence: why, with the numbers.
    :param measurements: keys of the rows used.
    """

    kind: CautionKind
    lesion: Lesion
    time_point: int | None
    sentence: str
    measurements: tuple[MeasurementKey, ...] = ()


def necrotic_growth_cautions(case: Case, *, reader: str | None = None) -> tuple[Caution, ...]:
    """Flag lesions that grew by more than 20 % in volume or diameter while necrosis is new or increased.

    Growth and necrosis are taken against the same examination: the baseline, and the one in which the lesion was smallest.

    :raises InputError: several readers and none chosen, or examinations not in order of time.
    """
    sizes = {name: Reading.of(case, reader, lambda _lesion, key=key: (key,)) for name, key in _GROWTH.items()}
    necrosis = Reading.of(case, reader, lambda _lesion: ("NECROTIC_FRACTION",))
    indices = [one.index for one in timeline(case)]
    found = []
    for lesion in (one for one in case.lesions if not case.exclusion(one.uid)):
        for position, index in enumerate(indices[1:], start=1):
            for reference in _references(sizes, lesion, indices[:position]):
                caution, keys = _growth(sizes, necrosis, lesion, reference, index)
                if caution is not None and caution.caution:
                    name, label = necrosis.name(lesion.uid), examination_label(case, index)
                    sentence = f"{name} at {label} against {examination_label(case, reference)}: {caution.sentence}"
                    kind = CautionKind.PARTLY_NECROTIC_GROWTH if caution.viable_grows else CautionKind.NECROTIC_GROWTH
                    found.append(Caution(kind, lesion, index, sentence, keys))
                    break
    return tuple(found)


_GROWTH = {"volume": "VOLUME", "diameter": "LONG_AXIS"}


def _value(reading: Reading, lesion: Lesion, index: int, quantity: str) -> float:
    row = reading.row(lesion.uid, index, quantity)
    return math.nan if row is None else row.value


def _references(sizes: dict[str, Reading], lesion: Lesion, earlier: list[int]) -> list[int]:
    """The baseline, and the examinations with the smallest volume and diameter before; each once."""
    found = [index for index in earlier if index == 0]
    for name, key in _GROWTH.items():
        values = [_value(sizes[name], lesion, index, key) for index in earlier]
        if any(not math.isnan(one) for one in values):
            found.append(earlier[nadir(values)[0]])
    return list(dict.fromkeys(found))


def _growth(
    sizes: dict[str, Reading],
    necrosis: Reading,
    lesion: Lesion,
    reference: int,
    index: int,
) -> tuple[GrowthCaution | None, tuple[MeasurementKey, ...]]:
    rows = [necrosis.row(lesion.uid, at, "NECROTIC_FRACTION") for at in (reference, index)]
    if any(row is None or not 0.0 <= row.value <= 1.0 for row in rows):
        return None, ()
    growth = {}
    for name, key in _GROWTH.items():
        before, after = (_value(sizes[name], lesion, at, key) for at in (reference, index))
        percent = percent_change(before, after) if before > 0.0 else math.nan
        growth[name] = None if math.isnan(percent) else percent
        rows += [sizes[name].row(lesion.uid, at, key) for at in (reference, index) if growth[name] is not None]
    if all(one is None for one in growth.values()):
        return None, ()
    trend = necrosis_trend(rows[1].value, rows[0].value).trend
    caution = growth_caution(
        trend,
        volume_growth_percent=growth["volume"],
        diameter_growth_percent=growth["diameter"],
        fractions=(rows[0].value, rows[1].value),
    )
    return caution, keys_of(tuple(rows))


def haemorrhage_cautions(changes: tuple[LesionChange, ...]) -> tuple[Caution, ...]:
    """Flag the ADC of lesions whose T1 grade rose above that of the baseline.

    :param changes: of the ADC, from :func:`.functional_change.adc_changes`.
    """
    return tuple(
        Caution(CautionKind.HAEMORRHAGE, one.lesion, one.time_point, one.reason.removeprefix(f"{one.category}: "), one.measurements)
        for one in changes
        if one.category is not None and one.t1_grades and one.t1_grades[1] > one.t1_grades[0]
    )


def exclusion_cautions(case: Case, *, reader: str | None = None) -> tuple[Caution, ...]:
    """Flag lesions that may be left out: small, stable and unproven; treated before; ill-defined; confluent.

    :raises InputError: several readers and none chosen, or examinations not in order of time.
    """
    # SciPy is behind it; loaded only when a case is assessed.
    from ...lesions.exclusions import ExclusionFlag, ExclusionReason, exclusion_flags

    diameters = Reading.of(case, reader, lambda _lesion: ("LONG_AXIS",))
    found = []
    for lesion in (one for one in case.lesions if not case.exclusion(one.uid)):
        rows = [diameters.row(lesion.uid, one.index, "LONG_AXIS") for one in timeline(case)]
        rows = [row for row in rows if row is not None and row.value >= 0.0]
        merged = [
            diameters.name(finding.merged_with if finding.lesion_uid == lesion.uid else finding.lesion_uid)
            for finding in diameters.findings.values()
            if finding.state is LesionState.MERGED and lesion.uid in (finding.lesion_uid, finding.merged_with)
        ]
        flags = list(
            exclusion_flags(
                diameters_mm=[row.value for row in rows],
                proven=lesion.proven,
                previous_treatment="locally, before this therapy" if lesion.previously_treated else "",
                confluent_with=tuple(dict.fromkeys(merged)),
            ),
        )
        if lesion.ill_defined:
            flags.append(ExclusionFlag(ExclusionReason.ILL_DEFINED, "Ill-defined, as the reader says."))
        for flag in flags:
            used = keys_of(tuple(rows)) if flag.reason is ExclusionReason.SMALL_AND_STABLE else ()
            found.append(Caution(CautionKind.EXCLUSION, lesion, None, f"{diameters.name(lesion.uid)}: {flag.sentence}", used))
    return tuple(found)
