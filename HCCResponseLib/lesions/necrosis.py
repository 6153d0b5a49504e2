"""Necrosis of a lesion: where it does not enhance, how much of it that is, and how it is spread.

Necrosis is absent or decreased gadolinium enhancement inside the lesion (Horger et al., BMC Cancer 2009;9:208). The analysis
is prepared once per lesion; after that a change of the threshold costs milliseconds, so that a slider shows its effect live.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np
from scipy import ndimage

from ..errors import InputError
from ..geometry import Geometry
from ..quantification.enhancement import relative_enhancement, subtract
from .inputs import FEWEST_REFERENCE_VOXELS, Reference, crop_to_mask, require_image, require_mask, require_reference
from .necrosis_score import NecrosisScore, necrosis_score
from .necrosis_threshold import BEFORE_CONTRAST, RELATIVE_ENHANCEMENT, SUBTRACTION, NecrosisThreshold, ReferenceThreshold
from .tissue_parts import TissuePart, TissueParts, merge_small_islands

__all__ = ["NecrosisAnalysis", "NecrosisPattern", "NecrosisResult"]

SMALLEST_ISLAND_ML = 0.02
"""Default size below which islands of necrosis, and viable islands within necrosis, are noise (a sphere of 3.4 mm)."""

CENTRAL_FROM = 0.5
"""Necrosis is central from this central index on."""

MOST_REJECTED = 0.1
"""A larger part of a lesion without usable signal brings a warning."""


class NecrosisPattern(Enum):
    """How necrosis is spread over a lesion."""

    NONE = "none"
    CENTRAL = "central"
    """Mostly one piece, around the middle of the lesion."""
    DIFFUSE = "diffuse"
    """Scattered, or at one side."""
    COMPLETE = "complete"
    """Nothing viable is left."""


@dataclass(frozen=True, eq=False)
class NecrosisResult:
    """Necrosis of one lesion at one threshold.

    Voxels on an excluded rim and voxels without usable signal belong to the tumour volume but to neither part, so that
    tumour = viable + necrotic + untold. The fraction is taken of what could be told. Without a rim and without rejected voxels
    it is NV/TV and the viable volume is TV - NV, as in the paper.

    :param tumour_ml: TV, the whole lesion.
    :param necrotic_ml: NV, the haemorrhagic part included.
    :param viable_ml: enhancing part.
    :param haemorrhagic_ml: part of NV that is bright on T1 before contrast; None if that was not asked for.
    :param bright_viable_ml: enhancing part that is bright before contrast (fat, protein, blood); None if not asked for.
    :param untold_ml: neither: rejected voxels.
    :param necrotic_fraction: necrotic / (necrotic + viable), 0 to 1.
    :param score: class of the fraction.
    :param pattern: how the necrosis is spread.
    :param central_index: rank-biserial correlation of necrosis with the distance from the lesion's edge: 1 when the necrosis is
        the deepest part of the lesion, 0 when scattered at random, -1 when the outermost part; NaN for no or only necrosis.
    :param largest_piece_fraction: part of NV that hangs together in its largest piece.
    :param pieces: number of pieces of necrosis.
    :param rejected_voxels: voxels left out because a signal is NaN, infinite or, for relative enhancement, not positive.
    :param rim_voxels: voxels on the rim, left out of the decision; each is taken for what its nearest decided voxel is.
    :param parts: the part that each voxel belongs to.
    :param warnings: sentences for the reader.
    :param method: how it was found.
    :param parameters: threshold, reference and clean-up settings.
    """

    tumour_ml: float
    necrotic_ml: float
    viable_ml: float
    haemorrhagic_ml: float | None
    bright_viable_ml: float | None
    untold_ml: float
    necrotic_fraction: float
    score: NecrosisScore
    pattern: NecrosisPattern
    central_index: float
    largest_piece_fraction: float
    pieces: int
    rejected_voxels: int
    rim_voxels: int
    parts: TissueParts
    warnings: tuple[str, ...]
    method: str
    parameters: Mapping[str, object]


class NecrosisAnalysis:
    """One lesion, prepared for live thresholds.

    Noise: each voxel's value may be replaced by the median of itself and its four neighbours in the slice, inside the lesion.
    Unlike a blur, a median does not move the border between two kinds of tissue when the threshold is not midway between them,
    and it leaves lines of one voxel (an enhancing rim) standing. Neighbouring slices are too far away to help.
    """

    def __init__(
        self,
        lesion: np.ndarray,
        geometry: Geometry,
        *,
        post: np.ndarray,
        pre: np.ndarray | None = None,
        rim_layers: int = 0,
        median: bool = True,
    ):
        """Cut out and prepare a lesion.

        :param lesion: mask of the whole lesion, bool, shape (k, j, i).
        :param geometry: grid of the mask and the images.
        :param post: signal after contrast, the phase that shows viable tumour; NaN marks voxels without a signal.
        :param pre: signal before contrast on the same grid, registered to ``post`` (see alignment.py); needed for every
            threshold but that on one phase, and for haemorrhage.
        :param rim_layers: voxel layers at the lesion's edge whose own signal is not trusted (partial volume): each voxel there is
            taken for what its nearest decided neighbour is.
        :param median: replace each value by the median over its neighbours in the slice.
        :raises InputError: the mask is empty, or nothing is left inside the rim.
        :raises GeometryError: a mask or image lies on another grid.
        """
        lesion = require_mask(lesion, geometry)
        self._images = {"post": require_image(post, geometry, "post-contrast")}
        if pre is not None:
            self._images["pre"] = require_image(pre, geometry, "pre-contrast")
        if rim_layers < 0:
            raise InputError(f"The number of rim layers must be 0 or more, not {rim_layers}.")
        crop, first, _touches = crop_to_mask(lesion, 0)
        self._geometry = geometry
        self._lesion = crop
        self._first = tuple(int(index) for index in first)
        self._median = median
        self._rim_layers = rim_layers
        self._core = crop
        if rim_layers:
            # Beyond the border of the image nothing is known, so the border is no rim.
            box = tuple(slice(a, a + n) for a, n in zip(self._first, crop.shape, strict=True))
            around = np.pad(lesion, 1, mode="edge")[tuple(slice(part.start, part.stop + 2) for part in box)]
            around = ndimage.binary_erosion(around, iterations=rim_layers, border_value=1)
            self._core = around[1:-1, 1:-1, 1:-1]
            if not self._core.any():
                raise InputError(
                    f"Nothing of the lesion is left without its rim of {rim_layers} voxel layer{'s' if rim_layers > 1 else ''}; "
                    "measure it without leaving out the rim.",
                )
        self._prepared: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def measure_reference(
        self,
        region: np.ndarray,
        name: str,
        *,
        before_contrast: bool = False,
        fewest_voxels: int = FEWEST_REFERENCE_VOXELS,
    ) -> Reference:
        """Measure a reference region: on the subtraction, for a threshold, or before contrast, for haemorrhage.

        :param region: bool, shape (k, j, i).
        :param name: which tissue, e.g. "liver".
        :param before_contrast: on the image before contrast instead of the subtraction.
        :raises InputError: no image before contrast, or too few usable voxels, or no spread.
        """
        region = require_mask(region, self._geometry, f"{name} reference region")
        pre = self._image("pre")[region]
        values = pre if before_contrast else subtract(self._images["post"][region], pre)
        quantity = BEFORE_CONTRAST if before_contrast else SUBTRACTION
        return require_reference(values, np.ones(values.shape, dtype=bool), name, fewest_voxels, quantity)

    def classify(
        self,
        threshold: NecrosisThreshold,
        *,
        haemorrhage: ReferenceThreshold | None = None,
        smallest_island_ml: float = SMALLEST_ISLAND_ML,
    ) -> NecrosisResult:
        """Divide the lesion at a threshold.

        A voxel is viable above the threshold and necrotic at or below it.

        :param threshold: ``ReferenceThreshold`` on the subtraction, ``RelativeThreshold`` or ``PhaseThreshold``.
        :param haemorrhage: signal before contrast above which the necrotic part is haemorrhagic: a ``ReferenceThreshold`` with a
            reference measured before contrast.
        :param smallest_island_ml: smaller islands of necrosis, and smaller viable islands, join what is around them (0: none).
        :raises InputError: an image needed is missing, no voxel has a usable signal, the threshold is not a number, or a
            reference was measured on another image.
        """
        for part, quantity in ((threshold, SUBTRACTION), (haemorrhage, BEFORE_CONTRAST)):
            if isinstance(part, ReferenceThreshold) and part.reference.quantity != quantity:
                measured = f"The {part.reference.name} reference was measured on the {part.reference.quantity}"
                raise InputError(f"{measured}, not on the {quantity}.")
        if not np.isfinite(threshold.value):
            raise InputError("The enhancement threshold is not a number.")
        if not smallest_island_ml >= 0.0:
            raise InputError(f"The size of the smallest island must be 0 mL or more, not {smallest_island_ml}.")
        voxel_ml = self._geometry.voxel_volume_ml
        values, usable = self._values(threshold.quantity)
        if not usable.any():
            raise InputError(f"No voxel of the lesion has a usable {threshold.quantity}.")
        necrotic = usable & (values <= threshold.value)
        smallest_voxels = smallest_island_ml / voxel_ml * (1.0 - 1e-9)  # an island of just this size stays
        necrotic = merge_small_islands(necrotic, usable & ~necrotic, smallest_voxels)
        viable = usable & ~necrotic

        labels = np.zeros(self._lesion.shape, dtype=np.uint8)
        labels[self._lesion] = TissuePart.UNTOLD
        labels[viable] = TissuePart.VIABLE
        labels[necrotic] = TissuePart.NECROTIC
        haemorrhagic_ml = bright_viable_ml = None
        parameters = {
            **threshold.parameters,
            "rim_layers": self._rim_layers,
            "median": self._median,
            "smallest_island_ml": smallest_island_ml,
        }
        if haemorrhage is not None:
            before, known = self._values(BEFORE_CONTRAST)
            bright = known & (before > haemorrhage.value)
            labels[necrotic & bright] = TissuePart.HAEMORRHAGIC
            haemorrhagic_ml = float(np.count_nonzero(necrotic & bright) * voxel_ml)
            bright_viable_ml = float(np.count_nonzero(viable & bright) * voxel_ml)
            parameters |= {f"haemorrhage_{key}": value for key, value in haemorrhage.parameters.items()}

        rim = self._lesion & ~self._core
        if rim.any():
            # The rim takes no part in the decision, but it belongs to the tumour: each of its voxels is what its nearest decided one is.
            rows = self._geometry.spacing_mm[::-1]
            nearest = ndimage.distance_transform_edt(~usable, sampling=rows, return_distances=False, return_indices=True)
            labels[rim] = labels[tuple(axis[rim] for axis in nearest)]
            necrotic = np.isin(labels, (TissuePart.NECROTIC, TissuePart.HAEMORRHAGIC))
            usable = usable | rim
            if haemorrhage is not None:
                haemorrhagic_ml = float(np.count_nonzero(labels == TissuePart.HAEMORRHAGIC) * voxel_ml)
        labels.setflags(write=False)

        tumour, core, told, dead = (int(np.count_nonzero(part)) for part in (self._lesion, self._core, usable, necrotic))
        fraction = dead / told
        pieces, largest, central = self._spread(necrotic, usable, fraction)
        return NecrosisResult(
            tumour_ml=tumour * voxel_ml,
            necrotic_ml=dead * voxel_ml,
            viable_ml=(told - dead) * voxel_ml,
            haemorrhagic_ml=haemorrhagic_ml,
            bright_viable_ml=bright_viable_ml,
            untold_ml=(tumour - told) * voxel_ml,
            necrotic_fraction=fraction,
            score=necrosis_score(fraction),
            pattern=_pattern(fraction, central, largest),
            central_index=central,
            largest_piece_fraction=largest,
            pieces=pieces,
            rejected_voxels=tumour - told,
            rim_voxels=tumour - core,
            parts=TissueParts(labels, self._first, self._geometry.shape),
            warnings=_warnings(tumour - told, core),
            method=f"threshold on {threshold.quantity}",
            parameters=parameters,
        )

    def values(self, quantity: str) -> np.ndarray:
        """Return what a threshold is compared with, of every voxel that can be told (1-D), for a histogram.

        :param quantity: SUBTRACTION, RELATIVE_ENHANCEMENT (a ratio), PHASE or BEFORE_CONTRAST.
        :raises InputError: an image needed is missing.
        """
        values, usable = self._values(quantity)
        return values[usable]

    def _image(self, name: str) -> np.ndarray:
        if name not in self._images:
            raise InputError("This needs an image before contrast; choose one, or a threshold on one phase.")
        return self._images[name]

    def _values(self, quantity: str) -> tuple[np.ndarray, np.ndarray]:
        """Return a quantity in the lesion's box, and where it is usable; prepared on first use."""
        if quantity not in self._prepared:
            box = tuple(slice(a, a + n) for a, n in zip(self._first, self._lesion.shape, strict=True))
            if quantity == SUBTRACTION:
                values = subtract(self._images["post"][box], self._image("pre")[box])
            elif quantity == RELATIVE_ENHANCEMENT:
                signals = np.stack([self._image("pre")[box], self._images["post"][box]], axis=-1)
                values = relative_enhancement(signals, slice(0, 1))[..., 1]
            elif quantity == BEFORE_CONTRAST:
                values = self._image("pre")[box]
            else:
                values = self._images["post"][box]
            values = np.asarray(values, dtype=np.result_type(values, np.float32))
            usable = self._core & np.isfinite(values)
            self._prepared[quantity] = (_median(values, usable) if self._median else values), usable
        return self._prepared[quantity]

    @cached_property
    def _depth_rank(self) -> np.ndarray:
        """Rank of each voxel's distance from the lesion's edge, 0 (outermost) to 1 (deepest), ties at their middle."""
        rows = self._geometry.spacing_mm[::-1]
        depth = ndimage.distance_transform_edt(np.pad(self._lesion, 1), sampling=rows)[1:-1, 1:-1, 1:-1]
        _values, inverse, counts = np.unique(depth[self._core], return_inverse=True, return_counts=True)
        rank = np.zeros(self._lesion.shape)  # the rim is the outermost
        rank[self._core] = ((np.cumsum(counts) - 0.5 * counts) / counts.sum())[inverse]
        return rank

    def _spread(self, necrotic, usable, fraction: float) -> tuple[int, float, float]:
        """Return the number of pieces of necrosis, the largest one's part of it, and the central index."""
        if fraction == 0.0:
            return 0, 0.0, float("nan")
        labels, pieces = ndimage.label(necrotic)
        largest = np.bincount(labels.ravel())[1:].max() / np.count_nonzero(necrotic)
        if fraction == 1.0:
            return pieces, float(largest), float("nan")
        rank = self._depth_rank
        difference = rank[necrotic].mean() - rank[usable & ~necrotic].mean()
        return pieces, float(largest), float(np.clip(2.0 * difference, -1.0, 1.0))


def _median(values: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Replace each usable value by the median of itself and its usable face neighbours in the slice."""
    padded = np.pad(np.where(usable, values, np.nan), 1, constant_values=np.nan)
    middle = (slice(1, -1),) * 3
    neighbours = [padded[middle][usable]]
    for axis in (1, 2):
        for shift in (slice(None, -2), slice(2, None)):
            neighbours.append(padded[(*middle[:axis], shift, *middle[axis + 1 :])][usable])
    neighbours = np.sort(np.stack(neighbours), axis=0)  # NaN last
    count = np.count_nonzero(np.isfinite(neighbours), axis=0)
    column = np.arange(neighbours.shape[1])
    result = np.array(values, copy=True)
    result[usable] = 0.5 * (neighbours[(count - 1) // 2, column] + neighbours[count // 2, column])
    return result


def _pattern(fraction: float, central_index: float, largest_piece_fraction: float) -> NecrosisPattern:
    if fraction == 0.0:
        return NecrosisPattern.NONE
    if fraction == 1.0:
        return NecrosisPattern.COMPLETE
    central = central_index >= CENTRAL_FROM and largest_piece_fraction >= 0.5
    return NecrosisPattern.CENTRAL if central else NecrosisPattern.DIFFUSE


def _warnings(rejected: int, voxels: int) -> tuple[str, ...]:
    if rejected <= MOST_REJECTED * voxels:
        return ()
    sentence = (
        f"{rejected} of {voxels} voxels of the lesion ({100 * rejected / voxels:.0f} %) have no usable signal and were left out; "
        "the necrotic part is that of the others."
    )
    return (sentence,)
