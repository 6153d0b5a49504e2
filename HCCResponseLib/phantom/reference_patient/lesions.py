"""The three lesions of the reference patient, through their treatment.

Each is a star-shaped body, r(u) = R (1 + sum of soft bumps), so that volumes and sections are known from the formula; what has
died or bled is a second such body inside.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .solids import Solid
from .tissues import ExtendedTofts, Tissue

__all__ = ["LESIONS", "PARTS", "Lesion", "LesionState", "StarShape"]

PARTS = ("viable", "necrotic", "haemorrhagic")


@dataclass(frozen=True)
class StarShape:
    """A smooth lobulated body.

    :param centre: LPS millimetres of the anatomy.
    :param radius_mm: radius of the sphere that the bumps stand on.
    :param seed: of the bumps.
    """

    centre: tuple[float, float, float]
    radius_mm: float
    seed: int

    @cached_property
    def _bumps(self) -> list[tuple[list[float], float]]:
        """Directions and heights."""
        generator = np.random.default_rng(self.seed)
        directions = generator.normal(size=(9, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        return list(zip(directions.tolist(), generator.uniform(-0.10, 0.18, 9).tolist(), strict=True))

    def radius(self, x, y, z) -> np.ndarray:
        """Distance [mm] of the surface from the centre in the direction of a unit vector."""
        result = 1.0
        for (a, b, c), height in self._bumps:
            bump = 0.5 + 0.5 * (a * x + b * y + c * z)
            bump = bump * bump * bump
            result = result + height * bump * bump
        return result * self.radius_mm

    @cached_property
    def volume_ml(self) -> float:
        """Volume, integral of r^3 / 3 over the directions (Gauss in height, evenly around)."""
        heights, weights = np.polynomial.legendre.leggauss(48)
        around = np.arange(96) * (2 * np.pi / 96)
        across = np.sqrt(1 - heights**2)[:, None]
        r = self.radius(across * np.cos(around), across * np.sin(around), heights[:, None] + 0 * around)
        return float((weights[:, None] * r**3 / 3).sum() * (2 * np.pi / 96) / 1000)

    def depth(self, x, y, z) -> np.ndarray:
        """About the distance [mm] to the surface, negative inside."""
        x, y, z = (value - c for value, c in zip((x, y, z), self.centre, strict=True))
        length = np.maximum(np.sqrt(x * x + y * y + z * z), 1e-4)
        return length - self.radius(x / length, y / length, z / length)

    @property
    def solid(self) -> Solid:
        """The body for painting."""
        reach = self.radius_mm * (1 + sum(max(height, 0.0) for _, height in self._bumps))
        return Solid(self.depth, tuple(np.subtract(self.centre, reach)), tuple(np.add(self.centre, reach)))


@dataclass(frozen=True)
class LesionState:
    """A lesion at one examination.

    :param radius_mm: of the whole lesion's shape.
    :param t1_grade: van den Bos grade against liver on T1; ``t2_grade`` on fat-suppressed T2.
    :param viable: what the living part is made of.
    :param dead_fraction: part of the volume that does not enhance (NV/TV).
    :param dead: what that part is made of.
    :param dead_part: "necrotic" or "haemorrhagic".
    :param dead_offset: from the lesion's centre to the dead part's, in radii.
    """

    radius_mm: float
    t1_grade: int
    t2_grade: int
    viable: Tissue
    dead_fraction: float = 0.0
    dead: Tissue | None = None
    dead_part: str = "necrotic"
    dead_offset: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Lesion:
    """One lesion, the same through all examinations.

    :param identifier: the label that stays.
    :param site: where it is, in words.
    :param course: what happens to it, in words.
    :param states: one per examination.
    """

    identifier: str
    site: str
    course: str
    centre: tuple[float, float, float]
    seed: int
    states: tuple[LesionState, ...]

    def shape(self, examination: int) -> StarShape:
        """Outline of the whole lesion."""
        return StarShape(self.centre, self.states[examination].radius_mm, self.seed)

    def dead_shape(self, examination: int) -> StarShape | None:
        """Outline of its dead part, or None."""
        state = self.states[examination]
        if state.dead is None:
            return None
        centre = tuple(float(c + state.radius_mm * offset) for c, offset in zip(self.centre, state.dead_offset, strict=True))
        unit = StarShape(centre, 1.0, self.seed)
        radius = (state.dead_fraction * self.shape(examination).volume_ml / unit.volume_ml) ** (1 / 3)
        return StarShape(centre, float(radius), self.seed)


def _tumour(adc: float, ktrans: float, ve: float, vp: float, *, t1_s: float = 0.78, t2_s: float = 0.0485, density: float = 0.770) -> Tissue:
    return Tissue(density, t1_s, t2_s, 0.030, adc, ExtendedTofts(ktrans, ve, vp), texture=0.04)


LESIONS = (
    Lesion(
        "HCC 1",
        "segment II/III",
        "hypervascular; smaller and less perfused under therapy, no necrosis",
        (22.0, -52.0, 22.0),
        71,
        (
            LesionState(16.2, 2, 4, _tumour(1.05e-3, 0.62, 0.24, 0.10)),
            LesionState(12.6, 2, 4, _tumour(1.22e-3, 0.36, 0.22, 0.06, t1_s=0.79, density=0.775)),
            LesionState(9.2, 2, 4, _tumour(1.31e-3, 0.25, 0.20, 0.045, t1_s=0.80, density=0.78)),
        ),
    ),
    Lesion(
        "HCC 2",
        "segment VI/VII",
        "grows while its necrotic core grows faster: viable volume falls",
        (-86.0, 24.0, -2.0),
        72,
        (
            LesionState(
                22.0, 2, 4, _tumour(1.10e-3, 0.48, 0.26, 0.08),
                0.12, Tissue(0.80, 0.92, 0.058, 0.035, 1.75e-3, texture=0.06), "necrotic", (0.12, -0.14, -0.12),
            ),
            LesionState(
                23.6, 2, 4, _tumour(1.20e-3, 0.30, 0.25, 0.055),
                0.33, Tissue(0.78, 0.86, 0.050, 0.035, 1.95e-3, texture=0.06), "necrotic", (0.10, -0.14, -0.12),
            ),
            LesionState(
                25.0, 1, 5, _tumour(1.30e-3, 0.20, 0.24, 0.04),
                0.60, Tissue(0.92, 1.60, 0.110, 0.060, 2.20e-3, texture=0.04), "necrotic", (0.035, -0.06, -0.06),
            ),
        ),
    ),
    Lesion(
        "HCC 3",
        "segment VIII/V",
        "bleeds under therapy: at week 4 intracellular, at week 12 extracellular methaemoglobin",
        (-70.0, -36.0, 12.0),
        73,
        (
            LesionState(17.5, 2, 4, _tumour(1.00e-3, 0.55, 0.22, 0.09)),
            LesionState(
                20.2, 5, 1, _tumour(1.15e-3, 0.33, 0.22, 0.06),
                0.58, Tissue(0.78, 0.28, 0.028, 0.012, 0.75e-3, texture=0.10), "haemorrhagic", (0.05, -0.08, 0.0),
            ),
            LesionState(
                18.6, 5, 5, _tumour(1.25e-3, 0.24, 0.21, 0.05),
                0.57, Tissue(0.85, 0.32, 0.120, 0.045, 1.45e-3, texture=0.10), "haemorrhagic", (0.05, -0.08, 0.0),
            ),
        ),
    ),
)
