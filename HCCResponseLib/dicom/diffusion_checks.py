"""What makes a diffusion series unusable, each as one sentence that names the series and says what to do."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from .diffusion_groups import NO_DIRECTION, DiffusionFrames
from .series import Frame, Series

__all__ = ["check_complete", "check_echo_times", "check_images", "check_one_examination", "check_scaling"]

ECHO_TIME_TOLERANCE = 0.01
"""Relative difference of echo times that rounding explains."""

PHILIPS_SCALE_TOLERANCE = 1e-3
"""Relative difference of RS * SS between images that rounding explains."""


def check_one_examination(series: Sequence[Series]) -> None:
    """Series that are read together must be of one patient and one study.

    :raises InputError: they are not.
    """
    patients = {one.patient_key: one.patient for one in series}
    if len(patients) > 1:
        raise InputError(f"The chosen series are of different patients: {', '.join(patients.values())}. Choose series of one patient.")
    if len({one.study_uid for one in series}) > 1:
        listing = ", ".join(f"{one.label} ({one.study_date or 'no date'})" for one in series)
        raise InputError(f"The chosen series are of different examinations: {listing}. Choose series of one examination.")


def check_images(frames: Sequence[Frame], label: str) -> None:
    """Every image must be one grey-level slice.

    :raises InputError: a mosaic of slices, a colour or an inverted image.
    """
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


def check_echo_times(images: DiffusionFrames, label: str) -> None:
    """All b-values must have one echo time.

    :raises InputError: they have not.
    """
    times = [{frame.echo_time_s for frame in images.of(g)} - {None} for g in range(len(images.values))]
    known = [time for found in times for time in found]
    if known and max(known) - min(known) > ECHO_TIME_TOLERANCE * min(known):
        listing = ", ".join(
            f"b = {value:g}: {' and '.join(f'{time * 1e3:g}' for time in sorted(found))} ms"
            for value, found in zip(images.values, times, strict=True)
            if found
        )
        raise InputError(
            f"{label}: the images have different echo times ({listing}). Their signals differ by T2 as well as by diffusion, "
            "so no ADC can be told; choose images of one echo time.",
        )


def check_scaling(frames: Sequence[Frame], scaling: str, label: str) -> None:
    """The asked scaling must be possible and give comparable signals.

    :raises InputError: no scale factors, or such that displayed values of different images cannot be compared.
    """
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


def check_complete(images: DiffusionFrames, place: np.ndarray, label: str) -> None:
    """Every slice must have as many images of each b-value and direction as every other slice.

    :param place: slice number of each frame, int (frames,).
    :raises InputError: images are missing or repeated in some slices.
    """
    slices = place.max() + 1
    for g, value in enumerate(images.values):
        for n, d in enumerate(np.unique(images.direction[images.group == g]), start=1):
            chosen = (images.group == g) & (images.direction == d)
            counts = np.bincount(place[chosen], minlength=slices)
            usual = Counter(counts.tolist()).most_common(1)[0][0]
            fewer, more = np.flatnonzero(counts < usual), np.flatnonzero(counts > usual)
            found = []
            if len(fewer):
                found.append(f"{usual - counts[fewer].min()} missing in slices {_listing(fewer + 1)}")
            if len(more):
                example = images.frames[np.flatnonzero(chosen & (place == more[0]))[0]]
                found.append(f"{counts[more].max() - usual} repeated in slices {_listing(more + 1)} (such as '{example.name}')")
            if found:
                which = f"b = {value:g}" + ("" if d == NO_DIRECTION else f", direction {n}")
                raise InputError(
                    f"{label}: the slices do not have equally many images of {which}: {usual} in most of its {slices} slices, "
                    f"but {'; '.join(found)}. Export the whole series again, once, into an empty folder.",
                )


def _listing(items: np.ndarray) -> str:
    return ", ".join(str(i) for i in items[:10]) + (f" and {len(items) - 10} more" if len(items) > 10 else "")
