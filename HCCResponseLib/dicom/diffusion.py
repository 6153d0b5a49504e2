"""A diffusion-weighted series as it comes off the scanner, read into one signal per voxel and b-value."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..errors import GeometryError, InputError
from ..geometry import Geometry
from ..progress import Progress, report_progress
from .diffusion_elements import READ_FROM_TEXT
from .pixels import PixelReader
from .recognition import B0_LIMIT, FrameKind, frame_kinds, is_source
from .series import Frame, Series
from .slices import sort_into_slices

__all__ = ["DiffusionSeries", "read_diffusion"]

B_VALUE_TOLERANCE = 0.025
"""b-values that differ by no more than this fraction (or 0.5 s/mm2) from the next one are one nominal b-value."""

SAME_DIRECTION = 0.9998
"""Cosine above which two gradients (of either sign) have one direction: 1.1 degrees."""

NO_DIRECTION = -1

SAME_GRID_MM = 0.1
"""Largest distance between corresponding voxels of series that are fitted together."""

ECHO_TIME_TOLERANCE = 0.01
"""Relative difference of echo times that rounding explains."""

PHILIPS_SCALE_TOLERANCE = 1e-3
"""Relative difference of RS * SS between images that rounding explains."""


@dataclass(frozen=True)
class DiffusionSeries:
    """Signals of a diffusion examination, one volume for each b-value.

    :param signals: float32 (k, j, i, b), rescaled; 0 where an image is 0, NaN where it is negative (no geometric mean).
    :param b_values: s/mm2, ascending, float64 (b,).
    :param geometry: grid of the volumes, LPS.
    :param directions_per_b: gradient directions combined into each b-value; 0 where the images have none (b = 0, trace).
    :param averages: images combined into each voxel of each b-value.
    :param notes: what was done, for the record.
    :param warnings: what the user should look at.
    :param series: the series that were read.
    :param scaling: 'rescale' or 'philips_private'.
    """

    signals: np.ndarray
    b_values: np.ndarray
    geometry: Geometry
    directions_per_b: tuple[int, ...]
    averages: tuple[int, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    series: tuple[Series, ...]
    scaling: str

    @property
    def label(self) -> str:
        """How a message names the series."""
        return _label(self.series)


def read_diffusion(
    series: Series | Sequence[Series],
    *,
    b0_limit: float = B0_LIMIT,
    scaling: Literal["rescale", "philips_private"] = "rescale",
    progress: Progress | None = None,
) -> DiffusionSeries:
    """Read source images into signals, in order of space and b-value.

    Images up to ``b0_limit`` are b = 0. Those of one b-value are combined: repeats of one direction (and all b = 0
    images) by the arithmetic mean, whose expectation is the signal; directions by the geometric mean, because
    exp(-b g'Dg) averages to exp(-b trace(D)/3) only in the logarithm. Where directions are not told, the geometric mean
    is taken: it is right for directions and off by less than 1/(2 SNR^2) for repeats. b-values within 2.5 % of each other
    are one nominal b-value; the mean b-value belongs to the geometric mean exactly.
    Maps made by the scanner are left out; so are trace-weighted images where the directions of that b-value are there too.

    :param series: one series, or several that hold one b-value each of the same slices.
    :param b0_limit: s/mm2.
    :param scaling: 'rescale' gives SV * RS + RI, the values that the scanner displays; 'philips_private' gives
        (SV * RS + RI) / (RS * SS) with Philips' scale slope (2005,100E), proportional to the received signal also across
        series (Chenevert et al., Transl Oncol 2014;7:65).
    :param progress: told the finished fraction; may cancel.
    :raises InputError: no source images, a missing b-value, one b-value only, slices not equal for all b-values, colour or
        mosaic images, different echo times, scale factors missing or contradictory, pixels that cannot be read, several
        patients or studies.
    :raises GeometryError: see :func:`sort_into_slices`.
    :raises Cancelled: ``progress`` returned False.
    """
    if scaling not in {"rescale", "philips_private"}:
        raise InputError(f"Scaling is 'rescale' or 'philips_private', not '{scaling}'.")
    series = (series,) if isinstance(series, Series) else tuple(series)
    if not series:
        raise InputError("No diffusion series was chosen.")
    notes = [f"{one.label}: {note}" for one in series for note in one.notes]
    warnings: list[str] = []
    label = _label(series)
    _check_one_examination(series, warnings)

    frames, traces, source = _source_frames(series, label, notes)
    _check_images(frames, label)
    b = _b_values(frames, [series[s].manufacturer for s in source], label, notes)
    group = _group_b_values(b, b0_limit)
    direction = _directions(frames, traces, group)
    keep = _without_extra_traces(direction, group, b, label, notes)
    frames = [frame for frame, kept in zip(frames, keep, strict=True) if kept]
    b, group, direction, source = b[keep], group[keep], direction[keep], source[keep]
    values = np.array([b[group == g].mean() if g else 0.0 for g in np.unique(group)])
    group = np.unique(group, return_inverse=True)[1]
    if len(values) < 2:
        raise InputError(
            f"{label}: only one b-value (b = {values[0]:g}) was found; an ADC map needs two or more. "
            "If every b-value is a series of its own, choose these series together.",
        )
    _note_grouping(b, group, values, label, notes)
    if any(frame.lossy for frame in frames):
        warnings.append(f"{label}: its images were compressed with loss, which changes signals and so the ADC. Ask for the originals.")
    _check_echo_times(frames, group, values, label)
    _check_scaling(frames, scaling, label)

    geometry, place = _place(frames, source, series, notes)
    _check_complete(frames, place, group, direction, values, label)
    signals = _read_signals(frames, place, group, direction, values, geometry.shape, scaling, progress)
    counts = [int(np.count_nonzero(group == g)) // geometry.shape[0] for g in range(len(values))]
    directions = [len(set(direction[group == g]) - {NO_DIRECTION}) for g in range(len(values))]
    for value, count, told in zip(values, counts, directions, strict=True):
        if value and count > 1 and not told:
            notes.append(f"{label}: {count} images at b = {value:g} have no gradient direction; their geometric mean is taken.")
    return DiffusionSeries(
        signals, values, geometry, tuple(directions), tuple(counts), tuple(notes), tuple(warnings), series, scaling,
    )


def _label(series: Sequence[Series]) -> str:
    return " + ".join(one.label for one in series)


def _check_one_examination(series: Sequence[Series], warnings: list[str]) -> None:
    patients = {one.patient_key: one.patient for one in series}
    if len(patients) > 1:
        raise InputError(f"The chosen series are of different patients: {', '.join(patients.values())}. Choose series of one patient.")
    if len({one.study_uid for one in series}) > 1:
        listing = ", ".join(f"{one.label} ({one.study_date or 'no date'})" for one in series)
        raise InputError(f"The chosen series are of different examinations: {listing}. Choose series of one examination.")
    if len(series) > 1:
        warnings.append(
            f"{_label(series)}: if these series were acquired one by one, their receiver gains may differ, which shifts the ADC.",
        )
    if len({one.frame_of_reference_uid for one in series}) > 1:
        warnings.append(f"{_label(series)}: the series have different frames of reference; the patient may have been moved between them.")


def _source_frames(series: Sequence[Series], label: str, notes: list[str]) -> tuple[list[Frame], np.ndarray, np.ndarray]:
    """Frames that may be fitted; which of them are trace-weighted, bool (frames,); number of their series, int (frames,)."""
    found = [(frame, kind, s) for s, one in enumerate(series) for frame, kind in zip(one.frames, frame_kinds(one), strict=True)]
    left = Counter(kind for _, kind, _ in found if not is_source(kind))
    listing = ", ".join(f"{count} x {kind}" for kind, count in left.items())
    found = [row for row in found if is_source(row[1])]
    if not found:
        raise InputError(f"{label} holds no source images, only results of the scanner ({listing}). Choose the diffusion-weighted series.")
    if left:
        notes.append(f"{label}: results of the scanner were left out: {listing}.")
    frames, kinds, source = zip(*found, strict=True)
    return list(frames), np.array([kind is FrameKind.TRACE for kind in kinds]), np.array(source)


def _check_images(frames: Sequence[Frame], label: str) -> None:
    tiled = [f for f in frames if f.tiled]
    if tiled:
        raise InputError(
            f"{label}: '{tiled[0].name}' is a mosaic that holds many slices in one image. "
            "Export the series as single slices (mosaic off) or as enhanced DICOM.",
        )
    colour = [f for f in frames if f.samples_per_pixel != 1 or f.photometric != "MONOCHROME2"]
    if colour:
        raise InputError(
            f"{label}: '{colour[0].name}' is no grey-level signal image ({colour[0].photometric or 'no photometric interpretation'}). "
            "Choose the source images, not a colour map or a screen copy.",
        )


def _b_values(frames: Sequence[Frame], manufacturers: Sequence[str], label: str, notes: list[str]) -> np.ndarray:
    """b-value of each frame, float64 (frames,)."""
    missing = [f for f in frames if f.b_value is None]
    # Toshiba and Canon write the element only where a gradient is switched on
    left_out_at_zero = all(
        m.casefold().startswith(("canon", "toshiba")) for f, m in zip(frames, manufacturers, strict=True) if f.b_value is None
    )
    if len(missing) == len(frames):
        raise InputError(
            f"{label}: no b-values were found in its headers. Export the series again without removing private elements; "
            "if it was anonymised, keep the diffusion b-value (0018,9087).",
        )
    if missing and not left_out_at_zero:
        raise InputError(
            f"{label}: {len(missing)} of {len(frames)} images have no b-value (first '{missing[0].name}'); the others have "
            f"b = {', '.join(f'{b:g}' for b in sorted({f.b_value for f in frames if f.b_value is not None}))}. "
            "Export the series again without removing private elements.",
        )
    if missing:
        notes.append(f"{label}: {len(missing)} images without b-value are taken as b = 0, where this manufacturer leaves it out.")
    for text in dict.fromkeys(f.b_value_source for f in frames if f.b_value_source in READ_FROM_TEXT):
        notes.append(f"{label}: b-values were read from the {text}, because the elements made for them are not in the headers.")
    return np.array([0.0 if f.b_value is None else f.b_value for f in frames])


def _group_b_values(b: np.ndarray, b0_limit: float) -> np.ndarray:
    """Number of the nominal b-value of each frame, int (frames,), ascending; 0 is b = 0 and may be without frames."""
    distinct = np.unique(b[b > b0_limit])
    starts = np.diff(distinct, prepend=-np.inf) > np.maximum(0.5, B_VALUE_TOLERANCE * distinct)
    number = np.cumsum(starts)
    group = np.zeros(len(b), dtype=int)
    weighted = b > b0_limit
    group[weighted] = number[np.searchsorted(distinct, b[weighted])]
    return group


def _directions(frames: Sequence[Frame], traces: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Number of the gradient direction of each frame, int (frames,); NO_DIRECTION at b = 0, for traces and where untold."""
    numbers: dict[tuple, int] = {}
    direction = np.full(len(frames), NO_DIRECTION)
    for position, frame in enumerate(frames):
        vector = frame.gradient_direction
        if vector is None or traces[position] or group[position] == 0:
            continue
        if vector not in numbers:
            same = (n for known, n in numbers.items() if abs(np.dot(known, vector)) > SAME_DIRECTION)
            numbers[vector] = next(same, len(set(numbers.values())))
        direction[position] = numbers[vector]
    return direction


def _without_extra_traces(direction: np.ndarray, group: np.ndarray, b: np.ndarray, label: str, notes: list[str]) -> np.ndarray:
    """Which frames to keep, bool (frames,): an image without direction among directions is their mean, not one more."""
    keep = np.ones(len(direction), dtype=bool)
    for g in np.unique(group[group > 0]):
        extra = (group == g) & (direction == NO_DIRECTION)
        if extra.any() and not extra.sum() == (group == g).sum():
            keep &= ~extra
            notes.append(
                f"{label}: {extra.sum()} trace-weighted images at b = {b[extra].mean():g} were left out; "
                "the directions they were made of are used.",
            )
    return keep


def _note_grouping(b: np.ndarray, group: np.ndarray, values: np.ndarray, label: str, notes: list[str]) -> None:
    for g, value in enumerate(values):
        found = np.unique(b[group == g])
        if len(found) > 1 or found[0] != value:
            listing = ", ".join(f"{x:g}" for x in found[:8]) + (" ..." if len(found) > 8 else "")
            notes.append(f"{label}: the b-values {listing} were taken as b = {value:g}.")


def _check_echo_times(frames: Sequence[Frame], group: np.ndarray, values: np.ndarray, label: str) -> None:
    times = {value: {f.echo_time_s for f, g in zip(frames, group, strict=True) if g == i} - {None} for i, value in enumerate(values)}
    known = [t for found in times.values() for t in found]
    if known and max(known) - min(known) > ECHO_TIME_TOLERANCE * min(known):
        listing = ", ".join(
            f"b = {value:g}: {' and '.join(f'{t * 1e3:g}' for t in sorted(found))} ms" for value, found in times.items() if found
        )
        raise InputError(
            f"{label}: the images have different echo times ({listing}). Their signals differ by T2 as well as by diffusion, "
            "so no ADC can be told; choose images of one echo time.",
        )


def _check_scaling(frames: Sequence[Frame], scaling: str, label: str) -> None:
    if any(f.rescale_slope == 0 for f in frames):
        raise InputError(f"{label}: the rescale slope in its headers is 0. Export the series again.")
    scales = [f.rescale_slope * f.philips_slope for f in frames if f.philips_slope]
    if scaling == "philips_private":
        if len(scales) < len(frames):
            raise InputError(
                f"{label}: {len(frames) - len(scales)} of {len(frames)} images have no Philips scale slope (2005,100E). "
                "Use the public rescale values instead.",
            )
    elif scales and max(scales) - min(scales) > PHILIPS_SCALE_TOLERANCE * max(scales):
        raise InputError(
            f"{label}: Philips scaled its images differently (scale factors {min(scales):g} to {max(scales):g}), so the displayed values "
            "cannot be compared between b-values. Read the series with Philips' private scaling.",
        )


def _place(frames: Sequence[Frame], source: np.ndarray, series: Sequence[Series], notes: list[str]) -> tuple[Geometry, np.ndarray]:
    """Grid of the images and the slice number of each, int (frames,); every series must lie on the same grid."""
    place = np.empty(len(frames), dtype=int)
    grids: list[tuple[Series, Geometry]] = []
    for s in np.unique(source):
        chosen = source == s
        slices = sort_into_slices([frame for frame, c in zip(frames, chosen, strict=True) if c], series[s].label)
        place[chosen] = slices.index
        notes.extend(slices.notes)
        grids.append((series[s], slices.geometry))
    first = grids[0][1]
    if not all(first.matches(geometry, SAME_GRID_MM) for _, geometry in grids):
        listing = "; ".join(f"{one.label}: {_grid_in_words(geometry)}" for one, geometry in grids)
        raise GeometryError(f"The chosen series do not lie on the same slices, so they cannot be fitted together: {listing}.")
    return first, place


def _grid_in_words(geometry: Geometry) -> str:
    k, j, i = geometry.shape
    spacing = " x ".join(f"{mm:.4g}" for mm in geometry.spacing_mm)
    corner = ", ".join(f"{mm:.1f}" for mm in geometry.origin_lps)
    normal = ", ".join(f"{x:.3f}" for x in geometry.direction_lps[:, 2])
    return f"{i} x {j} x {k} voxels of {spacing} mm, first voxel at ({corner}), slice normal ({normal})"


def _check_complete(
    frames: Sequence[Frame], place: np.ndarray, group: np.ndarray, direction: np.ndarray, values: np.ndarray, label: str,
) -> None:
    """Every slice must have as many images of each b-value and direction as every other slice."""
    slices = place.max() + 1
    for g, value in enumerate(values):
        for d in np.unique(direction[group == g]):
            chosen = (group == g) & (direction == d)
            counts = np.bincount(place[chosen], minlength=slices)
            usual = Counter(counts.tolist()).most_common(1)[0][0]
            if (counts == usual).all():
                continue
            what = f"b = {value:g}" + ("" if d == NO_DIRECTION else f", direction {np.unique(direction[group == g]).tolist().index(d) + 1}")
            fewer, more = np.flatnonzero(counts < usual), np.flatnonzero(counts > usual)
            found = []
            if len(fewer):
                found.append(f"{usual - counts[fewer].min()} missing in slices {_listing(fewer + 1)}")
            if len(more):
                example = next(f for f, c, p in zip(frames, chosen, place, strict=True) if c and p == more[0])
                found.append(f"{counts[more].max() - usual} repeated in slices {_listing(more + 1)} (such as '{example.name}')")
            raise InputError(
                f"{label}: the slices do not have equally many images of {what}: {usual} in most of its {slices} slices, "
                f"but {'; '.join(found)}. Export the whole series again, once, into an empty folder.",
            )


def _listing(items: np.ndarray) -> str:
    return ", ".join(str(i) for i in items[:10]) + (f" and {len(items) - 10} more" if len(items) > 10 else "")


def _read_signals(
    frames: Sequence[Frame],
    place: np.ndarray,
    group: np.ndarray,
    direction: np.ndarray,
    values: np.ndarray,
    shape: tuple[int, int, int],
    scaling: str,
    progress: Progress | None,
) -> np.ndarray:
    """Signals, float32 (k, j, i, b), made slice by slice so that only the result stands in memory as a whole."""
    reader = PixelReader()
    signals = np.empty((*shape, len(values)), dtype=np.float32)
    done = 0
    for k in range(shape[0]):
        for g, value in enumerate(values):
            chosen = np.flatnonzero((place == k) & (group == g))
            images = np.stack([_scaled(reader.stored(frames[i]), frames[i], scaling) for i in chosen])
            signals[k, :, :, g] = images.mean(axis=0) if value == 0 else _geometric_mean(images, direction[chosen])
            done += len(chosen)
            report_progress(progress, done / len(frames))
    return signals


def _scaled(stored: np.ndarray, frame: Frame, scaling: str) -> np.ndarray:
    displayed = stored * np.float64(frame.rescale_slope) + frame.rescale_intercept
    return displayed / (frame.rescale_slope * frame.philips_slope) if scaling == "philips_private" else displayed


def _geometric_mean(images: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Geometric mean over directions of the arithmetic mean over each one's repeats; (images, rows, columns) to (rows, columns).

    0 where one is 0, NaN where one is negative.
    """
    if direction[0] != NO_DIRECTION:
        images = np.stack([images[direction == d].mean(axis=0) for d in np.unique(direction)])
    if len(images) == 1:
        return images[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.exp(np.log(images).mean(axis=0))
