"""The grey values that a volume is first shown with: those the scanner proposes, else those of its tissue."""

import numpy as np

from .volumes import volume_array

__all__ = ["set_display_window"]

_SHOWN_PERCENTILES = (1.0, 99.5)
_MOST_VOXELS = 100_000


def set_display_window(volume_node, frame=None) -> None:
    """Give a volume a display window; made where the volume has no display node.

    :param frame: a :class:`~HCCResponseLib.dicom.Frame` whose file may tell the window; for values that the scanner displays. Without
        one, or where it tells nothing or nothing that fits the values, the window spans what is brighter than air.
    """
    volume_node.CreateDefaultDisplayNodes()
    values = volume_array(volume_node).ravel()
    values = values[:: max(1, values.size // _MOST_VOXELS)]
    values = values[np.isfinite(values)]
    low, high = (float(x) for x in np.percentile(values, _SHOWN_PERCENTILES)) if values.size else (0.0, 1.0)
    window = None if frame is None else _told_window(frame)
    if window is None or window[0] - window[1] / 2 >= high or window[0] + window[1] / 2 <= low:
        window = ((low + high) / 2, max(high - low, 1e-6))
    display = volume_node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevel(window[1], window[0])


def _told_window(frame) -> tuple[float, float] | None:
    """Return (centre, width) in the header of a frame; None where there is none."""
    from pydicom import dcmread

    from ..dicom.headers import number, quiet_pydicom, sequence_item

    def of(place) -> tuple[float, float] | None:
        centre, width = number(place, "WindowCenter"), number(place, "WindowWidth")
        return (centre, width) if centre is not None and width is not None and width > 0 else None

    shared, each = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
    with quiet_pydicom():
        dataset = dcmread(frame.path, stop_before_pixels=True, specific_tags=["WindowCenter", "WindowWidth", shared])
        window = of(dataset) or of(sequence_item(sequence_item(dataset, shared), "FrameVOILUTSequence"))
        if window is None and shared in dataset:
            # last, because it is long
            frames = dcmread(frame.path, stop_before_pixels=True, specific_tags=[each]).get(each) or ()
            window = of(sequence_item(frames[frame.index], "FrameVOILUTSequence")) if frame.index < len(frames) else None
    return window
