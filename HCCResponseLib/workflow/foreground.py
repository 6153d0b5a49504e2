"""Tells the body from the air around it."""

import numpy as np
import SimpleITK as sitk

__all__ = ["foreground_mask"]


def foreground_mask(image: np.ndarray) -> np.ndarray:
    """Return the voxels brighter than Otsu's threshold of the logarithm (Otsu 1979).

    The logarithm keeps dark organs with the body when fluid or fat is many times brighter.

    :param image: magnitude image (k, j, i); values that are not finite and positive count as air.
    :returns: boolean mask; all False where nothing is positive.
    """
    usable = np.isfinite(image) & (image > 0)
    if not usable.any():
        return usable
    levels = np.zeros(image.shape, np.float32)
    levels[usable] = np.log(image[usable].astype(float))
    levels[~usable] = levels[usable].min()
    if np.ptp(levels) == 0:
        return usable
    inside = sitk.OtsuThreshold(sitk.GetImageFromArray(levels), 0, 1, 256)
    return sitk.GetArrayFromImage(inside).astype(bool) & usable
