"""How fast a folder of DICOM files is scanned, recognised and read: diffusion and dynamic series, classic and enhanced."""

import tempfile
from pathlib import Path

from table import Row, best_seconds, print_table  # first: holds BLAS to one thread

import numpy as np
import pydicom

from HCCResponseLib.dicom import read_diffusion, read_dynamic, recognise_examination, scan_folder
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.phantom.dicom_series import SeriesHeader, Volume, write_series

SLICES, MATRIX, VOLUMES, TIME_POINTS = 32, 112, 17, 70


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
    met = print_table("DICOM: 32 slices of 112 x 112, 5 x b = 0 and 12 directions of b = 1000", rows)
    return dynamic() and met


def dynamic() -> bool:
    """Print the table of a dynamic series."""
    geometry = Geometry.from_parts((SLICES, MATRIX, MATRIX), (2.0, 2.0, 2.0))
    image = np.random.default_rng(0).integers(1, 4000, geometry.shape)
    volumes = [Volume(image, seconds=4.3 * t) for t in range(TIME_POINTS)]
    header = SeriesHeader(description="t1_vibe_dyn", echo_time_s=0.0013, repetition_time_s=0.004, flip_angle_deg=12.0)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, enhanced in (("classic, 2240 files", False), ("enhanced, 1 file of 2240 frames", True)):
            place = Path(folder, kind)
            paths = write_series(place, volumes, geometry, header, enhanced=enhanced)
            series = scan_folder(place).series
            recognised = best_seconds(lambda series=series: recognise_examination(series), 3)
            rows.append(Row(f"recognise, {kind}", f"{recognised:.2f} s", "<= 1 s", recognised <= 1))
            read = best_seconds(lambda series=series: read_dynamic(series), 3)
            rows.append(Row(f"read in the order of time, {kind}", f"{read:.2f} s", "<= 5 s", read <= 5))
            bare = best_seconds(lambda paths=paths: [pydicom.dcmread(path).pixel_array for path in paths], 2)
            rows.append(Row("  against pydicom reading the pixels alone", f"{read / bare:.1f} x"))
    return print_table(f"DICOM: dynamic series, {SLICES} slices of {MATRIX} x {MATRIX}, {TIME_POINTS} time points", rows)


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
