"""Necrosis of a lesion, as a threshold or as drawn parts tell it, as a result."""

import re
from collections.abc import Mapping

from ...errors import InputError
from ...lesions.alignment import AlignmentCheck
from ...lesions.necrosis import NecrosisResult
from ...lesions.necrosis_score import necrosis_score
from ...lesions.necrosis_threshold import PhaseThreshold
from ..region_types import RegionType
from .method import method_text
from .result import ProcedureResult

__all__ = ["PARTS_AS_DRAWN", "PROCEDURE", "alignment_words", "necrosis_result", "parts_result", "settings_difference"]

PROCEDURE = "Necrosis"
PARTS_AS_DRAWN = "parts as drawn"


def necrosis_result(found: NecrosisResult, *, alignment: str | None = None, outside: Mapping[str, str] | None = None) -> ProcedureResult:
    """Volumes of the parts, NV/TV and its score.

    :param alignment: of the images before and after contrast, from :func:`alignment_words`; None where only one was used.
    :param outside: what of the lesion lies beyond the image, as a setting.
    """
    settings = {
        **found.parameters,
        "pattern": found.pattern.value,
        "voxels_left_out": found.rejected_voxels + found.rim_voxels,
        "alignment": alignment,
        **(outside or {}),
    }
    values = _values(found.tumour_ml, found.necrotic_ml, found.viable_ml, found.haemorrhagic_ml)
    return ProcedureResult(values, method_text(PROCEDURE, found.method, settings))


def parts_result(
    tumour_ml: float,
    drawn_ml: Mapping[RegionType, float],
    *,
    outside: Mapping[str, str] | None = None,
    name: str = "The lesion",
) -> ProcedureResult:
    """The same of parts that were drawn or corrected by hand.

    What no part covers is what was not drawn: where there is no viable part, viable; where there is a viable but no necrotic one,
    necrotic, also beside a haemorrhagic part. Where both were drawn it is neither.

    :param tumour_ml: volume of the whole lesion.
    :param drawn_ml: volume inside the lesion of each part that was drawn, 0 where it is empty.
    :param name: what to call the lesion in a message.
    :raises InputError: neither a viable nor a necrotic part was drawn, or nothing of them lies inside the lesion.
    """
    if RegionType.VIABLE not in drawn_ml and RegionType.NECROTIC not in drawn_ml:
        raise InputError(f"{name} has no viable or necrotic part yet; measure the necrosis, or draw a part, first.")
    haemorrhagic = drawn_ml.get(RegionType.HAEMORRHAGIC)
    if RegionType.NECROTIC in drawn_ml:
        necrotic = drawn_ml[RegionType.NECROTIC] + (haemorrhagic or 0.0)
    else:
        necrotic = tumour_ml - drawn_ml[RegionType.VIABLE]
    viable = drawn_ml.get(RegionType.VIABLE, tumour_ml - necrotic)
    if not necrotic + viable > 0.0:
        raise InputError(f"{name}: no part of it lies inside its outline; correct the parts.")
    return ProcedureResult(_values(tumour_ml, necrotic, viable, haemorrhagic), method_text(PROCEDURE, PARTS_AS_DRAWN, outside))


def settings_difference(method: str, other: str) -> str:
    """Say in which settings two measurements of necrosis differ ("rim layers 1 and 0"); empty where they are comparable.

    What the images themselves gave (a reference's signal, the alignment) is no setting.
    """
    first, second = (_settings(one) for one in (method, other))
    names = [name for name in {**first, **second} if first.get(name) != second.get(name)]
    return ", ".join(f"{name} {first.get(name, 'not used')} and {second.get(name, 'not used')}" for name in names)


_FOUND = re.compile(
    r"^(haemorrhage )?(value|reference mean|reference sd|reference voxels)$|^(viable enhancement|pattern|voxels left out|alignment|"
    r"outside the image)$",
)
"""What a method text says of the images rather than of the settings."""

_ONE_PHASE = PhaseThreshold(0.0).parameters["threshold"]


def _settings(method: str) -> dict[str, str]:
    how, *rest = method.partition(": ")[2].split(", ")
    settings = dict(part.split(" = ", 1) for part in rest if " = " in part)
    # The signal that a reader sets as the threshold of one phase is a setting; other thresholds take theirs from the images.
    set_by_hand = {"value"} if settings.get("threshold") == _ONE_PHASE else set()
    return {"method": how} | {name: value for name, value in settings.items() if name in set_by_hand or not _FOUND.match(name)}


def alignment_words(check: AlignmentCheck | None) -> str:
    """Say how far two images lie apart; None: they have no edges to compare."""
    if check is None or not check.clear:
        return "not told"
    return f"{check.shift_mm:.1f} mm apart" + ("" if check.aligned else ", not aligned")


def _values(tumour_ml: float, necrotic_ml: float, viable_ml: float, haemorrhagic_ml: float | None) -> dict[str, float]:
    told = necrotic_ml + viable_ml
    fraction = necrotic_ml / told
    values = {
        "COUNTED_VOLUME": tumour_ml,
        "NECROTIC_VOLUME": necrotic_ml,
        "VIABLE_VOLUME": viable_ml,
        "NECROTIC_FRACTION": fraction,
        "NECROSIS_SCORE": float(necrosis_score(fraction)),
    }
    if haemorrhagic_ml is not None:
        values |= {"HAEMORRHAGIC_VOLUME": haemorrhagic_ml, "HAEMORRHAGIC_FRACTION": haemorrhagic_ml / told}
    return values
