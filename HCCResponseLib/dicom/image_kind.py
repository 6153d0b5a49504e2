"""What an image shows that is no diffusion image: signals, water or fat of a Dixon method, a difference, a map, a view of a volume."""

import re
from collections import defaultdict
from dataclasses import replace
from enum import StrEnum

from .series import Frame, Series

__all__ = ["ImageKind", "image_kinds", "split_series"]

SAME_ECHO_S = 1e-4
"""Echo times nearer to each other than this are one."""


class ImageKind(StrEnum):
    """What an image shows."""

    SIGNAL = "signal"
    WATER = "water"
    FAT = "fat"
    IN_PHASE = "in phase"
    OPPOSED_PHASE = "opposed phase"
    SUBTRACTION = "subtraction"
    T1_MAP = "T1 map"
    MAP = "map made by the scanner"
    COMPONENT = "phase or complex component"
    VIEW = "projection or reformatted view"


_TYPE_WORDS = (
    (ImageKind.SUBTRACTION, {"SUB", "SUBTRACT", "SUBTRACTED", "SUBTRACTION", "DIFFERENCE"}),
    (ImageKind.T1_MAP, {"T1 MAP", "T1_MAP", "T1MAP"}),
    (
        ImageKind.MAP,
        {
            "MAP", "T2 MAP", "T2_MAP", "T2MAP", "T2_STAR", "T2_STAR MAP", "T2STAR", "T2STAR_MAP", "R2_STAR", "R2_STAR MAP", "R2STAR",
            "R2STAR_MAP", "R2 MAP", "FF", "FAT_FRACTION", "FATFRACTION", "PDFF", "WATER_FRACTION", "B0 MAP", "B0_MAP", "B1 MAP", "B1_MAP",
            "B1", "TTP", "PEI", "PBP", "WI", "WO", "KTRANS", "KEP", "IAUC", "STIFFNESS", "ELASTOGRAM", "WAVE", "CONFIDENCE",
        },
    ),
    (ImageKind.COMPONENT, {"P", "PHASE", "PHASE MAP", "R", "REAL", "I", "IMAGINARY"}),
    (
        ImageKind.VIEW,
        {
            "MPR", "MIP", "MINIP", "MIN_IP", "PROJECTION IMAGE", "CSA MPR", "CSA MIP", "CSA RESAMPLED", "CPR", "SCREEN SAVE", "SCREENSAVE",
            "COMPOSED",
        },
    ),
    (ImageKind.WATER, {"W", "WATER"}),
    (ImageKind.FAT, {"F", "FAT"}),
    (ImageKind.IN_PHASE, {"IP", "IN_PHASE", "IN PHASE", "INPHASE"}),
    (
        ImageKind.OPPOSED_PHASE,
        {"OP", "OPP_PHASE", "OPP PHASE", "OPPOSED_PHASE", "OPPOSED", "OUT_PHASE", "OUT PHASE", "OUTPHASE", "OUT_OF_PHASE", "OUT OF PHASE"},
    ),
)
"""Values of ImageType after the second, of Siemens, GE (DIXON), Philips (W, F, IP, OP), United Imaging and Canon."""

_DIXON = r"(?:dixon|flex|ideal|disco|wfi|wfop|fatsep).*[ _-]"
_DESCRIPTIONS = (
    (
        ImageKind.SUBTRACTION,
        re.compile(r"(?<![a-z])subs?(?![a-z])|subtra[ck]|soustra[ci]|sottra|sustra|substra[ck]|差分|減算|减影|サブトラ"),
    ),
    (ImageKind.WATER, re.compile(r"^water\s*:|" + _DIXON + r"w(?:ater)?(?![a-z])")),
    (ImageKind.FAT, re.compile(r"^fat\s*:|" + _DIXON + r"f(?:at)?(?![a-z]|[ _-]?(?:sat|sup))")),
    (ImageKind.IN_PHASE, re.compile(r"^in ?phase\s*:|" + _DIXON + r"in(?![a-z])")),
    (ImageKind.OPPOSED_PHASE, re.compile(r"^out ?phase\s*:|" + _DIXON + r"(?:opp?|out)(?![a-z])")),
)
_DESCRIPTIONS_OF_DERIVED = (
    (ImageKind.T1_MAP, re.compile(r"t1[ _-]?(?:map|kart)|(?:carte|mapa|mappa|cartographie) (?:de )?t1")),
    (ImageKind.MAP, re.compile(r"fat[ _-]?fraction|pdff|r2\*|r2star|t2\*? ?map|b1[ _-]?map|elastogra|stiffness|ktrans|time to peak")),
    (ImageKind.VIEW, re.compile(r"(?<![a-z])(?:min?ip|mip|mpr|screen ?(?:save|shot)|collage)(?![a-z])")),
)
"""Words that, in the name of original images, belong to a protocol ("VFA for T1 map")."""


def image_kinds(series: Series) -> tuple[ImageKind, ...]:
    """Tell for every frame what it shows: by ImageType where that speaks, else by the series description."""
    description = series.description.casefold()
    named = next((kind for kind, words in _DESCRIPTIONS if words.search(description)), None)
    derived = next((kind for kind, words in _DESCRIPTIONS_OF_DERIVED if words.search(description)), None)

    def kind_of(frame: Frame) -> ImageKind:
        words = set(frame.image_type[2:])
        by_type = next((kind for kind, known in _TYPE_WORDS if words & known), None)
        if by_type is not None:
            return by_type
        if named is not None:
            return named
        return derived if derived is not None and frame.image_type[:1] != ("ORIGINAL",) else ImageKind.SIGNAL

    return tuple(kind_of(frame) for frame in series.frames)


def split_series(series: Series) -> tuple[Series, ...]:
    """Take apart what scanners put into one series: the kinds of a Dixon method, the two echoes of an in- and opposed-phase pair.

    Three or more echoes are left together: they were measured to be fitted.

    :return: the series itself where all its images are of one kind; else its parts, in the order of their first images, each a
        series whose label names the part.
    """
    groups: dict[tuple, list[Frame]] = defaultdict(list)
    kinds = image_kinds(series)
    echoes = _echoes(frame for frame, kind in zip(series.frames, kinds, strict=True) if kind is ImageKind.SIGNAL)
    for frame, kind in zip(series.frames, kinds, strict=True):
        echo = None
        if len(echoes) == 2 and kind is ImageKind.SIGNAL and frame.echo_time_s is not None:
            echo = min(echoes, key=lambda known: abs(known - frame.echo_time_s))
        groups[kind, echo].append(frame)
    if len(groups) == 1:
        return (series,)
    return tuple(
        replace(series, frames=tuple(frames), part=", ".join(filter(None, (series.part, _part(kind, echo)))))
        for (kind, echo), frames in groups.items()
    )


def _echoes(frames) -> list[float]:
    """Different echo times, ascending."""
    distinct: list[float] = []
    for time in sorted({frame.echo_time_s for frame in frames if frame.echo_time_s is not None}):
        if not distinct or time - distinct[-1] > SAME_ECHO_S:
            distinct.append(time)
    return distinct


def _part(kind: ImageKind, echo: float | None) -> str:
    return str(kind) if echo is None else f"TE {echo * 1e3:.3g} ms"
