"""Sequences and series of an examination of the reference patient."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ...response.roles import Role
from ..signals import ivim, spgr
from .tissues import FAT_T1_S, FAT_T2_S, FAT_T2_STAR_S, TISSUES, Tissue

__all__ = ["DCE_INTERVAL_S", "RELAXIVITY", "GradientEcho", "SeriesPlan", "SpinEcho", "examination_plan"]

RELAXIVITY = 5.2
"""1/(s mM): gadobutrol in plasma at 1.5 T (Rohrer et al., Invest Radiol 2005;40:715-724); used for blood and tissue alike."""

DCE_INTERVAL_S = 4.3
DCE_BASELINE_PHASES = 5
"""Perfusion phases before the injection begins."""

B_VALUES = (0.0, 50.0, 400.0, 800.0)
FIRST_INJECTION_MINUTES, SECOND_INJECTION_MINUTES = 24.0, 44.0

FAT_SATURATION = 0.04
"""What fat suppression leaves of the signal of fat."""


# VFA and DCE are one acquisition with several angles: one scale.
_SCALING_ANGLE = {"perfusion": 10.0}


@dataclass(frozen=True)
class GradientEcho:
    """Spoiled gradient echo in the steady state.

    :param fat: factor of the signal of fat: 1 in phase, -1 opposed phase, FAT_SATURATION suppressed.
    """

    echo_time_s: float
    repetition_time_s: float
    flip_angle_deg: float
    fat: float

    def signal(self, tissue: Tissue, concentration=0.0) -> np.ndarray:
        """Signed signal of a tissue (magnitude comes after the sum over a voxel) while it holds contrast agent [mM]."""
        rate = 1 / tissue.t1_s + RELAXIVITY * np.asarray(concentration, float)
        water = spgr(1 - tissue.fat, 1 / rate, self.flip_angle_deg, self.repetition_time_s) * np.exp(-self.echo_time_s / tissue.t2_star_s)
        fat = spgr(tissue.fat, FAT_T1_S, self.flip_angle_deg, self.repetition_time_s) * np.exp(-self.echo_time_s / FAT_T2_STAR_S)
        return tissue.density * (water + self.fat * fat)


@dataclass(frozen=True)
class SpinEcho:
    """Fat-suppressed spin echo with diffusion weighting; a long echo train counts as one echo at the effective echo time."""

    echo_time_s: float
    repetition_time_s: float
    echo_train_length: int = 1
    flip_angle_deg: float = 90.0

    def signal(self, tissue: Tissue, b_value: float = 0.0) -> np.ndarray:
        """Signal of a tissue."""
        water = (1 - tissue.fat) * -np.expm1(-self.repetition_time_s / tissue.t1_s) * np.exp(-self.echo_time_s / tissue.t2_s)
        water *= ivim(1.0, tissue.adc, tissue.d_star, tissue.perfusion_fraction, [b_value])[0]
        fat = tissue.fat * -np.expm1(-self.repetition_time_s / FAT_T1_S) * np.exp(-self.echo_time_s / FAT_T2_S)
        return tissue.density * tissue.flow_signal * (water + FAT_SATURATION * fat)


@dataclass(frozen=True)
class SeriesPlan:
    """One DICOM series.

    :param number: series number.
    :param key: what it is called in the truth ("T2", "arterial_15s", ...).
    :param role: what a reader takes it for.
    :param grid: name of its grid.
    :param sequence: how its signals arise.
    :param minutes: start after the start of the examination [min].
    :param signal_to_noise: of liver before contrast (at b = 0).
    :param liver_signal: value that liver before contrast (at b = 0, at 10 degrees) is scaled to.
    :param b_values: of its volumes [s/mm2]; None without diffusion weighting.
    :param after_injection_s: when its volumes are taken, after the start of the injection [s]; None before contrast.
    :param injection_minutes: when that injection began, after the start of the examination [min].
    """

    number: int
    key: str
    description: str
    role: Role
    grid: str
    sequence: GradientEcho | SpinEcho
    minutes: float
    signal_to_noise: float
    liver_signal: float
    b_values: tuple[float, ...] | None = None
    after_injection_s: tuple[float, ...] | None = None
    injection_minutes: float | None = None

    @property
    def volumes(self) -> int:
        """How many volumes it has."""
        return len(self.b_values or self.after_injection_s or (0,))

    @property
    def noise_sigma(self) -> float:
        """Standard deviation of the noise in each channel."""
        return self.liver_signal / self.signal_to_noise

    @property
    def gain(self) -> float:
        """Factor from the equations' signals to the values in the images."""
        liver = TISSUES["liver"]
        if isinstance(self.sequence, SpinEcho):
            return self.liver_signal / float(self.sequence.signal(liver))
        scaled = replace(self.sequence, flip_angle_deg=_SCALING_ANGLE.get(self.grid, self.sequence.flip_angle_deg))
        return self.liver_signal / float(scaled.signal(liver))

    def signals(self, tissues: Iterable[Tissue], concentration: np.ndarray | None = None) -> np.ndarray:
        """Signed noise-free signal of tissues in every volume, shape (tissues, volumes), in the values of the images.

        :param concentration: contrast agent [mM] in them, same shape; None before contrast.
        """
        if self.b_values is not None:
            rows = [[self.sequence.signal(tissue, b) for b in self.b_values] for tissue in tissues]
        elif concentration is not None:
            rows = [self.sequence.signal(*pair) for pair in zip(tissues, concentration, strict=True)]
        else:
            rows = [[self.sequence.signal(tissue)] for tissue in tissues]
        return self.gain * np.array(rows, float)


PHASES = (
    ("arterial_15s", 15, Role.ARTERIAL),
    ("arterial_30s", 30, Role.ARTERIAL),
    ("portal_venous_60s", 60, Role.PORTAL_VENOUS),
    ("delayed_120s", 120, Role.DELAYED),
    ("delayed_300s", 300, Role.DELAYED),
)
"""Dynamic phases by their time after the start of the injection [s]."""


def examination_plan(dce_phases: int) -> tuple[SeriesPlan, ...]:
    """All series of one examination, in the order of acquisition.

    The dynamic phases and the perfusion series have an injection of their own; what the first leaves for the second is left out.
    """
    flash = {"repetition_time_s": 0.150, "flip_angle_deg": 66.0}
    vibe = GradientEcho(0.0020, 0.0045, 12.0, FAT_SATURATION)
    perfusion = {angle: GradientEcho(0.0014, 0.0045, angle, FAT_SATURATION) for angle in (5.0, 10.0, 15.0)}
    in_phase, opposed = GradientEcho(0.0046, fat=1.0, **flash), GradientEcho(0.0023, fat=-1.0, **flash)
    plans = [
        SeriesPlan(3, "T1_in_phase", "t1_fl2d_in_tra_bh", Role.T1_IN_PHASE, "anatomy", in_phase, 4, 26, 300),
        SeriesPlan(4, "T1_opposed_phase", "t1_fl2d_opp_tra_bh", Role.T1_OPPOSED_PHASE, "anatomy", opposed, 5, 26, 300),
        SeriesPlan(5, "T2_fat_suppressed", "t2_tse_fs_tra_trig", Role.T2_FAT_SUPPRESSED, "anatomy", SpinEcho(0.080, 4.0, 17), 7, 20, 160),
        SeriesPlan(6, "DWI", "ep2d_diff_b0_50_400_800_tra_TRACEW", Role.DWI, "diffusion", SpinEcho(0.065, 5.0), 12, 36, 240, B_VALUES),
    ]
    plans += [
        SeriesPlan(7 + n, f"VFA_{angle:g}deg", f"t1_vibe_fs_tra_fa{angle:g}", Role.VFA, "perfusion", sequence, 19 + 0.5 * n, 100, 200)
        for n, (angle, sequence) in enumerate(perfusion.items())
    ]
    plans.append(SeriesPlan(10, "native", "t1_vibe_fs_tra_bh_native", Role.NATIVE, "dynamic", vibe, 22, 26, 250))
    for n, (key, seconds, role) in enumerate(PHASES):
        start = FIRST_INJECTION_MINUTES + seconds / 60
        name = f"t1_vibe_fs_tra_bh_dyn_{seconds}s"
        plans.append(
            SeriesPlan(11 + n, key, name, role, "dynamic", vibe, start, 26, 250, None, (float(seconds),), FIRST_INJECTION_MINUTES),
        )
    before = DCE_BASELINE_PHASES * DCE_INTERVAL_S
    times = tuple(DCE_INTERVAL_S * n - before for n in range(dce_phases))
    start = SECOND_INJECTION_MINUTES - before / 60
    dce = SeriesPlan(16, "DCE", "t1_vibe_fs_tra_perf", Role.DCE, "perfusion", perfusion[15.0], start, 45, 200, None, times)
    return (*plans, replace(dce, injection_minutes=SECOND_INJECTION_MINUTES))
