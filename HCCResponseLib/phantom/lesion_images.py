"""Contrast-enhanced liver images with lesions of known outline, and a patient examined twice.

The upper abdomen is a formula of the point in the patient (LPS, mm): every grid, oblique or not, and every second
examination samples the same anatomy without interpolation, so masks and transforms are known exactly.
Signals resemble a portal venous phase in arbitrary units, liver about 100.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import erf

from ..geometry import Geometry

__all__ = [
    "LESION_KINDS",
    "Examination",
    "LesionImage",
    "LesionModel",
    "TwoExaminations",
    "examination",
    "lesion_image",
    "rigid_lps",
    "two_examinations",
]

LESION_KINDS = ("blurred", "bright_rim", "dark_rim", "hypovascular", "necrotic_core")
"""Gradual edge; washed-out core in a bright capsule; bright core in a dark one; dark with a sharp edge; viable shell round a dark core."""

_CONTRAST = 40.0  # signal difference that the contrast-to-noise ratio refers to
_SHARP_MM = 0.7  # in-plane point spread (standard deviation) of every edge that is not blurred on purpose
_AIR, _LIVER, _VESSEL, _AORTA, _MUSCLE = 4.0, 100.0, 150.0, 185.0, 62.0


@dataclass(frozen=True)
class LesionModel:
    """One lesion: kind, LPS centre, mean diameter and the seed of its lobulated shape."""

    kind: str
    centre_lps: tuple[float, float, float]
    diameter_mm: float
    shape_seed: int = 0

    def depth(self, points: np.ndarray) -> np.ndarray:
        """First-order signed distance in mm, negative inside, of LPS ``points`` (3, ...)."""
        rng = np.random.default_rng(self.shape_seed)
        axes = rng.uniform(0.8, 1.25, 3)
        axes /= np.prod(axes) ** (1 / 3)
        bumps = rng.normal(size=(6, 3))
        bumps /= np.linalg.norm(bumps, axis=1, keepdims=True)
        heights = rng.uniform(-0.15, 0.30, 6)
        offset = points - _column_vector(self.centre_lps, points)
        scaled = offset / _column_vector(axes, points)
        length = np.maximum(_length(scaled), 1e-6)
        radius = np.ones_like(length)
        for bump, height in zip(bumps, heights, strict=True):
            square = np.maximum(_dot(bump, scaled) / length, 0) ** 2
            radius += height * square * square * square
        return (length - self.diameter_mm / 2 * radius) * (_length(offset) / length)

    def core_depth(self, points: np.ndarray) -> np.ndarray:
        """Signed distance of the off-centre necrotic core (only meaningful for the kind ``necrotic_core``)."""
        shift = np.random.default_rng(self.shape_seed + 1).uniform(-0.06, 0.06, 3) * self.diameter_mm
        centre = tuple(np.asarray(self.centre_lps) + shift)
        return LesionModel(self.kind, centre, 0.55 * self.diameter_mm, self.shape_seed + 2).depth(points)


@dataclass(frozen=True)
class LesionImage:
    """One image of a liver with lesions, and the truth about it; all arrays (k, j, i).

    ``lesions`` holds one mask per model, ``necrosis`` the dark cores, ``liver`` the parenchyma without lesions and vessels.
    """

    image: np.ndarray
    geometry: Geometry
    lesions: tuple[np.ndarray, ...]
    necrosis: np.ndarray
    liver: np.ndarray
    vessels: np.ndarray
    aorta: np.ndarray
    muscle: np.ndarray
    models: tuple[LesionModel, ...]


@dataclass(frozen=True)
class Examination:
    """One of the two examinations: image, grid, masks of the liver and of the lesions by their identity."""

    image: np.ndarray
    geometry: Geometry
    liver: np.ndarray
    lesions: dict[str, np.ndarray]


@dataclass(frozen=True)
class TwoExaminations:
    """One patient examined twice.

    :param before_to_after: true 4 x 4 rigid LPS motion of the anatomy between them, without deformation.
    :param landmarks_before: LPS points (n, 3) in the liver; ``landmarks_after`` are the same points of the anatomy.
    """

    before: Examination
    after: Examination
    before_to_after: np.ndarray
    landmarks_before: np.ndarray = field(repr=False)
    landmarks_after: np.ndarray = field(repr=False)


def _column_vector(values, points):
    return np.asarray(values, points.dtype).reshape(-1, *(1,) * (points.ndim - 1))


def _dot(vector, points):
    return sum(points.dtype.type(v) * component for v, component in zip(vector, points, strict=True))


def _length(points):
    return np.sqrt(sum(component * component for component in points))


def _ellipsoid(points, centre, axes):
    scaled = (points - _column_vector(centre, points)) / _column_vector(axes, points)
    length = _length(scaled)
    # (q - 1) / |grad q|: distance to first order
    return (length - 1) * length / np.maximum(_length(scaled / _column_vector(axes, points)), 1e-9)


def _column(points, centre_xy, axes_xy):
    return _ellipsoid(points[:2], centre_xy, axes_xy)


def _tube(points, start, stop, radius):
    along = np.subtract(stop, start)
    offset = points - _column_vector(start, points)
    fraction = np.clip(_dot(along / (along @ along), offset), 0, 1)
    return _length(offset - fraction * _column_vector(along, points)) - radius


def _liver_depth(points):
    return np.minimum(_ellipsoid(points, (-65, -5, 0), (75, 80, 75)), _ellipsoid(points, (15, -45, 15), (60, 35, 40)))


def _vessel_depth(points):
    tubes = (
        ((10, -5, -8), (-55, -8, -2), 5.5),
        ((-55, -8, -2), (-105, -40, -25), 3.5),
        ((-55, -8, -2), (-110, 20, 15), 3.5),
        ((-25, 25, 55), (-60, -45, 15), 4.0),
        ((-25, 25, 55), (-115, 5, 25), 4.0),
        ((-25, 25, 55), (20, -50, 20), 3.5),
    )
    depth = _tube(points, *tubes[0])
    for tube in tubes[1:]:
        np.minimum(depth, _tube(points, *tube), out=depth)
    return depth


def _cava_depth(points):
    return _column(points, (-22, 32), (12, 10))


def _aorta_depth(points):
    return _column(points, (12, 33), (10, 10))


def _muscle_depth(points):
    return np.minimum(_column(points, (-36, 84), (24, 13)), _column(points, (36, 84), (24, 13)))


def _texture(points, rng):
    """Fixed to the anatomy: a sum of waves of 12 to 60 mm, standard deviation about 2.5."""
    total = np.zeros(points.shape[1:], points.dtype)
    for _wave in range(10):
        direction = rng.normal(size=3)
        direction *= 2 * np.pi / rng.uniform(12, 60) / np.linalg.norm(direction)
        total += np.sin(_dot(direction, points) + points.dtype.type(rng.uniform(0, 2 * np.pi)))
    return total * points.dtype.type(2.5 / np.sqrt(5))


def _paint(signal, depth, value, blur=_SHARP_MM):
    reached = depth < 4 * blur
    inside = 0.5 - 0.5 * erf(depth[reached] / np.float32(np.sqrt(2) * blur))
    value = value[reached] if np.ndim(value) else np.float32(value)
    signal[reached] += (value - signal[reached]) * inside


def _paint_lesion(signal, points, model):
    depth = model.depth(points)
    if model.kind == "blurred":
        _paint(signal, depth, _LIVER + _CONTRAST, blur=2.2)
    elif model.kind == "bright_rim":
        _paint(signal, depth, _LIVER + 1.25 * _CONTRAST)
        _paint(signal, depth + 3.0, _LIVER - 0.5 * _CONTRAST)
    elif model.kind == "dark_rim":
        _paint(signal, depth, _LIVER - _CONTRAST)
        _paint(signal, depth + 2.5, _LIVER + 0.75 * _CONTRAST)
    elif model.kind == "hypovascular":
        _paint(signal, depth, _LIVER - _CONTRAST)
    elif model.kind == "necrotic_core":
        _paint(signal, depth, _LIVER + _CONTRAST)
        _paint(signal, model.core_depth(points), _LIVER - 1.25 * _CONTRAST, blur=1.2)
    else:
        raise ValueError(f"Unknown kind of lesion: {model.kind}")


def _signal(points, lesions, texture_seed):
    """Noise-free signal at LPS ``points`` (3, ...)."""
    signal = np.full(points.shape[1:], _AIR, points.dtype)
    body = _column(points, (0, 0), (165, 110))
    _paint(signal, body, 85.0)
    _paint(signal, body + 12, 70.0)
    _paint(signal, _muscle_depth(points), _MUSCLE)
    _paint(signal, _column(points, (0, 62), (20, 17)), 45.0)
    _paint(signal, _ellipsoid(points, (105, 35, 15), (25, 40, 45)), 120.0)
    _paint(signal, _ellipsoid(points, (62, 50, -70), (25, 24, 50)), 160.0)
    liver = _liver_depth(points)
    _paint(signal, liver, _LIVER + _texture(points, np.random.default_rng(texture_seed)))
    _paint(signal, np.maximum(_vessel_depth(points), liver + 3), _VESSEL)
    for model in lesions:
        _paint_lesion(signal, points, model)
    _paint(signal, _cava_depth(points), _VESSEL)
    _paint(signal, _aorta_depth(points), _AORTA)
    return signal


def _lps_points(geometry: Geometry, slices=slice(None), slice_offset: float = 0.0) -> np.ndarray:
    """Voxel centres (3, k, j, i) of some ``slices`` in LPS mm."""
    index = [np.arange(n, dtype=np.float32) for n in geometry.shape]
    index[0] = index[0][slices] + np.float32(slice_offset)
    k, j, i = np.meshgrid(*index, indexing="ij", sparse=True)
    rows = geometry.ijk_to_lps[:3].astype(np.float32)
    return np.stack([row[0] * i + row[1] * j + (row[2] * k + row[3]) for row in rows])


def _slabs(geometry):
    """A few slices at a time stay in the processor's cache."""
    return [slice(first, first + 3) for first in range(0, geometry.shape[0], 3)]


def _inside(depth, geometry, anatomy_from_patient):
    """Mask of the voxels whose centre is inside, by a function of points that gives depths."""
    parts = [depth(_moved(anatomy_from_patient, _lps_points(geometry, slices))) < 0 for slices in _slabs(geometry)]
    return np.concatenate(parts)


def _acquire(geometry, lesions, texture_seed, rng, contrast_to_noise, bias, anatomy_from_patient):
    """Rician image: three sub-slices per slice for partial volume, smooth coil bias, noise."""
    image = np.zeros(geometry.shape, np.float32)
    for slices in _slabs(geometry):
        for offset in (-1 / 3, 0.0, 1 / 3):
            points = _moved(anatomy_from_patient, _lps_points(geometry, slices, offset))
            image[slices] += _signal(points, lesions, texture_seed) / np.float32(3)
    if bias:
        unit = np.meshgrid(*(np.linspace(-1, 1, n, dtype=np.float32) for n in geometry.shape), indexing="ij", sparse=True)
        slope, bend = rng.normal(size=3), rng.normal(size=3)
        log_gain = sum(s * u + 0.5 * b * u * u for s, b, u in zip(slope, bend, unit, strict=True)) / np.sqrt(3)
        image *= np.exp(bias * log_gain).astype(np.float32)
    if np.isfinite(contrast_to_noise):
        sigma = np.float32(_CONTRAST / contrast_to_noise)
        real, imaginary = (sigma * rng.standard_normal(geometry.shape, dtype=np.float32) for _part in range(2))
        image = np.hypot(image + real, imaginary)
    return image.astype(np.float32)


def _moved(motion, points):
    """Points (3, ...) moved by a 4 x 4 matrix or a function of points; None leaves them."""
    if motion is None:
        return points
    if callable(motion):
        return motion(points)
    return np.stack([_dot(row[:3], points) + points.dtype.type(row[3]) for row in motion[:3]])


def examination(
    geometry: Geometry,
    lesions: Sequence[LesionModel],
    *,
    seed: int = 0,
    texture_seed: int = 0,
    contrast_to_noise: float = 5.0,
    bias: float = 0.1,
    anatomy_from_patient: np.ndarray | Callable | None = None,
) -> LesionImage:
    """Sample the abdomen with its ``lesions`` on a grid.

    :param geometry: grid; may be oblique and anisotropic.
    :param seed: noise and bias field.
    :param texture_seed: parenchyma, the same in two examinations of one patient.
    :param contrast_to_noise: 40 signal units (the contrast of a plain lesion) over the noise SD; infinity for none.
    :param bias: standard deviation of the logarithmic coil sensitivity over the grid, about.
    :param anatomy_from_patient: from points of this examination to points of the anatomy, both LPS: a 4 x 4 matrix or a
        function of points (3, ...); None: identity.
    """
    def inside(depth):
        return _inside(depth, geometry, anatomy_from_patient)

    masks = tuple(inside(model.depth) for model in lesions)
    necrosis = np.zeros(geometry.shape, bool)
    for model in lesions:
        if model.kind == "necrotic_core":
            necrosis |= inside(model.core_depth)
    liver, vessels = inside(_liver_depth), inside(_vessel_depth) | inside(_cava_depth)
    for mask in masks:
        liver &= ~mask
    rng = np.random.default_rng(seed)
    return LesionImage(
        image=_acquire(geometry, lesions, texture_seed, rng, contrast_to_noise, bias, anatomy_from_patient),
        geometry=geometry,
        lesions=masks,
        necrosis=necrosis,
        liver=liver & ~vessels,
        vessels=vessels & liver,
        aorta=inside(_aorta_depth),
        muscle=inside(_muscle_depth),
        models=tuple(lesions),
    )


def lesion_image(
    kind: str,
    seed: int,
    *,
    shape: tuple[int, int, int] = (32, 96, 96),
    spacing_mm: tuple[float, float, float] = (1.25, 1.25, 3.0),
    diameter_mm: float = 30.0,
    direction_lps: np.ndarray | None = None,
    neighbours: Sequence[LesionModel] = (),
    centre_lps: tuple[float, float, float] | None = None,
    contrast_to_noise: float = 5.0,
    bias: float = 0.1,
) -> LesionImage:
    """One lesion of a ``kind`` near the middle of a grid inside the liver; place, shape, bias and noise come from ``seed``.

    :param shape: voxels (k, j, i); :param spacing_mm: along i, j, k.
    :param neighbours: further lesions, after the first in ``lesions``.
    :param centre_lps: fixed place of the lesion instead of a seeded one.
    """
    rng = np.random.default_rng(seed)
    centre = rng.uniform((-100, -35, -30), (-50, 30, 30)) if centre_lps is None else np.asarray(centre_lps, float)
    model = LesionModel(kind, tuple(float(c) for c in centre), diameter_mm, int(rng.integers(1 << 30)))
    middle = centre + rng.uniform(-6, 6, 3)
    geometry = Geometry.from_parts(shape, spacing_mm, (0, 0, 0), direction_lps)
    half = (np.asarray(shape[::-1]) - 1) / 2
    matrix = geometry.ijk_to_lps.copy()
    matrix[:3, 3] = middle - matrix[:3, :3] @ half
    return examination(
        Geometry(shape, matrix),
        (model, *neighbours),
        seed=int(rng.integers(1 << 30)),
        texture_seed=int(rng.integers(1 << 30)),
        contrast_to_noise=contrast_to_noise,
        bias=bias,
    )


def rigid_lps(shift_mm=(0.0, 0.0, 0.0), degrees: float = 0.0, axis=(0.0, 0.0, 1.0), centre_lps=(0.0, 0.0, 0.0)) -> np.ndarray:
    """4 x 4 LPS matrix: rotation by ``degrees`` about ``axis`` through ``centre_lps`` (Rodrigues), then the shift."""
    x, y, z = np.asarray(axis, float) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.deg2rad(degrees)
    rotation = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = np.asarray(centre_lps, float) - rotation @ np.asarray(centre_lps, float) + np.asarray(shift_mm, float)
    return matrix


def two_examinations(
    seed: int = 0,
    *,
    shift_mm=(12.0, -9.0, 20.0),
    degrees: float = 5.0,
    axis=(0.3, 0.2, 1.0),
    shape: tuple[int, int, int] = (48, 88, 116),
    spacing_mm: tuple[float, float, float] = (3.0, 3.0, 4.0),
    contrast_to_noise: float = 5.0,
    deformation_mm: float = 0.0,
) -> TwoExaminations:
    """A patient with three lesions, examined twice on different grids, moved by ``shift_mm`` (25 mm) and ``degrees`` in between.

    Lesion identities are "hcc-1" to "hcc-3". The motion turns about the middle of the liver; before it, tissue may be pushed
    by up to ``deformation_mm`` cranially and to the left within about 60 mm of the right lobe's middle.
    """
    models = {
        "hcc-1": LesionModel("necrotic_core", (-95.0, -20.0, 5.0), 34.0, seed + 1),
        "hcc-2": LesionModel("hypovascular", (-50.0, 30.0, -30.0), 20.0, seed + 2),
        "hcc-3": LesionModel("bright_rim", (15.0, -50.0, 12.0), 26.0, seed + 3),
    }
    motion = rigid_lps(shift_mm, degrees, axis, centre_lps=(-50, 0, 0))

    def push(points):
        distance = _length(points - _column_vector((-80, -10, 10), points))
        return deformation_mm * _column_vector((0.5, 0.0, 0.87), points) * np.exp(-0.5 * (distance / 40) ** 2)

    def back_to_anatomy(points):
        points = _moved(np.linalg.inv(motion), points)
        return points - push(points) if deformation_mm else points

    half = (np.asarray(shape[::-1]) - 1) / 2
    exams = []
    for number, (grid_spacing, tilt) in enumerate(((np.asarray(spacing_mm), 0.0), (np.asarray(spacing_mm) * (1.06, 1.06, 0.94), 3.0))):
        direction = rigid_lps(degrees=tilt, axis=(1, 0, 0))[:3, :3]
        middle = np.array([0.0, -5.0, 0.0]) + (0 if number == 0 else np.array([6.0, 4.0, 8.0]))
        geometry = Geometry.from_parts(shape, grid_spacing, middle - (direction * grid_spacing) @ half, direction)
        anatomy_from_patient = None if number == 0 else back_to_anatomy
        scan = examination(
            geometry,
            tuple(models.values()),
            seed=seed + 100 + number,
            texture_seed=seed,
            contrast_to_noise=contrast_to_noise,
            anatomy_from_patient=anatomy_from_patient,
        )
        liver = _inside(_liver_depth, geometry, anatomy_from_patient)
        exams.append(Examination(scan.image, geometry, liver, dict(zip(models, scan.lesions, strict=True))))
    rng = np.random.default_rng(seed)
    landmarks = rng.uniform((-130, -75, -60), (60, 60, 60), (400, 3)).T
    landmarks = landmarks[:, _liver_depth(landmarks) < -5]
    pushed = landmarks
    for _iteration in range(50 if deformation_mm else 0):
        pushed = landmarks + push(pushed)
    return TwoExaminations(*exams, motion, landmarks.T, _moved(motion, pushed).T)
