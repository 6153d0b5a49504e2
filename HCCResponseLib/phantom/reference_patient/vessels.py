"""Portal and hepatic veins of the reference patient's liver: named trunks with seeded branches."""

from collections.abc import Iterator

import numpy as np

from .solids import Solid, tube

__all__ = ["hepatic_veins", "portal_veins"]

_PORTAL = (
    # main stem, right branch to the posterior sector, anterior branch, left branch with the umbilical part
    (((-6, -9, -14), (-14, -8, -6), (-26, -10, 2), (-36, -10, 6)), (6.4, 6.4, 6.0, 5.4)),
    (((-36, -10, 6), (-54, -6, 6), (-70, 8, 2), (-90, 24, -8)), (4.8, 4.4, 3.6, 2.6)),
    (((-54, -6, 6), (-68, -16, 18), (-78, -26, 32)), (3.8, 3.2, 2.4)),
    (((-54, -6, 6), (-74, -22, -10), (-88, -34, -28)), (3.4, 2.8, 2.0)),
    (((-30, -10, 4), (-16, -22, 14), (-2, -32, 20), (0, -48, 22)), (4.2, 3.8, 3.6, 3.0)),
    (((-2, -34, 20), (18, -40, 28), (40, -46, 32)), (2.6, 2.2, 1.6)),
    (((0, -46, 22), (16, -58, 16), (34, -64, 14)), (2.4, 2.0, 1.4)),
)
_HEPATIC = (
    (((-24, 14, 58), (-48, 16, 46), (-76, 14, 26), (-98, 10, -2)), (5.2, 4.6, 3.6, 2.4)),
    (((-22, 6, 62), (-36, -14, 48), (-50, -34, 24), (-58, -48, 0)), (4.8, 4.2, 3.4, 2.2)),
    (((-18, 4, 62), (-4, -16, 56), (14, -34, 46), (32, -46, 40)), (4.2, 3.6, 3.0, 2.0)),
)


def portal_veins(liver: Solid) -> list[tuple[Solid, tuple[str, ...] | None]]:
    """Return the solids of the portal vein, each with the tissues it may replace."""
    return [*_tree(_PORTAL[:1], None), *_tree(_PORTAL[1:], ("liver",)), *_branches(_PORTAL[1:], liver, seed=61)]


def hepatic_veins(liver: Solid) -> list[tuple[Solid, tuple[str, ...] | None]]:
    """Return the solids of the hepatic veins, likewise."""
    return [*_tree(_HEPATIC, ("liver",)), *_branches(_HEPATIC, liver, seed=62)]


def _tree(trunks, over) -> Iterator[tuple[Solid, tuple[str, ...] | None]]:
    for points, radii in trunks:
        for n in range(len(points) - 1):
            yield tube(points[n : n + 2], radii[n : n + 2]), over


def _branches(trunks, liver: Solid, seed: int) -> list[tuple[Solid, tuple[str, ...]]]:
    """Grow branches off the trunks until they are thin or near the capsule."""
    generator = np.random.default_rng(seed)
    tips = []
    for points, radii in trunks:
        points, radii = np.asarray(points, float), np.asarray(radii, float)
        steps = np.diff(points, axis=0)
        steps /= np.linalg.norm(steps, axis=1, keepdims=True)
        tips.append((points[-1], steps[-1], radii[-1]))
        for n in range(1, len(points)):
            for _ in range(2):
                place = generator.uniform(0.2, 0.95)
                start = points[n - 1] + place * (points[n] - points[n - 1])
                radius = radii[n - 1] + place * (radii[n] - radii[n - 1])
                tips.append((start, _turned(steps[n - 1], generator.uniform(45, 75), generator), 0.55 * radius))
    solids = []
    while tips:
        start, direction, radius = tips.pop()
        if radius < 0.7:
            continue
        points, radii = [start], [radius]
        for _ in range(3):
            direction = _turned(direction, generator.uniform(2, 16), generator)
            following = points[-1] + direction * generator.uniform(4.5, 7.5) * (0.6 + radius / 4)
            if liver.depth(*following) > -5:
                break
            points.append(following)
            radii.append(radii[-1] * 0.95)
        if len(points) < 2:
            continue
        solids.append((tube(points, radii), ("liver",)))
        if len(points) == 4:
            # Murray's law: the cubes of the radii of two branches add up to that of their parent.
            share = generator.uniform(0.35, 0.65)
            for part in (share, 1 - share):
                turn = 55 * (1 - part)
                tips.append((points[-1], _turned(direction, turn + generator.uniform(0, 12), generator), radii[-1] * part ** (1 / 3)))
    return solids


def _turned(direction: np.ndarray, degrees: float, generator: np.random.Generator) -> np.ndarray:
    """Return the unit vector turned by an angle to a random side."""
    side = np.cross(direction, generator.normal(size=3))
    side /= np.linalg.norm(side)
    angle = np.radians(degrees)
    return np.cos(angle) * direction + np.sin(angle) * side
