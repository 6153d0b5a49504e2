"""What makes a diffusion series unusable, each as one sentence that names the series and says what to do."""

from collections import Counter

import numpy as np

from ..errors import InputError
from .checks import listing
from .diffusion_groups import NO_DIRECTION, DiffusionFrames

__all__ = ["check_complete", "check_echo_times"]

ECHO_TIME_TOLERANCE = 0.01
"""Relative difference of echo times that rounding explains."""


def check_echo_times(images: DiffusionFrames, label: str) -> None:
    """All b-values must have one echo time.

    :raises InputError: they have not.
    """
    times = [{frame.echo_time_s for frame in images.of(g)} - {None} for g in range(len(images.values))]
    known = [time for at_b in times for time in at_b]
    if known and max(known) - min(known) > ECHO_TIME_TOLERANCE * min(known):
        found = ", ".join(
            f"b = {value:g}: {' and '.join(f'{time * 1e3:g}' for time in sorted(at_b))} ms"
            for value, at_b in zip(images.values, times, strict=True)
            if at_b
        )
        raise InputError(
            f"{label}: the images have different echo times ({found}). Their signals differ by T2 as well as by diffusion, "
            "so no ADC can be told; choose images of one echo time.",
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
                found.append(f"{usual - counts[fewer].min()} missing in slices {listing(fewer + 1)}")
            if len(more):
                example = images.frames[np.flatnonzero(chosen & (place == more[0]))[0]]
                found.append(f"{counts[more].max() - usual} repeated in slices {listing(more + 1)} (such as '{example.name}')")
            if found:
                which = f"b = {value:g}" + ("" if d == NO_DIRECTION else f", direction {n}")
                raise InputError(
                    f"{label}: the slices do not have equally many images of {which}: {usual} in most of its {slices} slices, "
                    f"but {'; '.join(found)}. Export the whole series again, once, into an empty folder.",
                )
