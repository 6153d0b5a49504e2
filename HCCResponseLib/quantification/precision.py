"""The number type of results."""

import numpy as np

__all__ = ["result_type"]


def result_type(values: np.ndarray) -> np.dtype:
    """Return float32 for float32 (and float16) of any byte order, else float64, both in the byte order of the machine."""
    return np.dtype(np.float32 if values.dtype.kind == "f" and values.dtype.itemsize <= 4 else np.float64)
