"""WHO (Miller et al., Cancer 1981;47:207): sum of the products of the two diameters of the whole lesions.

CR: all gone. PR: at least 50 % under the baseline. PD: more than 25 % over the nadir, or a new lesion, or unequivocal progression of
non-targets. Exactly +25 % is stable, as HCC studies print the limit (Riaz et al., J Hepatol 2011;54:695, table 1), and it is asked of
the sum; the handbook asks it of "one or more" lesions.
"""

from ..case import Case
from .category import CriterionResult
from .evaluation import evaluate
from .reading import Reading
from .recist import select_recist_lesions
from .size_rule import TOO_SMALL_MM, SizeRule, longest_diameter, product_of_diameters
from .targets import Selection

__all__ = ["WHO", "who"]

WHO = SizeRule(
    "WHO",
    product_of_diameters,
    unit="mm²",
    partial_percent=50.0,
    progression_percent=25.0,
    progression_includes_limit=False,
    too_small=TOO_SMALL_MM**2,
    what="sum of products",
)


def who(case: Case, *, reader: str | None = None, selection: Selection | None = None) -> CriterionResult:
    """Assess a case by the WHO criteria.

    :param reader: whose measurements; may be left out where there is one reader.
    :param selection: targets, non-targets and new lesions; those of RECIST 1.1 if None.
    :raises InputError: several readers and none chosen, examinations not in order of time, or sizes that cannot be.
    """
    selection = selection or select_recist_lesions(case, reader=reader)
    reading = Reading.of(case, reader, lambda lesion: product_of_diameters(case, lesion))
    whole = Reading.of(case, reader, lambda lesion: longest_diameter(case, lesion))
    return evaluate(reading, WHO, selection, new_lesion_reading=whole)
