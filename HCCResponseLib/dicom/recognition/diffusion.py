"""Diffusion-weighted series and the maps that scanners make of them.

Scanner-made maps are told by ImageType where it speaks, else by the series description, in the habits of several
vendors and languages. Trace-weighted images (Siemens TRACEW, GE's combined, Philips' isotropic images) are the
geometric mean over directions that an ADC fit wants, so they are source images. ADC, exponential ADC, anisotropy maps
and images computed for a b-value that was not measured are results of a fit and are never fitted again.
"""

import re
from collections import Counter
from enum import StrEnum

from ...response.roles import Role
from ..pulse_sequence import Echo
from ..series import Frame, Series
from .result import Confidence, Recognition

__all__ = ["B0_LIMIT", "FrameKind", "frame_kinds", "is_source", "recognise_diffusion"]

B0_LIMIT = 1.0
"""s/mm2; smaller b-values are labels of b = 0 images (Philips numbers repeated ones 0.001, 0.002 ...).

At b = 1 the signal of free water (3e-3 mm2/s) falls by 0.3 %; real low b-values of perfusion protocols start above.
"""


class FrameKind(StrEnum):
    """What an image of a diffusion examination shows."""

    SOURCE = "source image"
    TRACE = "trace-weighted image"
    ADC = "ADC map"
    EXPONENTIAL_ADC = "exponential ADC map"
    ANISOTROPY = "anisotropy map"
    COMPUTED = "image computed for another b-value"
    COMPONENT = "phase or complex component"


_TYPE_WORDS = {
    FrameKind.ADC: {"ADC", "ADC_MAP", "DIFFUSION_ADC", "ADCMAP"},
    FrameKind.EXPONENTIAL_ADC: {"EADC", "EXP", "EXPONENTIAL", "EXP_ADC", "DIFFUSION_ATTNTD"},
    FrameKind.ANISOTROPY: {"FA", "RA", "VR", "COLFA", "FA_COLOR", "DIFFUSION_ANISO", "TENSOR", "FRACTIONAL_ANISO"},
    FrameKind.COMPUTED: {"CALC_BVALUE", "CALC_BVAL", "CALCULATED_BVALUE", "SYNTHETIC", "CDWI", "COMPUTED_DWI"},
    FrameKind.COMPONENT: {"P", "PHASE", "PHASE MAP", "R", "REAL", "I", "IMAGINARY"},
    FrameKind.TRACE: {"TRACEW", "TRACE", "ISOTROPIC"},
}

_WORD = r"(?<![a-z]){}(?![a-z])"
_DESCRIPTIONS = (
    # order matters: "calculated" beside "ADC" is still computed, "eADC" is not "ADC"
    (FrameKind.COMPUTED, re.compile(r"calc_?b|calculated|computed|synthetic|" + _WORD.format("cdwi") + "|" + _WORD.format("synb?"))),
    (FrameKind.EXPONENTIAL_ADC, re.compile(_WORD.format("d?eadc") + r"|exponential|exponentiel|exponenziell")),
    (
        FrameKind.ADC,
        re.compile(
            _WORD.format("d?adc") + r"|adc(?:map|-?karte|マップ)|apparent diff|" + _WORD.format("cda")
            + r"|coefficients? (?:apparent )?de diffusion|coeficiente de difusi|coefficiente di diffusione|diffusions-?koeffizient",
        ),
    ),
    (FrameKind.ANISOTROPY, re.compile(_WORD.format("(?:col)?fa") + r"|anisotrop")),
    (FrameKind.TRACE, re.compile(r"trace|isotrop")),
)
_NAMES_B_VALUE = re.compile(_WORD.format("b") + r"[ =_-]?\d{2,}")
_DIFFUSION_WORDS = re.compile(r"dwi|diff(?!er)|difus|dti|ivim|tracew|dw[_ -]?epi|拡散|弥散|扩散")


def is_source(kind: FrameKind) -> bool:
    """Tell whether an ADC fit may use images of this kind."""
    return kind in {FrameKind.SOURCE, FrameKind.TRACE}


def frame_kinds(series: Series) -> tuple[FrameKind, ...]:
    """Tell for every frame what it shows."""
    description = series.description.casefold()
    named = next((kind for kind, words in _DESCRIPTIONS if words.search(description)), None)
    several = len({max(b, B0_LIMIT) for b in series.b_values}) > 1
    measured = _NAMES_B_VALUE.search(description) is not None

    def kind_of(frame: Frame) -> FrameKind:
        words = set(frame.image_type[2:])
        by_type = next((kind for kind, known in _TYPE_WORDS.items() if words & known), None)
        if by_type is not None:
            return by_type
        original = frame.image_type[:1] == ("ORIGINAL",)
        if named is FrameKind.COMPUTED and not original:
            return named
        # A map has one b-value label at most, and original images called "DWI b800 + ADC" are images all the same:
        # there the description is the name of a protocol.
        if named is not None and not is_source(named) and not several and not (original and measured):
            return named
        if frame.directionality == "ISOTROPIC" or (named is FrameKind.TRACE and frame.gradient_direction is None):
            return FrameKind.TRACE
        return FrameKind.SOURCE

    return tuple(kind_of(frame) for frame in series.frames)


def recognise_diffusion(series: Series) -> Recognition | None:
    """Recognise source images (DWI), scanner-made ADC maps (ADC) and other scanner-made maps of diffusion (DIFFUSION_MAP).

    :return: None where nothing speaks of diffusion.
    """
    kinds = Counter(frame_kinds(series))
    sources = sum(count for kind, count in kinds.items() if is_source(kind))
    weighted = [b for b in series.b_values if b > B0_LIMIT]
    named = bool(_DIFFUSION_WORDS.search(series.description.casefold())) or any("DIFFUSION" in f.image_type for f in series.frames)
    # without b-values a name is no more than a hint, and no one weights 3D or FLASH gradient echoes by diffusion
    if sources and (weighted or (named and series.pulse_sequence.echo is not Echo.GRADIENT)):
        values = ", ".join(f"{b:g}" for b in ([0.0] if any(b <= B0_LIMIT for b in series.b_values) else []) + weighted)
        what = "trace-weighted images" if kinds[FrameKind.TRACE] == sources else "source images"
        reason = f"Diffusion-weighted {what}, b = {values} s/mm2." if values else "Named as diffusion, but without b-values in its headers."
        others = [f"{count} x {kind}" for kind, count in kinds.items() if not is_source(kind)]
        reason += f" It also holds {', '.join(others)}." if others else ""
        return Recognition(Role.DWI, reason, (series,), Confidence.SURE if values else Confidence.DOUBTFUL)
    if not sources:
        kind = kinds.most_common(1)[0][0]
        if kind is FrameKind.ADC:
            return Recognition(Role.ADC, "An ADC map made by the scanner (image type or series description).", (series,))
        # "FA 15" is a flip angle and "synthetic T1" no diffusion image: these words count beside other signs of diffusion only
        if kind is FrameKind.EXPONENTIAL_ADC or (kind is not FrameKind.COMPONENT and (weighted or named)):
            return Recognition(Role.DIFFUSION_MAP, f"Made by the scanner: {kind} (image type or series description).", (series,))
    return None
