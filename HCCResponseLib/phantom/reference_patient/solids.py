"""Smooth solids given by formulas, from which the organs are built.

A solid answers at every point about how far its surface is, negative inside. Solids are joined, cut and intersected with
rounded seams, so outlines stay organic and every grid samples the same body without interpolation of images.
Points are LPS millimetres of the anatomy (x to the patient's left, y to the back, z to the head).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Solid", "column", "ellipsoid", "half_space", "layer", "tube"]

Point = tuple[float, float, float]

ENDLESS_MM = 1000.0


@dataclass(frozen=True)
class Solid:
    """A solid in space.

    :param depth: of x, y, z [mm], arrays that broadcast; about the distance to the surface [mm], negative inside.
    :param low: corner of a box around the solid with the smallest coordinates.
    :param high: opposite corner.
    """

    depth: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    low: Point
    high: Point

    def joined(self, other: "Solid", seam_mm: float = 0.0) -> "Solid":
        """What is in either, with a fillet of about ``seam_mm`` where they meet."""
        low, high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        bulge = seam_mm / 4
        return Solid(lambda *p: _smooth_minimum(self.depth(*p), other.depth(*p), seam_mm), tuple(low - bulge), tuple(high + bulge))

    def within(self, other: "Solid", seam_mm: float = 0.0) -> "Solid":
        """What is in both."""
        low, high = np.maximum(self.low, other.low), np.minimum(self.high, other.high)
        return Solid(lambda *p: -_smooth_minimum(-self.depth(*p), -other.depth(*p), seam_mm), tuple(low), tuple(high))

    def without(self, other: "Solid", seam_mm: float = 0.0) -> "Solid":
        """What is in this one but not in the other."""
        return Solid(lambda *p: -_smooth_minimum(-self.depth(*p), other.depth(*p), seam_mm), self.low, self.high)

    def grown(self, by_mm: float) -> "Solid":
        """The solid with its surface moved outwards, or inwards where negative."""
        low, high = np.subtract(self.low, max(by_mm, 0.0)), np.add(self.high, max(by_mm, 0.0))
        return Solid(lambda *p: self.depth(*p) - by_mm, tuple(low), tuple(high))

    def uneven(self, height_mm: float, wavelength_mm: float, seed: int) -> "Solid":
        """The solid with a gently uneven surface: waves of seeded directions, ``height_mm`` at most."""
        generator = np.random.default_rng(seed)
        waves = generator.normal(size=(5, 3))
        waves *= 2 * np.pi / (wavelength_mm * generator.uniform(0.8, 1.6, (5, 1)) * np.linalg.norm(waves, axis=1, keepdims=True))
        waves = np.column_stack([waves, generator.uniform(0, 2 * np.pi, 5)]).tolist()

        def depth(x, y, z):
            height = sum(np.sin(a * x + b * y + c * z + phase) for a, b, c, phase in waves)
            return self.depth(x, y, z) + height_mm / 5 * height

        return Solid(depth, tuple(np.subtract(self.low, height_mm)), tuple(np.add(self.high, height_mm)))


def _smooth_minimum(first, second, width: float):
    """Polynomial smooth minimum; the plain one where the two differ by more than ``width``."""
    if not width:
        return np.minimum(first, second)
    near = np.maximum(1 - np.abs(first - second) / width, 0)
    return np.minimum(first, second) - width / 4 * near * near


def half_space(normal: Point, at: Point) -> Solid:
    """The side of a plane that its normal points away from."""
    a, b, c = (np.asarray(normal, float) / np.linalg.norm(normal)).tolist()
    offset = a * at[0] + b * at[1] + c * at[2]
    return Solid(lambda x, y, z: a * x + b * y + c * z - offset, (-ENDLESS_MM,) * 3, (ENDLESS_MM,) * 3)


def ellipsoid(centre: Point, half_axes: Point, turn_deg: float = 0.0, tilt_deg: float = 0.0) -> Solid:
    """An ellipsoid, turned about z and then tilted about x."""
    turn, tilt = np.radians((turn_deg, tilt_deg))
    about_z = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    rotation = about_x @ about_z
    reach = np.sqrt(rotation**2 @ np.square(half_axes))
    axes = rotation.T.tolist()
    cx, cy, cz = map(float, centre)

    def depth(x, y, z):
        x, y, z = x - cx, y - cy, z - cz
        length = steepness = 0
        for (a, b, c), half, along in zip(axes, half_axes, (x, y, z), strict=True):
            scaled = ((a * x + b * y + c * z if turn_deg or tilt_deg else along) / half) ** 2
            length = length + scaled
            steepness = steepness + scaled / half**2
        length = np.sqrt(length)
        # (q - 1) / |grad q|: the distance to first order
        return (length - 1) * length / np.maximum(np.sqrt(steepness), 1e-6)

    return Solid(depth, tuple(np.subtract(centre, reach)), tuple(np.add(centre, reach)))


def column(
    centre_xy: tuple[float, float],
    half_axes_xy: tuple[float, float],
    power: float = 2.0,
    ends_z: tuple[float, float] = (-ENDLESS_MM, ENDLESS_MM),
) -> Solid:
    """An upright column with a superellipse as section; ``power`` above 2 squares it."""
    (cx, cy), (a, b), (bottom, top) = centre_xy, half_axes_xy, ends_z

    def depth(x, y, z):
        u, v = np.abs(x - cx) / a, np.abs(y - cy) / b
        radius = np.sqrt(u * u + v * v) if power == 2 else (u**power + v**power) ** (1 / power)
        return np.maximum((radius - 1) * min(a, b), np.maximum(bottom - z, z - top))

    return Solid(depth, (cx - a, cy - b, bottom), (cx + a, cy + b, top))


def layer(solid: Solid, thickness_mm: float) -> Solid:
    """The outermost ``thickness_mm`` of a solid."""
    half = thickness_mm / 2
    return Solid(lambda *p: np.abs(solid.depth(*p) + half) - half, solid.low, solid.high)


def tube(points: Sequence[Point], radii: Sequence[float]) -> Solid:
    """Straight round tubes from point to point, their radius changing evenly."""
    points, radii = np.asarray(points, float), np.asarray(radii, float)
    steps = np.diff(points, axis=0)
    pieces = np.column_stack([points[:-1], steps, np.sum(steps**2, axis=1), radii[:-1], np.diff(radii)]).tolist()

    def depth(x, y, z):
        nearest = None
        for sx, sy, sz, dx, dy, dz, square, radius, change in pieces:
            px, py, pz = x - sx, y - sy, z - sz
            along = np.clip((dx * px + dy * py + dz * pz) / square, 0, 1)
            px, py, pz = px - along * dx, py - along * dy, pz - along * dz
            distance = np.sqrt(px * px + py * py + pz * pz) - (radius + change * along)
            nearest = distance if nearest is None else np.minimum(nearest, distance)
        return nearest

    return Solid(depth, tuple((points - radii[:, None]).min(axis=0)), tuple((points + radii[:, None]).max(axis=0)))
