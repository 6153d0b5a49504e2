"""The weighting of a series of signal images, from its pulse sequence; the series description only fills gaps.

Spin echoes of 50 ms and more are T2-weighted, gradient echoes of up to 10 ms T1-weighted. Whether a gradient echo without fat
suppression is in or opposed phase follows from echo time and field strength.
"""

from dataclasses import dataclass

import numpy as np

from ...response.roles import Role
from ..image_kind import ImageKind, image_kinds
from ..pulse_sequence import Echo
from ..series import Series
from .fat_water import FatWater, fat_water
from .hints import names_fat_suppression, names_localizer
from .result import Confidence, Recognition

__all__ = ["Physics", "physics_of", "recognise_weighting"]

T2_ECHO_S = 0.05
T1_ECHO_S = 0.03
T1_REPETITION_S = 1.2
MRCP_ECHO_S = 0.25
"""Above, only fluid is left: cholangiography."""

LATE_GRADIENT_ECHO_S = 0.01
"""Above, a gradient echo is weighted by T2*."""

GRADIENT_REPETITION_S = 0.05
"""No spin echo repeats faster."""

SINGLE_SHOT_TRAIN = 50
"""Turbo spin echoes of the liver have 8 to 40 echoes; a slice read in one shot has 50 and more."""

STIR_S = (0.11, 0.26)
"""Inversion times that null fat: T1 of fat 230 to 380 ms (1.5 to 3 T) times ln 2."""


@dataclass(frozen=True)
class Physics:
    """What was measured, in numbers; None where the headers do not tell.

    :param echo: what refocuses the signal, told or inferred from the times.
    :param told: the echo was told.
    :param fat_suppressed: by a pulse, by inversion or as the water image of a Dixon method.
    :param suppression_told: by more than the series description.
    """

    kind: ImageKind
    echo: Echo
    told: bool
    echo_time_s: float | None
    repetition_time_s: float | None
    inversion_time_s: float | None
    flip_angle_deg: float | None
    volumetric: bool | None
    fat_suppressed: bool
    suppression_told: bool

    def __str__(self):
        """Say it as a radiographer would, beginning a sentence."""
        dimension = {True: "3D ", False: "2D "}.get(self.volumetric, "")
        water = "water image of a " if self.kind is ImageKind.WATER else ""
        after = ", fat-suppressed" if self.fat_suppressed and not water else ""
        numbers = [
            f"{name} {_digits(value * factor)}{unit}"
            for name, value, factor, unit in (
                ("TE", self.echo_time_s, 1e3, " ms"),
                ("TR", self.repetition_time_s, 1e3, " ms"),
                ("TI", self.inversion_time_s, 1e3, " ms"),
                ("flip angle", self.flip_angle_deg, 1, "°"),
            )
            if value
        ]
        text = f"{water}{dimension}{self.echo}{after} ({', '.join(numbers)})"
        return text[0].upper() + text[1:]


def physics_of(series: Series) -> Physics:
    """Read the physics of a series whose images are of one kind."""
    sequence = series.pulse_sequence
    kind = image_kinds(series)[0]
    times = {name: _usual(series, name) for name in ("echo_time_s", "repetition_time_s", "inversion_time_s", "flip_angle_deg")}
    echo = sequence.echo
    if echo is Echo.UNKNOWN and times["repetition_time_s"]:
        if times["repetition_time_s"] < GRADIENT_REPETITION_S:
            echo = Echo.GRADIENT
        elif (times["echo_time_s"] or 0) >= T2_ECHO_S:
            echo = Echo.SPIN
    stir = echo is not Echo.GRADIENT and STIR_S[0] <= (times["inversion_time_s"] or 0) <= STIR_S[1]
    told = bool(sequence.fat_suppressed) or stir or kind is ImageKind.WATER
    named = sequence.fat_suppressed is None and names_fat_suppression(f"{series.description} {series.protocol}")
    return Physics(
        kind=kind, echo=echo, told=sequence.echo is not Echo.UNKNOWN, volumetric=sequence.volumetric,
        fat_suppressed=told or named, suppression_told=told, **times,
    )


def recognise_weighting(series: Series) -> Recognition:
    """Recognise a series whose images are of one kind and no diffusion images; dynamic phases are not told apart here."""
    physics = physics_of(series)
    role, reason, confidence = _by_kind(physics) or _by_place(series) or _by_echo(series, physics)
    return Recognition(role, reason, (series,), confidence)


def _by_kind(physics: Physics) -> tuple[Role | None, str, Confidence] | None:
    if physics.kind is ImageKind.SUBTRACTION:
        return Role.SUBTRACTION, "A difference of two images (image type or series description).", Confidence.SURE
    if physics.kind is ImageKind.T1_MAP:
        return Role.T1_MAP, "A T1 map made by the scanner (image type or series description).", Confidence.SURE
    if physics.kind in {ImageKind.FAT, ImageKind.MAP, ImageKind.COMPONENT, ImageKind.VIEW}:
        return None, f"Not used: {physics.kind} (image type or series description).", Confidence.SURE
    return None


def _by_place(series: Series) -> tuple[None, str, Confidence] | None:
    cosines = np.array([f.row_direction_lps + f.column_direction_lps for f in series.frames if f.row_direction_lps is not None])
    if len(cosines) and np.abs(cosines - cosines[0]).max() > 0.1:
        return None, "Images of several orientations: a localizer.", Confidence.SURE
    if names_localizer(series.description):
        return None, "Named as a localizer or calibration.", Confidence.LIKELY
    return None


def _by_echo(series: Series, physics: Physics) -> tuple[Role | None, str, Confidence]:
    echo_time, repetition_time = physics.echo_time_s, physics.repetition_time_s
    if not echo_time:
        return None, "The headers do not tell the echo time, so the weighting is not known.", Confidence.SURE
    likely = Confidence.SURE if physics.told else Confidence.LIKELY
    suppressed = likely if physics.suppression_told or not physics.fat_suppressed else Confidence.LIKELY
    if physics.echo is Echo.PLANAR:
        return None, f"{physics}, without diffusion weighting.", likely
    if physics.echo is Echo.GRADIENT:
        return _gradient_echo(series, physics, likely, suppressed)
    if physics.echo is Echo.UNKNOWN:
        return None, f"{physics}.", Confidence.SURE
    if physics.kind is ImageKind.SIGNAL and len(_echo_times(series)) > 2:
        return None, f"{physics}, with {len(_echo_times(series))} echo times, for T2.", likely
    if echo_time >= MRCP_ECHO_S:
        return None, f"{physics}: only fluid shows (cholangiography).", likely
    train = series.pulse_sequence.echo_train_length or 0
    if echo_time >= T2_ECHO_S and (series.pulse_sequence.single_shot or (train >= SINGLE_SHOT_TRAIN and physics.volumetric is False)):
        return Role.HASTE, f"{physics}, in a single shot{f' of {train} echoes' if train > 1 else ''}.", likely
    if echo_time >= T2_ECHO_S:
        return (Role.T2_FAT_SUPPRESSED if physics.fat_suppressed else Role.T2), f"{physics}.", suppressed
    if echo_time <= T1_ECHO_S and repetition_time and repetition_time <= T1_REPETITION_S:
        return (Role.T1_FAT_SUPPRESSED if physics.fat_suppressed else Role.T1), f"{physics}.", suppressed
    return None, f"{physics}: neither T1- nor T2-weighted.", likely


def _gradient_echo(series: Series, physics: Physics, likely: Confidence, suppressed: Confidence) -> tuple[Role | None, str, Confidence]:
    echo_times = _echo_times(series)
    if series.pulse_sequence.balanced:
        return None, f"{physics}, in balanced steady state (TrueFISP, FIESTA, bFFE).", likely
    if len(echo_times) > 2 and physics.kind is ImageKind.SIGNAL:
        return None, f"{physics}, with {len(echo_times)} echo times, for T2* or fat fraction.", likely
    if physics.kind is ImageKind.IN_PHASE:
        return Role.T1_IN_PHASE, f"{physics}, the in-phase image of a Dixon method.", Confidence.SURE
    if physics.kind is ImageKind.OPPOSED_PHASE:
        return Role.T1_OPPOSED_PHASE, f"{physics}, the opposed-phase image of a Dixon method.", Confidence.SURE
    if physics.fat_suppressed:
        return Role.T1_FAT_SUPPRESSED, f"{physics}.", suppressed
    if physics.echo_time_s > LATE_GRADIENT_ECHO_S:
        return None, f"{physics}: T2*-weighted.", likely
    field = series.pulse_sequence.field_t
    phase = fat_water(physics.echo_time_s, field) if field else None
    if phase is None:
        return Role.T1, f"{physics}.", likely
    role = Role.T1_IN_PHASE if phase is FatWater.IN_PHASE else Role.T1_OPPOSED_PHASE
    return role, f"{physics}; water and fat are {phase} at {field:g} T.", Confidence.LIKELY


def _echo_times(series: Series) -> set[int]:
    """Different echo times, in tenths of a millisecond."""
    return {round(frame.echo_time_s * 1e4) for frame in series.frames if frame.echo_time_s is not None}


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _usual(series: Series, name: str) -> float | None:
    values = [value for frame in series.frames if (value := getattr(frame, name)) is not None]
    return float(np.median(values)) if values else None
