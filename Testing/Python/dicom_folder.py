"""Folders of synthetic DICOM series, for the tests of reading."""

import shutil
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from HCCResponseLib.dicom import Scan, Series, scan_folder
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.phantom.dicom_series import SeriesHeader, Volume, write_series

__all__ = ["DIRECTIONS", "GRIDS", "DicomFolderTestCase", "diffusion_volumes", "other_object", "place_signals"]

SHAPE = (4, 6, 5)
DIRECTIONS = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def _rotation(axis: tuple[float, float, float], degrees: float) -> np.ndarray:
    x, y, z = np.array(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.deg2rad(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


AXIAL = np.eye(3)
SAGITTAL = np.array([[0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
CORONAL = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])

GRIDS = {
    "axial": Geometry.from_parts(SHAPE, (1.5, 1.75, 5.0), (-100.0, -80.0, 20.0), AXIAL),
    "sagittal": Geometry.from_parts(SHAPE, (1.5, 1.75, 5.0), (60.0, -90.0, 110.0), SAGITTAL),
    "coronal": Geometry.from_parts(SHAPE, (1.5, 1.75, 5.0), (-120.0, 30.0, 140.0), CORONAL),
    "oblique": Geometry.from_parts(SHAPE, (1.5, 1.75, 5.0), (-110.0, -70.0, 15.0), _rotation((1.0, -2.0, 0.5), 23.0)),
    "double oblique sagittal": Geometry.from_parts(
        SHAPE, (1.5, 1.75, 5.0), (55.0, -95.0, 105.0), _rotation((0.3, 1.0, -0.4), -31.0) @ SAGITTAL,
    ),
}
"""Right-handed grids of all orientations; columns of the directions are those of i, j, k."""


def place_signals(geometry: Geometry) -> np.ndarray:
    """Integer signals (k, j, i) that differ in every voxel and tell its LPS place: 1000 + 3 x + 2 y + 5 z, rounded."""
    k, j, i = np.indices(geometry.shape)
    lps = geometry.ijk_to_lps @ np.stack([i, j, k, np.ones(geometry.shape)]).reshape(4, -1)
    return np.rint(2000 + np.array([3.0, 2.0, 5.0, 0.0]) @ lps).reshape(geometry.shape)


def diffusion_volumes(signals: np.ndarray, b_values=(0.0, 50.0, 800.0), directions=DIRECTIONS) -> list[Volume]:
    """Volumes of exact integers: one at b = 0, one for each direction at the others; each b-value halves the signal."""
    volumes = []
    for step, b in enumerate(b_values):
        for direction in (None,) if b == 0 or not directions else directions:
            volumes.append(Volume(np.rint(signals / 2**step), b, direction))
    return volumes


def other_object(path, sop_class: str, modality: str, **attributes) -> None:
    """Write a DICOM object that is no MR image."""
    d = Dataset()
    d.file_meta = FileMetaDataset()
    d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    d.SOPClassUID = d.file_meta.MediaStorageSOPClassUID = sop_class
    d.SOPInstanceUID = d.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
    d.StudyInstanceUID, d.SeriesInstanceUID, d.Modality = "1.2.3", "1.2.3.4", modality
    for name, value in attributes.items():
        setattr(d, name, value)
    d.save_as(path, enforce_file_format=True)


class DicomFolderTestCase(unittest.TestCase):
    """Gives every test an empty folder."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def write(self, volumes: list[Volume] | None = None, geometry: Geometry = GRIDS["axial"], **options) -> list[Path]:
        """Write a series (an ordinary diffusion series where no volumes are given) and return its files."""
        header = SeriesHeader(**{name: options.pop(name) for name in list(options) if name in SeriesHeader.__dataclass_fields__})
        volumes = diffusion_volumes(place_signals(geometry)) if volumes is None else volumes
        return write_series(self.folder, volumes, geometry, header, **options)

    def written(self, volumes: list[Volume] | None = None, geometry: Geometry = GRIDS["axial"], **options) -> Series:
        """Write a series as :meth:`write` does, but into an empty folder, and scan it."""
        for path in self.folder.iterdir():
            path.unlink()
        self.write(volumes, geometry, **options)
        return self.series()

    @staticmethod
    def edit(path: Path, change: Callable[[pydicom.Dataset], None]) -> None:
        """Change a file in place."""
        dataset = pydicom.dcmread(path)
        change(dataset)
        dataset.save_as(path, enforce_file_format=True)

    def scan(self) -> Scan:
        return scan_folder(self.folder)

    def series(self) -> Series:
        """The only series of the folder."""
        scan = self.scan()
        self.assertEqual([str(s.reason) for s in scan.skipped], [])
        self.assertEqual(len(scan.series), 1)
        return scan.series[0]
