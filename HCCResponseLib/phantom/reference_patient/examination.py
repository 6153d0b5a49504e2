"""One examination of the reference patient: the body as it lay, and the images of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
from scipy import ndimage

from ...errors import InputError
from ...geometry import Geometry
from ...progress import Progress, report_progress, subrange
from ..noise import rician
from .anatomy import abdomen
from .lattice import Grid, fill_fractions, paint_labels
from .lesions import LESIONS, PARTS
from .protocol import SeriesPlan, examination_plan
from .structure import ORGANS, Structure
from .tissues import TISSUES, Inputs, Tissue, concentrations, inputs_of_injection

__all__ = ["GRIDS", "Examination", "Images", "Outline"]

GRIDS = ("anatomy", "diffusion", "perfusion", "dynamic")
"""Names of the image grids: T1 and T2; DWI; VFA and DCE; dynamic phases."""

REGIONS = {"aorta": "aortic blood", "portal vein": "portal vein", "liver": "liver", "spleen": "spleen", "muscle": "muscle"}
"""Outlines besides the lesions, and the tissue each shows."""

_FIELD_OF_VIEW = (440, 312, 152)
_LATTICE_MM = (0.8, 0.8, 1.0)


@dataclass(frozen=True, eq=False)
class Outline:
    """One outlined region: its name and its boolean mask (k, j, i)."""

    name: str
    mask: np.ndarray


@dataclass(frozen=True, eq=False)
class Images:
    """The images of one series.

    :param plan: the series.
    :param geometry: their grid.
    :param volumes: magnitude signals with noise, one (k, j, i) array after the other, float32.
    """

    plan: SeriesPlan
    geometry: Geometry
    volumes: Iterator[np.ndarray] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Examination:
    """One examination.

    :param index: 0 for the baseline.
    :param name: "baseline", "week 4", "week 12".
    :param start: date and time.
    :param weeks: from baseline.
    :param treatment: in words.
    :param hematocrit: volume fraction of red cells on that day.
    :param bolus_transit_s: from the start of an injection to time zero of the arterial input; the aorta peaks ten seconds later.
    :param tilt_deg: of the slices against axial, about the left-right axis.
    :param motions: by group (trunk, organs), 4 x 4 LPS matrix from the anatomy to this examination.
    :param small: coarse voxels and few phases, for tests.
    :param seed: of noise, texture and coil sensitivity.
    """

    index: int
    name: str
    start: datetime
    weeks: float
    treatment: str
    hematocrit: float
    bolus_transit_s: float
    tilt_deg: float
    motions: dict[str, np.ndarray]
    small: bool
    seed: int

    @cached_property
    def plans(self) -> tuple[SeriesPlan, ...]:
        """Its series in the order of acquisition."""
        return examination_plan(32 if self.small else 70)

    @cached_property
    def inputs(self) -> Inputs:
        """Plasma concentrations after an injection at time 0."""
        return inputs_of_injection(self.bolus_transit_s, self.hematocrit)

    @cached_property
    def lattice(self) -> Geometry:
        """The fine lattice that all images are blocks of, centred on the liver."""
        shrink = 2 if self.small else 1
        counts = np.array(_FIELD_OF_VIEW) // shrink
        spacing = np.array(_LATTICE_MM) * shrink
        tilt = np.radians(self.tilt_deg)
        direction = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
        centre = np.array([0.0, 3.0, np.round(self.motions[ORGANS][2, 3])])
        return Geometry.from_parts(counts[::-1], spacing, centre - direction @ (spacing * (counts - 1) / 2), direction)

    def grid(self, name: str) -> Grid:
        """An image grid by its name.

        :raises InputError: the name is none of GRIDS.
        """
        if name not in GRIDS:
            raise InputError(f"The reference patient has no images on a grid '{name}'; there are {', '.join(GRIDS)}.")
        block, first, slices = {
            "anatomy": ((2, 2, 5), (0, 0, 1), 30),
            "diffusion": ((3, 3, 5), (1, 0, 1), 30),
            "perfusion": ((4, 4, 5), (0, 0, 40), 16),
            "dynamic": ((2, 2, 4), (0, 0, 0), 38),
        }[name]
        shrink = 2 if self.small else 1
        columns, rows, _ = (n // shrink // points for n, points in zip(_FIELD_OF_VIEW, block, strict=True))
        return Grid(block, (first[0], first[1], first[2] // shrink), (slices // shrink, rows, columns))

    def geometry(self, grid: str) -> Geometry:
        """Where the voxels of an image grid lie."""
        return self.grid(grid).geometry(self.lattice)

    @cached_property
    def tissues(self) -> dict[str, Tissue]:
        """What everything is made of in this examination; a label of the lattice is a place in it."""
        tissues = dict(TISSUES)
        for lesion in LESIONS:
            state = lesion.states[self.index]
            tissues[f"{lesion.identifier} viable"] = state.viable
            if state.dead is not None:
                tissues[f"{lesion.identifier} {state.dead_part}"] = state.dead
        return tissues

    @cached_property
    def _concentrations(self) -> dict[float, np.ndarray]:
        """By time after the injection [s]: contrast agent [mM] in every tissue."""
        times = sorted({time for plan in self.plans for time in plan.after_injection_s or ()})
        return dict(zip(times, concentrations(self.tissues.values(), times, self.inputs).T, strict=True))

    def signals(self, plan: SeriesPlan) -> np.ndarray:
        """Signed noise-free signal of every tissue in every volume of a series, shape (tissues, volumes)."""
        agent = plan.after_injection_s and np.stack([self._concentrations[time] for time in plan.after_injection_s], axis=1)
        return plan.signals(self.tissues.values(), agent)

    @property
    def structures(self) -> tuple[Structure, ...]:
        """Everything to paint."""
        structures = list(abdomen())
        for lesion in LESIONS:
            structures.append(Structure(f"{lesion.identifier} viable", lesion.shape(self.index).solid, fine=True))
            dead = lesion.dead_shape(self.index)
            if dead is not None:
                part = f"{lesion.identifier} {lesion.states[self.index].dead_part}"
                structures.append(Structure(part, dead.solid, over=(f"{lesion.identifier} viable",), fine=True))
        return tuple(structures)

    @cached_property
    def labels(self) -> np.ndarray:
        """Tissue of every lattice point (k, j, i)."""
        return self._paint(None)

    def _paint(self, progress: Progress | None) -> np.ndarray:
        return paint_labels(self.lattice, self.structures, self.motions, tuple(self.tissues), progress=progress)

    def images(self, *, progress: Progress | None = None) -> Iterator[Images]:
        """Yield the images of every series, grid by grid.

        :raises Cancelled: ``progress`` returned False.
        """
        if "labels" not in vars(self):
            vars(self)["labels"] = self._paint(subrange(progress, 0.0, 0.4))  # where the cached property keeps it
        done = 0
        for grid in GRIDS:
            plans = [plan for plan in self.plans if plan.grid == grid]
            report_progress(progress, 0.4 + 0.6 * done / len(self.plans))
            clean = self._clean(grid, np.concatenate([self.signals(plan) for plan in plans], axis=1))
            for plan in plans:
                report_progress(progress, 0.4 + 0.6 * done / len(self.plans))
                part, clean = clean[: plan.volumes], clean[plan.volumes :]
                yield Images(plan, self.geometry(grid), self._noisy(part, plan))
                done += 1
        report_progress(progress, 1.0)

    def _clean(self, grid: str, signals: np.ndarray) -> np.ndarray:
        """Magnitude images without noise, shape (volumes, k, j, i); ``signals`` has the shape (tissues, volumes)."""
        blocks = self.grid(grid)
        texture = np.array([tissue.texture for tissue in self.tissues.values()], np.float32)
        table = np.column_stack([signals, texture]).astype(np.float32)
        result = np.empty((signals.shape[1], *blocks.shape), np.float32)
        slices = zip(fill_fractions(self.labels, blocks, len(self.tissues)), self._variation(grid), strict=True)
        for k, (fractions, (density, gain)) in enumerate(slices):
            sums = (fractions @ table).T.reshape(-1, *blocks.shape[1:])
            result[:, k] = np.abs(sums[:-1]) * (gain * np.maximum(1 + sums[-1] * density, 0))
        return result

    def _variation(self, grid: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield for each slice the texture (standard deviation about 1) and the coil sensitivity, both (j, i)."""
        geometry = self.geometry(grid)
        noise = np.random.default_rng([self.seed, 1]).standard_normal((64, 64, 64), dtype=np.float32)
        noise = ndimage.gaussian_filter(noise, 0.7, mode="wrap")
        noise /= noise.std()
        slopes = np.random.default_rng([self.seed, 2, self.index]).normal(0, 0.03, 3)
        middle = self.lattice.ijk_to_lps @ [*(np.array(self.lattice.shape[::-1]) - 1) / 2, 1.0]
        to_texture = np.linalg.inv(self.motions[ORGANS])[:3] / _TEXTURE_MM
        slices, rows, columns = geometry.shape
        j, i = np.indices((rows, columns), np.float32)
        for k in range(slices):
            lps = np.tensordot(geometry.ijk_to_lps, np.stack([i, j, np.full_like(i, k), np.ones_like(i)]), 1)
            density = ndimage.map_coordinates(noise, np.tensordot(to_texture, lps, 1), order=1, mode="grid-wrap")
            x, y, z = ((lps[axis] - middle[axis]) / half for axis, half in enumerate(_COIL_MM))
            # brighter towards the coils in front, behind and at the sides
            gain = np.exp(0.05 * x * x + 0.09 * y * y - 0.03 * y + slopes[0] * x + slopes[1] * y + slopes[2] * z)
            yield density, gain.astype(np.float32)

    def _noisy(self, clean: np.ndarray, plan: SeriesPlan) -> Iterator[np.ndarray]:
        for n, volume in enumerate(clean):
            seed = np.random.SeedSequence([self.seed, 3, self.index, plan.number, n]).generate_state(1)[0]
            yield rician(volume, plan.noise_sigma, int(seed)).astype(np.float32)

    def acquired(self, plan: SeriesPlan) -> datetime:
        """When a series began."""
        return self.start + timedelta(seconds=60 * plan.minutes)

    def injected(self, plan: SeriesPlan) -> datetime:
        """When the injection of a series began."""
        return self.start + timedelta(seconds=60 * plan.injection_minutes)

    def outlines(self, grid: str, *, parts: bool = False, pure: bool = False) -> tuple[Outline, ...]:
        """The true outlines on an image grid: the voxels whose centre lies in a region. No voxel belongs to two.

        :param grid: one of GRIDS.
        :param parts: viable, necrotic and haemorrhagic parts of the lesions instead of whole lesions.
        :param pure: leave out voxels with partial volume; in the others signals are those of one tissue alone.
        :raises InputError: unknown grid.
        """
        blocks, names = self.grid(grid), list(self.tissues)
        members = {}
        for lesion in LESIONS:
            tissues = [f"{lesion.identifier} {part}" for part in PARTS if f"{lesion.identifier} {part}" in names]
            members |= {tissue: [tissue] for tissue in tissues} if parts else {lesion.identifier: tissues}
        members |= {name: [tissue] for name, tissue in REGIONS.items()}
        centres = paint_labels(self.geometry(grid), self.structures, self.motions, names, exact=True)
        regions = {name: np.isin(names, tissues) for name, tissues in members.items()}
        masks = {name: belongs[centres] for name, belongs in regions.items()}
        if pure:
            for k, fractions in enumerate(fill_fractions(self.labels, blocks, len(names))):
                for name, belongs in regions.items():
                    masks[name][k] &= (fractions[:, belongs].sum(axis=1) > 1 - 1e-4).reshape(blocks.shape[1:])
        return tuple(Outline(name, mask) for name, mask in masks.items())


# Spacing of the points that the texture is interpolated between, and half of the distance between opposite coils.
_TEXTURE_MM = 3.5
_COIL_MM = (176.0, 125.0, 76.0)
