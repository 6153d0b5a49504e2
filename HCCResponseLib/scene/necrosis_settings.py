"""How necrosis is told from viable tumour: the choices of a panel, and the threshold that they give a lesion."""

from dataclasses import dataclass

from ..errors import InputError
from ..response.region_types import RegionType

__all__ = ["HALF", "METHODS", "PHASE", "REFERENCE", "RELATIVE", "NecrosisSettings", "divide_lesion", "threshold_of"]

HALF, REFERENCE, RELATIVE, PHASE = "half", "reference", "relative", "phase"
METHODS = (HALF, REFERENCE, RELATIVE, PHASE)


@dataclass(frozen=True)
class NecrosisSettings:
    """Choices for :class:`.lesion_necrosis.LesionNecrosis`.

    :param method: "half" (of what viable tumour enhances by), "reference" (mean + k SD of a reference region), "relative"
        (percent enhancement) or "phase" (signal after contrast).
    :param region_type: the reference region.
    :param k: standard deviations above the reference's mean.
    :param percent: relative enhancement.
    :param signal: on one phase.
    :param haemorrhage_k: necrosis brighter before contrast than the reference's mean + so many SD is haemorrhagic; None: not told.
    :param rim_layers: voxel layers whose own signal is not trusted.
    :param median: replace each value by the median over its neighbours in the slice.
    :param smallest_island_ml: smaller islands join what is around them.
    """

    method: str = HALF
    region_type: RegionType = RegionType.LIVER_REFERENCE
    k: float = 2.0
    percent: float = 20.0
    signal: float = 0.0
    haemorrhage_k: float | None = 3.0
    rim_layers: int = 0
    median: bool = True
    smallest_island_ml: float = 0.02


def threshold_of(lesion, settings: NecrosisSettings):
    """Return the threshold of a prepared lesion.

    :param lesion: :class:`.lesion_necrosis.LesionNecrosis`.
    :raises InputError: an image or the reference region that the method needs is missing.
    """
    from ..lesions.necrosis_threshold import PhaseThreshold, ReferenceThreshold, RelativeThreshold

    if settings.method == HALF:
        return lesion.half_enhancement(settings.region_type)
    if settings.method == REFERENCE:
        return ReferenceThreshold(lesion.measure_reference(settings.region_type), settings.k)
    if settings.method == RELATIVE:
        return RelativeThreshold(settings.percent)
    if settings.method == PHASE:
        return PhaseThreshold(settings.signal)
    raise InputError(f"'{settings.method}' is no way to tell necrosis; known are {', '.join(METHODS)}.")


def divide_lesion(lesion, settings: NecrosisSettings):
    """Divide a prepared lesion into its parts, for showing or applying.

    :return: the threshold, and the :class:`~HCCResponseLib.lesions.necrosis.NecrosisResult`.
    :raises InputError: see :func:`threshold_of` and :meth:`.lesion_necrosis.LesionNecrosis.classify`.
    """
    from ..lesions.necrosis_threshold import ReferenceThreshold

    threshold = threshold_of(lesion, settings)
    haemorrhage = None
    if settings.haemorrhage_k is not None:
        before = lesion.measure_reference(settings.region_type, before_contrast=True)
        haemorrhage = ReferenceThreshold(before, settings.haemorrhage_k)
    return threshold, lesion.classify(threshold, haemorrhage=haemorrhage, smallest_island_ml=settings.smallest_island_ml)
