"""How fast a folder of DICOM files is scanned and read: 544 classic files, and the same images as one enhanced file."""

import tempfile
from pathlib import Path

from table import Row, best_seconds, print_table  # first: holds BLAS to one thread

import numpy as np
import pydicom

from HCCResponseLib.dicom import read_diffusion, scan_folder
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.phantom.dicom_series import Volume, write_series

SLICES, MATRIX, VOLUMES = 32, 112, 17


def main() -> bool:
    """Print the table; tell whether every target was met."""
    rng = np.random.default_rng(0)
    geometry = Geometry.from_parts((SLICES, MATRIX, MATRIX), (2.0, 2.0, 2.0))
    directions = rng.normal(size=(VOLUMES - 5, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    volumes = [Volume(rng.integers(1, 4000, geometry.shape), 0.0) for _ in range(5)]
    volumes += [Volume(rng.integers(1, 4000, geometry.shape), 1000.0, tuple(direction)) for direction in directions]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, enhanced in (("classic, 544 files", False), ("enhanced, 1 file of 544 frames", True)):
            place = Path(folder, kind)
            paths = write_series(place, volumes, geometry, vendor="philips", enhanced=enhanced)
            scan = best_seconds(lambda place=place: scan_folder(place), 3)
            series = scan_folder(place).series[0]
            read = best_seconds(lambda series=series: read_diffusion(series), 3)
            rows.append(Row(f"scan, {kind}", f"{scan:.2f} s", "<= 2 s", scan <= 2))
            if not enhanced:
                bare = best_seconds(lambda paths=paths: [pydicom.dcmread(path, stop_before_pixels=True) for path in paths], 3)
                rows.append(Row("  against pydicom reading the headers alone", f"{scan / bare:.1f} x"))
            rows.append(Row(f"read and combine, {kind}", f"{read:.2f} s", "<= 2 s", read <= 2))
    return print_table("DICOM: 32 slices of 112 x 112, 5 x b = 0 and 12 directions of b = 1000", rows)


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
