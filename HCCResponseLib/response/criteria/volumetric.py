"""Change of the total volume of the targets, whole or viable.

Volume has no agreed limits of response. Those of RECIST 1.1 are carried over to a sphere: 30 % less diameter is 65.7 % less volume
(0.7^3), 20 % more diameter is 72.8 % more volume (1.2^3). The percent changes stand beside the category; exploratory.
"""

import math
from dataclasses import replace

from ..case import Case
from .category import CriterionResult
from .evaluation import evaluate
from .mrecist import select_mrecist_lesions
from .reading import Reading
from .recist import select_recist_lesions
from .size_rule import TOO_SMALL_MM, SizeRule, longest_diameter
from .targets import Selection

__all__ = ["VIABLE_VOLUME", "VOLUME", "volumetric"]

VOLUME = SizeRule(
    "Volume (exploratory)",
    lambda _case, _lesion: ("VOLUME",),
    unit="mL",
    partial_percent=100.0 * (1.0 - 0.7**3),
    progression_percent=100.0 * (1.2**3 - 1.0),
    too_small=math.pi / 6.0 * (TOO_SMALL_MM / 10.0) ** 3,
    what="volume",
)

VIABLE_VOLUME = replace(
    VOLUME,
    name="Viable volume (exploratory)",
    quantities_of=lambda _case, _lesion: ("VIABLE_VOLUME",),
    what="viable volume",
)


def volumetric(case: Case, *, viable: bool = False, reader: str | None = None, selection: Selection | None = None) -> CriterionResult:
    """Assess the total volume of the targets.

    :param viable: volume of viable tumour instead of the whole lesions.
    :param reader: whose measurements; may be left out where there is one reader.
    :param selection: targets, non-targets and new lesions; those of RECIST 1.1 (viable: of mRECIST) if None.
    :raises InputError: several readers and none chosen, examinations not in order of time, or sizes that cannot be.
    """
    rule = VIABLE_VOLUME if viable else VOLUME
    select = select_mrecist_lesions if viable else select_recist_lesions
    reading = Reading.of(case, reader, lambda lesion: rule.quantities_of(case, lesion))
    whole = Reading.of(case, reader, lambda lesion: longest_diameter(case, lesion))
    return evaluate(reading, rule, selection or select(case, reader=reader), new_lesion_reading=whole)
