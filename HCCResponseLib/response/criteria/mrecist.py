"""mRECIST for hepatocellular carcinoma (Lencioni & Llovet, Semin Liver Dis 2010;30:52).

The limits of RECIST 1.1 on the longest diameter of viable tumour, that is of what enhances in the arterial phase. CR: no arterial
enhancement in any target. The paper sets no absolute minimum for progression; that of RECIST 1.1, 5 mm, is kept here, because 20 % of
a small viable rim is within what readers differ by, and a note says where it decides. Lymph nodes are measured by their short axis;
bone lesions are no targets, as in RECIST; any other lesion outside the liver whose viable part nobody measured counts with its whole
diameter. A new nodule in the liver counts from 10 mm with typical enhancement, or once it has grown by 10 mm; then from its first
sighting on. A node of the porta hepatis is malignant from 20 mm.
"""

import math
from dataclasses import replace

from ..case import Case, Lesion
from .category import Assessment, Category, CriterionResult
from .evaluation import evaluate
from .limits import at_least, show, show_change
from .new_lesions import NewLesionRule, Verdict
from .reading import Reading
from .recist import bone_obstacle, with_continuing_response
from .size_rule import NORMAL_NODE_MM, SizeRule, longest_diameter
from .targets import SMALLEST_NODE_MM, Selection, TargetRule, select_lesions

__all__ = ["MRECIST", "mrecist", "new_nodule", "select_mrecist_lesions", "target_rule", "viable_diameter"]

PORTA_HEPATIS_NODE_MM = 20.0
NEW_NODULE_MM = 10.0
NEW_NODULE_GROWTH_MM = 10.0


def viable_diameter(case: Case, lesion: Lesion) -> tuple[str, ...]:
    """Viable diameter; short axis of lymph nodes; long axis outside the liver where no viable part was ever measured."""
    if lesion.lymph_node:
        return ("SHORT_AXIS",)
    if _in_liver(lesion) or case.find(lesion_uid=lesion.uid, quantity="VIABLE_DIAMETER"):
        return ("VIABLE_DIAMETER",)
    return ("LONG_AXIS",)


MRECIST = SizeRule("mRECIST", viable_diameter, progression_absolute=5.0, what="viable sum")


def _in_liver(lesion: Lesion) -> bool:
    return lesion.organ.strip().casefold() == "liver"


def _obstacle(lesion: Lesion) -> str:
    if lesion.ill_defined:
        return "infiltrative or ill-defined"
    return "tumour thrombus" if lesion.tumour_thrombus else bone_obstacle(lesion)


def _normal_node_mm(lesion: Lesion) -> float:
    return PORTA_HEPATIS_NODE_MM if lesion.porta_hepatis else NORMAL_NODE_MM


def target_rule(case: Case) -> TargetRule:
    """Return when a lesion may be a target: 10 mm of viable tumour, well delineated, whether it was treated before or not."""
    return TargetRule(
        lambda lesion: viable_diameter(case, lesion),
        _obstacle,
        lambda lesion: PORTA_HEPATIS_NODE_MM if lesion.porta_hepatis else SMALLEST_NODE_MM,
        _normal_node_mm,
    )


def select_mrecist_lesions(case: Case, *, reader: str | None = None) -> Selection:
    """Return targets, non-targets and new lesions: as the user chose, and as mRECIST proposes where he did not."""
    return select_lesions(case, target_rule(case), reader=reader)


def new_nodule(lesion: Lesion, sizes: list[float]) -> Verdict:
    """Say whether a new lesion counts: a nodule in the liver by size, enhancement and growth, any other as in RECIST.

    :param sizes: its long axes in mm, in order of time.
    """
    if not _in_liver(lesion):
        return Verdict(True)
    if not sizes:
        return Verdict(None, "its long axis was not measured")
    growth = max(after - before for position, before in enumerate(sizes) for after in sizes[position:])
    large = at_least(max(sizes), NEW_NODULE_MM)
    if at_least(growth, NEW_NODULE_GROWTH_MM) or (large and lesion.typical_enhancement):
        return Verdict(True)
    largest = show(max(sizes), "mm", NEW_NODULE_MM)
    if not large:
        return Verdict(False, f"{largest}, under {NEW_NODULE_MM:g} mm")
    if lesion.typical_enhancement is None:
        return Verdict(None, f"{largest}; say whether it enhances as typical of hepatocellular carcinoma")
    return Verdict(False, f"{largest} without typical enhancement, and it has not grown by {NEW_NODULE_GROWTH_MM:g} mm")


def mrecist(case: Case, *, reader: str | None = None, selection: Selection | None = None) -> CriterionResult:
    """Assess a case by mRECIST.

    :param reader: whose measurements; may be left out where there is one reader.
    :param selection: targets, non-targets and new lesions; :func:`select_mrecist_lesions` if None.
    :raises InputError: several readers and none chosen, examinations not in order of time, or sizes that cannot be.
    """
    selection = selection or select_mrecist_lesions(case, reader=reader)
    reading = Reading.of(case, reader, lambda lesion: viable_diameter(case, lesion))
    whole = Reading.of(case, reader, lambda lesion: longest_diameter(case, lesion))
    result = evaluate(reading, MRECIST, selection, new_lesion_rule=NewLesionRule(_normal_node_mm, new_nodule), new_lesion_reading=whole)
    result = replace(result, assessments=tuple(map(_with_small_growth, result.assessments)))
    return with_continuing_response(result)


def _with_small_growth(one: Assessment) -> Assessment:
    """Note where the 5 mm, which the paper does not have, keep growth from being progression."""
    growth = one.numbers.get("change_from_nadir_percent", math.nan)
    if one.target not in (Category.SD, Category.PR) or not at_least(growth, MRECIST.progression_percent):
        return one
    note = (
        f"The viable sum is {show_change(growth, MRECIST.progression_percent)} over the nadir, but less than the "
        f"{MRECIST.progression_absolute:g} mm of RECIST 1.1, which are kept here; Lencioni and Llovet (2010) name no such minimum and "
        "would call it progression."
    )
    return replace(one, notes=(*one.notes, note))
