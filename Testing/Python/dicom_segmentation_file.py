"""Writes outlines as a DICOM segmentation object, for tests: binary, bit-packed, only the slices with something in them."""

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.pixels import pack_bits
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from HCCResponseLib.response.region_types import RegionType

_STORAGE = "1.2.840.10008.5.1.4.1.1.66.4"
_TYPES = {"aorta": RegionType.AORTA, "liver reference": RegionType.LIVER_REFERENCE}


def write_dicom_segmentation(path: Path, regions, geometry, study_uid: str, tracking_uids) -> None:
    """Write regions; those with a tracking UID are hepatocellular carcinomas."""
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = _STORAGE, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = _STORAGE, meta.MediaStorageSOPInstanceUID, "SEG"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study_uid, generate_uid()
    dataset.PatientID, dataset.PatientName = "HCC-REFERENCE", "Reference^Patient"
    dataset.SegmentationType = "BINARY"
    dataset.Rows, dataset.Columns = geometry.shape[1:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME2", 0
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit = 0
    dataset.SegmentSequence = Sequence([_segment(number, one, tracking_uids) for number, one in enumerate(regions, start=1)])
    shared = Dataset()
    measures = Dataset()
    measures.PixelSpacing = [geometry.spacing_mm[1], geometry.spacing_mm[0]]
    measures.SliceThickness = measures.SpacingBetweenSlices = geometry.spacing_mm[2]
    orientation = Dataset()
    orientation.ImageOrientationPatient = [*geometry.direction_lps[:, 0], *geometry.direction_lps[:, 1]]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = Sequence([measures]), Sequence([orientation])
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    frames, planes = [], []
    for number, region in enumerate(regions, start=1):
        for k in np.flatnonzero(region.mask.any(axis=(1, 2))):
            frames.append(_frame(number, (geometry.ijk_to_lps @ [0.0, 0.0, float(k), 1.0])[:3]))
            planes.append(region.mask[k])
    dataset.PerFrameFunctionalGroupsSequence, dataset.NumberOfFrames = Sequence(frames), len(frames)
    packed = pack_bits(np.stack(planes).astype(np.uint8).ravel())
    dataset.PixelData = packed + b"\0" * (len(packed) % 2)
    pydicom.dcmwrite(path, dataset)


def _frame(number: int, position) -> Dataset:
    frame, identification, place = Dataset(), Dataset(), Dataset()
    identification.ReferencedSegmentNumber = number
    place.ImagePositionPatient = [float(f"{value:.10g}") for value in position]
    frame.SegmentIdentificationSequence, frame.PlanePositionSequence = Sequence([identification]), Sequence([place])
    return frame


def _segment(number: int, region, tracking_uids) -> Dataset:
    segment = Dataset()
    segment.SegmentNumber, segment.SegmentLabel = number, region.name
    kind = _TYPES.get(region.name, RegionType.HEPATOCELLULAR_CARCINOMA)
    segment.SegmentedPropertyTypeCodeSequence = Sequence([_code(kind.code)])
    if kind.modifier is not None:
        segment.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = Sequence([_code(kind.modifier)])
    if region.name in tracking_uids:
        segment.TrackingID, segment.TrackingUID = region.name, tracking_uids[region.name]
    return segment


def _code(code) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code
    return item
