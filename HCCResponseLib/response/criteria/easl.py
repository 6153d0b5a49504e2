"""EASL (Bruix et al., J Hepatol 2001;35:421): sum of the products of the two diameters of enhancing tumour.

CR: nothing enhances. PR: at least 50 % under the baseline. PD: more than 25 % over the nadir, or enhancement again in a treated
lesion, or a new lesion, or unequivocal progression of non-targets. Exactly +25 % is stable, as HCC studies print the limit (Riaz et al.,
J Hepatol 2011;54:695, table 1).
"""

import math

from ..case import Case, Lesion
from ..finding import LesionState
from .category import CriterionResult
from .evaluation import evaluate
from .lesion_size import measure_lesions
from .mrecist import select_mrecist_lesions, viable_diameter
from .reading import Reading
from .size_rule import TOO_SMALL_MM, SizeRule, is_viable, longest_diameter, product_of_diameters
from .targets import Selection
from .timeline import examination_label

__all__ = ["EASL", "easl", "enhancing_product"]


def enhancing_product(case: Case, lesion: Lesion) -> tuple[str, ...]:
    """Viable diameter and its perpendicular; whole diameters of what mRECIST measures whole."""
    if viable_diameter(case, lesion) == ("VIABLE_DIAMETER",):
        return ("VIABLE_DIAMETER", "VIABLE_SHORT_AXIS")
    return product_of_diameters(case, lesion)


EASL = SizeRule(
    "EASL",
    enhancing_product,
    unit="mm²",
    partial_percent=50.0,
    progression_percent=25.0,
    progression_includes_limit=False,
    too_small=TOO_SMALL_MM**2,
    what="sum of enhancing products",
)


def easl(case: Case, *, reader: str | None = None, selection: Selection | None = None) -> CriterionResult:
    """Assess a case by the EASL criteria.

    :param reader: whose measurements; may be left out where there is one reader.
    :param selection: targets, non-targets and new lesions; those of mRECIST if None.
    :raises InputError: several readers and none chosen, examinations not in order of time, or sizes that cannot be.
    """
    selection = selection or select_mrecist_lesions(case, reader=reader)
    reading = Reading.of(case, reader, lambda lesion: enhancing_product(case, lesion))
    whole = Reading.of(case, reader, lambda lesion: longest_diameter(case, lesion))

    def enhancing_again(reading: Reading, index: int) -> str:
        """Clause on treated lesions in which something enhances that did not in an earlier examination."""
        earlier = [one.index for one in case.time_points if one.index < index]
        found = []
        for lesion in selection.targets + tuple(one for one in selection.non_targets if one.previously_treated):
            if _enhancing(reading, lesion, index) > 0.0:
                dark = [one for one in earlier if _enhancing(reading, lesion, one) == 0.0]
                if dark:
                    found.append(f"{reading.name(lesion.uid)} enhances again, with nothing at {examination_label(case, dark[-1])}")
        return "; ".join(found)

    return evaluate(reading, EASL, selection, new_lesion_reading=whole, other_progression=enhancing_again)


def _enhancing(reading: Reading, lesion: Lesion, index: int) -> float:
    """Enhancing product of a lesion with its parts; NaN where it is not known, merged with another, or measured whole."""
    if not is_viable(enhancing_product(reading.case, lesion)) or reading.state(lesion.uid, index) is LesionState.MERGED:
        return math.nan
    return math.fsum(one.value for one in measure_lesions(reading, EASL, (lesion,), index))
