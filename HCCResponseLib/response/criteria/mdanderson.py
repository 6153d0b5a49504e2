"""MD Anderson criteria for bone, as used for bone metastases of hepatocellular carcinoma (Lee, Yoo et al., Sci Rep 2021;11:10459).

Sum over the bone lesions of the two perpendicular diameters, multiplied (the default) or added; every sentence says which. CR: the
signal has become normal. PR: at least 50 % under the baseline. PD: at least 25 % over the nadir, or a new lesion. Else SD.
"""

from dataclasses import replace
from enum import Enum

from ..case import Case, Lesion, LesionKind
from .category import CriterionResult
from .evaluation import evaluate
from .reading import Reading
from .recist import select_recist_lesions
from .size_rule import TOO_SMALL_MM, SizeRule, longest_diameter, product_of_diameters
from .targets import LesionChoice, Selection

__all__ = ["MD_ANDERSON_PRODUCTS", "MD_ANDERSON_SUMS", "BoneMeasure", "mdanderson"]

MD_ANDERSON_PRODUCTS = SizeRule(
    "MD Anderson (bone)",
    product_of_diameters,
    unit="mm²",
    partial_percent=50.0,
    progression_percent=25.0,
    too_small=TOO_SMALL_MM**2,
    what="sum of products",
)

MD_ANDERSON_SUMS = replace(MD_ANDERSON_PRODUCTS, combine=sum, unit="mm", too_small=2.0 * TOO_SMALL_MM, what="sum of both diameters")


class BoneMeasure(Enum):
    """What becomes of the two diameters of a lesion."""

    PRODUCT = "product"
    SUM = "sum"


def _is_bone(lesion: Lesion) -> bool:
    return lesion.organ.strip().casefold() == "bone"


def mdanderson(
    case: Case,
    *,
    measure: BoneMeasure = BoneMeasure.PRODUCT,
    reader: str | None = None,
    selection: Selection | None = None,
) -> CriterionResult:
    """Assess the bone lesions of a case; all of the baseline are measured, be they targets of another criterion or not.

    :param measure: product or sum of the two diameters.
    :param reader: whose measurements; may be left out where there is one reader.
    :param selection: which lesions are new; that of RECIST 1.1 if None.
    :raises InputError: several readers and none chosen, examinations not in order of time, or sizes that cannot be.
    """

    def bone_only(choice: LesionChoice) -> LesionChoice | None:
        if not _is_bone(choice.lesion):
            return None
        return replace(choice, kind=LesionKind.TARGET) if choice.kind is LesionKind.NON_TARGET else choice

    selection = selection or select_recist_lesions(case, reader=reader)
    bone = replace(selection.restricted(bone_only), notes=())
    rule = MD_ANDERSON_PRODUCTS if measure is BoneMeasure.PRODUCT else MD_ANDERSON_SUMS
    reading = Reading.of(case, reader, lambda lesion: product_of_diameters(case, lesion) if _is_bone(lesion) else ())
    whole = Reading.of(case, reader, lambda lesion: longest_diameter(case, lesion) if _is_bone(lesion) else ())
    return evaluate(reading, rule, bone, new_lesion_reading=whole)
