"""What makes the images of any series unusable, each as one sentence that names the series and says what to do."""

from collections.abc import Iterable, Sequence

import numpy as np

from ..errors import InputError
from .image_kind import split_series
from .series import Frame, Series
from .signals import PHILIPS_SCALE_TOLERANCE

__all__ = [
    "check_images",
    "check_one_examination",
    "check_one_kind",
    "check_scaling",
    "checked_frames",
    "common_warnings",
    "listing",
]


def checked_frames(series: Sequence[Series], scaling: str, label: str) -> tuple[list[Frame], np.ndarray]:
    """Return the images of series that are read together, and the number of the series that each is of, int (frames,).

    :raises InputError: as all checks here.
    """
    check_one_examination(series)
    frames = [frame for one in series for frame in one.frames]
    check_images(frames, label)
    check_one_kind(series)
    check_scaling(frames, scaling, label)
    return frames, np.repeat(np.arange(len(series)), [len(one.frames) for one in series])


def check_one_examination(series: Sequence[Series]) -> None:
    """Series that are read together must be of one patient and one study.

    :raises InputError: they are not.
    """
    patients = {one.patient_key: one.patient for one in series}
    if len(patients) > 1:
        raise InputError(f"The chosen series are of different patients: {', '.join(patients.values())}. Choose series of one patient.")
    if len({one.study_uid for one in series}) > 1:
        named = ", ".join(f"{one.label} ({one.study_date or 'no date'})" for one in series)
        raise InputError(f"The chosen series are of different examinations: {named}. Choose series of one examination.")


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


def check_one_kind(series: Sequence[Series]) -> None:
    """Each series must hold images of one kind.

    :raises InputError: water and fat images, or two echoes, are together in one.
    """
    for one in series:
        parts = split_series(one)
        if len(parts) > 1:
            raise InputError(
                f"{one.label} holds images of several kinds: {', '.join(f'{part.part} ({len(part.frames)} images)' for part in parts)}. "
                "Choose one of them.",
            )


def check_scaling(frames: Sequence[Frame], scaling: str, label: str) -> None:
    """The asked scaling must be possible and give comparable signals.

    :param scaling: 'rescale' or 'philips_private'.
    :raises InputError: no such scaling, no scale factors, or such that displayed values of different images cannot be compared.
    """
    if scaling not in {"rescale", "philips_private"}:
        raise InputError(f"Scaling is 'rescale' or 'philips_private', not '{scaling}'.")
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
            "cannot be compared with each other. Read the series with Philips' private scaling.",
        )


def common_warnings(series: Sequence[Series], label: str) -> list[str]:
    """Tell what may be wrong with any series that are read together."""
    found = []
    if len({one.frame_of_reference_uid for one in series}) > 1:
        found.append(f"{label}: the series have different frames of reference; the patient may have been moved between them.")
    if any(frame.lossy for one in series for frame in one.frames):
        found.append(f"{label}: its images were compressed with loss, which changes signals. Ask for the originals.")
    return found


def listing(items: Iterable) -> str:
    """Join the first ten items with commas and say how many more there are."""
    items = list(items)
    return ", ".join(str(i) for i in items[:10]) + (f" and {len(items) - 10} more" if len(items) > 10 else "")
