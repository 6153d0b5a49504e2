"""A diffusion examination of an upper abdomen with three liver lesions, of which every value is known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..geometry import Geometry
from .dicom_series import Volume
from .noise import rician
from .signals import diffusion

__all__ = ["TISSUES", "AbdomenDiffusion", "Tissue", "diffusion_examination"]

_DIRECTIONS = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class Tissue:
    """What one tissue of the abdomen is made of.

    :param name: shown to the user.
    :param s0: signal without diffusion weighting, liver = 800 (fat-suppressed T2-weighted echo-planar contrast).
    :param adc: apparent diffusion coefficient [mm2/s].
    :param ellipsoids: (centre, half axes) in LPS millimetres; later tissues lie over earlier ones.
    """

    name: str
    s0: float
    adc: float
    ellipsoids: tuple[tuple[tuple[float, float, float], tuple[float, float, float]], ...]


# Diffusion coefficients at body temperature: liver and spleen after Taouli and Koh, Radiology 2010;254:47-66.
TISSUES = (
    Tissue("subcutaneous fat", 144.0, 0.30e-3, (((0, 0, 0), (168, 118, 400)),)),
    Tissue("muscle", 440.0, 1.45e-3, (((0, 0, 0), (150, 102, 400)),)),
    Tissue("peritoneum", 240.0, 1.30e-3, (((4, -14, 0), (132, 78, 400)),)),
    Tissue("liver", 800.0, 1.10e-3, (((-66, 6, 0), (68, 76, 78)), ((-12, -38, 14), (78, 36, 52)))),
    Tissue("stomach", 1680.0, 2.70e-3, (((74, -40, 4), (40, 32, 56)),)),
    Tissue("spleen", 1520.0, 0.80e-3, (((104, 38, 6), (25, 44, 50)),)),
    Tissue("left kidney", 1600.0, 1.90e-3, (((62, 56, -52), (27, 25, 48)),)),
    Tissue("vertebra", 496.0, 0.55e-3, (((0, 60, 0), (22, 19, 400)),)),
    Tissue("spinal canal", 2640.0, 3.00e-3, (((0, 86, 0), (8, 7, 400)),)),
    Tissue("aorta", 96.0, 1.60e-3, (((13, 32, 0), (11, 11, 400)),)),
    Tissue("inferior vena cava", 160.0, 1.60e-3, (((-22, 30, 0), (12, 9, 400)),)),
    Tissue("lesion 1, viable", 1560.0, 0.92e-3, (((-96, -14, 12), (19, 19, 19)),)),
    Tissue("lesion 2, viable rim", 1440.0, 1.05e-3, (((-62, 42, -14), (27, 25, 26)),)),
    Tissue("lesion 2, necrotic core", 1840.0, 2.20e-3, (((-60, 43, -14), (17, 15, 16)),)),
    Tissue("lesion 3, treated", 1200.0, 1.60e-3, (((-14, -42, 16), (15, 13, 14)),)),
)


@dataclass(frozen=True)
class AbdomenDiffusion:
    """The examination and its truth.

    :param volumes: magnitude images with Rician noise: b = 0, and every other b-value in three directions.
    :param geometry: grid of the images, slightly oblique as patients lie.
    :param regions: tissue name -> boolean (k, j, i): the voxels that lie in that tissue alone.
    :param noise_sigma: standard deviation of the noise in each channel, in units of the signals.
    """

    volumes: tuple[Volume, ...]
    geometry: Geometry
    regions: dict[str, np.ndarray]
    noise_sigma: float

    @staticmethod
    def true_adc(name: str) -> float:
        """ADC [mm2/s] of a tissue by its name."""
        return next(tissue.adc for tissue in TISSUES if tissue.name == name)


def diffusion_examination(
    b_values: Sequence[float] = (0.0, 50.0, 400.0, 800.0),
    *,
    shape: tuple[int, int, int] = (22, 96, 128),
    spacing_mm: tuple[float, float, float] = (2.8, 2.8, 6.0),
    signal_to_noise: float = 25.0,
    seed: int = 2009,
) -> AbdomenDiffusion:
    """Simulate diffusion images of the upper abdomen.

    Signals are computed on a grid three times finer in plane and averaged, so edges show the partial volume of real images.

    :param b_values: [s/mm2].
    :param shape: voxels (k, j, i).
    :param spacing_mm: along i, j, k.
    :param signal_to_noise: of the liver at b = 0 in a single image.
    :param seed: same seed, same images.
    """
    tilt = np.radians(4.0)
    direction = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    half = (np.array(shape[::-1]) - 1) / 2 * np.array(spacing_mm)
    geometry = Geometry.from_parts(shape, spacing_mm, -direction @ half, direction)

    labels, pure, clean = _images(geometry, np.asarray(b_values, float))
    # A surface coil: brighter towards the front, by a quarter from front to back.
    clean *= (1 + 0.25 * np.linspace(0.5, -0.5, shape[1]))[:, None, None]
    sigma = next(tissue.s0 for tissue in TISSUES if tissue.name == "liver") / signal_to_noise
    images = [(b, axis, clean[..., n]) for n, b in enumerate(b_values) for axis in ((None,) if b == 0 else _DIRECTIONS)]
    volumes = tuple(Volume(rician(image, sigma, seed + n), b, axis, seconds=4.0 * n) for n, (b, axis, image) in enumerate(images))
    # Tissue changes through a slice as well: a voxel is pure when the slices beside it hold the same tissue.
    beside = np.pad(labels, ((1, 1), (0, 0), (0, 0)), mode="edge")
    pure &= (beside[2:] == labels) & (beside[:-2] == labels)
    regions = {tissue.name: pure & (labels == number) for number, tissue in enumerate(TISSUES, start=1)}
    return AbdomenDiffusion(volumes, geometry, regions, sigma)


def _images(geometry: Geometry, b_values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tissue number at each voxel's centre (0: air), whether the voxel lies in it alone, and noise-free signals (k, j, i, b)."""
    fine = 3
    slices, rows, columns = geometry.shape
    offsets = (np.arange(fine) - (fine - 1) / 2) / fine
    i = (np.arange(columns)[:, None] + offsets).ravel()
    j = (np.arange(rows)[:, None] + offsets).ravel()
    s0 = np.array([0.0, *(tissue.s0 for tissue in TISSUES)])
    adc = np.array([0.0, *(tissue.adc for tissue in TISSUES)])
    signal_of_tissue = diffusion(s0, adc, b_values)
    labels = np.empty(geometry.shape, np.int16)
    pure = np.empty(geometry.shape, bool)
    signals = np.empty((*geometry.shape, b_values.size))
    matrix = geometry.ijk_to_lps
    for k in range(slices):
        x, y, z = (matrix[axis, 0] * i + (matrix[axis, 1] * j)[:, None] + matrix[axis, 2] * k + matrix[axis, 3] for axis in range(3))
        label = np.zeros((j.size, i.size), np.int16)
        for number, tissue in enumerate(TISSUES, start=1):
            for (cx, cy, cz), (rx, ry, rz) in tissue.ellipsoids:
                inside = ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 + ((z - cz) / rz) ** 2 <= 1
                label[inside & (label > 0) if number > 1 else inside] = number
        blocks = label.reshape(rows, fine, columns, fine)
        labels[k] = blocks[:, fine // 2, :, fine // 2]
        pure[k] = (blocks == labels[k][:, None, :, None]).all(axis=(1, 3))
        signals[k] = signal_of_tissue[blocks].mean(axis=(1, 3))
    return labels, pure, signals
