"""Synthetic MR series written as DICOM in the habits of several manufacturers, classic or enhanced multi-frame.

For tests and for the demonstration: everything in the files follows from the arguments, UIDs included, and the objects
conform to the MR Image and Enhanced MR Image definitions (checked with dciodvfy of dicom3tools). Where a manufacturer
keeps an element private, so do these files: Siemens (0019,xx0C), GE (0043,xx39) with its offset of 10^9, Philips
(2001,xx03) and its scale slope (2005,xx0E), United Imaging (0065,xx09); Canon leaves the b-value out at b = 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import UID, EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

from ..errors import InputError
from ..geometry import Geometry
from ..version import __version__

__all__ = ["VENDORS", "SeriesHeader", "Volume", "write_series"]

VENDORS = {
    "siemens": ("SIEMENS", "MAGNETOM Aera"),
    "ge": ("GE MEDICAL SYSTEMS", "SIGNA Artist"),
    "philips": ("Philips", "Ingenia"),
    "uih": ("UIH", "uMR 780"),
    "canon": ("CANON_MEC", "Vantage Galan 3T"),
}
"""Manufacturer and model written for each style."""

PHILIPS_GAIN = 0.04
"""Displayed value over received signal, RS * SS, of all images of the Philips style."""
PRIVATE_BLOCK = 0x10


@dataclass(frozen=True)
class Volume:
    """One volume of a series: a b-value and direction, a flip angle, a dynamic phase.

    :param signals: (k, j, i), from 0 to 65535; rounded to integers, Philips' to 12 bits with a rescale slope.
    :param b_value: s/mm2; None for images that are not diffusion-weighted.
    :param direction: gradient direction, LPS; None at b = 0 and for trace-weighted images.
    :param derived: what the scanner made the volume into ("ADC", "FA" ...); None for source images.
    :param seconds: acquisition time after the start of the series.
    :param echo_time_s: instead of the series header's; so are ``repetition_time_s`` and ``flip_angle_deg``.
    :param rescale: slope and intercept; the stored values become (signals - intercept) / slope.
    """

    signals: np.ndarray
    b_value: float | None = None
    direction: Sequence[float] | None = None
    derived: str | None = None
    seconds: float = 0.0
    echo_time_s: float | None = None
    repetition_time_s: float | None = None
    flip_angle_deg: float | None = None
    rescale: tuple[float, float] | None = None


@dataclass(frozen=True)
class SeriesHeader:
    """What all images of a series share."""

    description: str = "ep2d_diff"
    number: int = 1
    patient_id: str = "PHANTOM"
    patient_name: str = "Phantom^Liver"
    start: datetime = datetime(2024, 3, 1, 9, 30)
    echo_time_s: float = 0.06
    repetition_time_s: float = 4.0
    flip_angle_deg: float = 90.0
    averages: int = 1


def write_series(
    folder: str | Path,
    volumes: Sequence[Volume],
    geometry: Geometry,
    header: SeriesHeader = SeriesHeader(),
    *,
    vendor: str = "siemens",
    enhanced: bool = False,
    seed: int = 0,
) -> list[Path]:
    """Write volumes as one DICOM series.

    :param folder: made where it does not exist; file names start with the series number.
    :param volumes: in the order of acquisition.
    :param geometry: grid of all volumes; right-angled.
    :param vendor: a key of :data:`VENDORS`.
    :param enhanced: one Enhanced MR file instead of one classic file for each slice.
    :param seed: enters the UIDs: equal arguments give equal files.
    :return: the files, in the order of volumes and slices.
    :raises InputError: unknown vendor, signals of another shape or beyond 16 bits.
    """
    if vendor not in VENDORS:
        raise InputError(f"Unknown vendor '{vendor}'; known are {', '.join(VENDORS)}.")
    for volume in volumes:
        if np.shape(volume.signals) != geometry.shape:
            raise InputError(f"A volume of shape {np.shape(volume.signals)} does not fit the geometry {geometry.shape}.")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    writer = _EnhancedWriter if enhanced else _ClassicWriter
    return writer(folder, volumes, geometry, header, vendor, seed).write()


class _Writer:
    """What classic and enhanced files have in common."""

    def __init__(self, folder: Path, volumes: Sequence[Volume], geometry: Geometry, header: SeriesHeader, vendor: str, seed: int):
        self.folder, self.volumes, self.geometry, self.header, self.vendor = folder, volumes, geometry, header, vendor
        self.study_key = (str(seed), header.patient_id, header.start.date().isoformat())
        self.series_key = (*self.study_key, str(header.number), vendor)
        self.diffusion = any(volume.b_value is not None for volume in volumes)
        self.brightest = max(float(np.max(volume.signals)) for volume in volumes)
        self.window = (_decimal(self.brightest / 2), _decimal(max(self.brightest, 1.0)))

    def uid(self, *key: object) -> UID:
        """Return a UID that depends on the key alone."""
        return generate_uid(entropy_srcs=[str(part) for part in key])

    def stored(self, volume: Volume) -> tuple[np.ndarray, float, float]:
        """Return stored values (k, j, i), uint16, with rescale slope and intercept."""
        signals = np.asarray(volume.signals, dtype=float)
        slope, intercept = volume.rescale or (1.0, 0.0)
        if volume.rescale is None and self.vendor == "philips":
            slope = _decimal(max(self.brightest, 1.0) / 4095.0)
        values = np.rint((signals - intercept) / slope)
        if not np.all(np.isfinite(values)) or values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
            raise InputError("Signals to be written as DICOM must lie between 0 and 65535.")
        return values.astype("<u2"), slope, intercept

    def position(self, k: int) -> list[float]:
        """Return the LPS centre of the first pixel of slice ``k``."""
        return [_decimal(x) for x in (self.geometry.ijk_to_lps @ [0.0, 0.0, k, 1.0])[:3]]

    def orientation(self) -> list[float]:
        """Return the six direction cosines."""
        return [_decimal(x) for x in self.geometry.direction_lps[:, :2].T.ravel()]

    def image_type(self, volume: Volume) -> list[str]:
        """Return ImageType as the vendor writes it for a classic image."""
        trace = bool(volume.b_value) and volume.direction is None
        if volume.derived is not None:
            return ["DERIVED", "PRIMARY", "DIFFUSION", volume.derived]
        if self.vendor == "siemens" and self.diffusion:
            return ["DERIVED", "PRIMARY", "DIFFUSION", "TRACEW", "ND"] if trace else ["ORIGINAL", "PRIMARY", "DIFFUSION", "NONE", "ND"]
        return {"philips": ["ORIGINAL", "PRIMARY", "M_SE", "M", "SE"], "siemens": ["ORIGINAL", "PRIMARY", "M", "ND"]}.get(
            self.vendor, ["ORIGINAL", "PRIMARY", "OTHER"],
        )

    def file(self, sop_class: UID, sop_instance: UID) -> Dataset:
        """Return a dataset with patient, study, series, equipment and pixel description."""
        header, geometry = self.header, self.geometry
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = sop_class
        meta.MediaStorageSOPInstanceUID = sop_instance
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        d = Dataset()
        d.file_meta = meta
        d.SpecificCharacterSet = "ISO_IR 100"
        d.SOPClassUID, d.SOPInstanceUID = sop_class, sop_instance
        d.StudyDate = d.SeriesDate = d.ContentDate = f"{header.start:%Y%m%d}"
        d.StudyTime = d.SeriesTime = d.ContentTime = f"{header.start:%H%M%S}"
        d.AccessionNumber = ""
        d.Modality = "MR"
        d.Manufacturer, d.ManufacturerModelName = VENDORS[self.vendor]
        d.DeviceSerialNumber = "0"
        d.SoftwareVersions = f"HCCResponse {__version__}"
        d.ReferringPhysicianName = ""
        d.StudyDescription = "Synthetic liver MRI"
        d.SeriesDescription = d.ProtocolName = header.description
        d.PatientName, d.PatientID, d.PatientBirthDate, d.PatientSex = header.patient_name, header.patient_id, "", "O"
        d.BodyPartExamined, d.PatientPosition = "LIVER", "HFS"
        d.StudyInstanceUID = self.uid("study", *self.study_key)
        d.SeriesInstanceUID = self.uid("series", *self.series_key)
        d.FrameOfReferenceUID = self.uid("frame of reference", *self.study_key)
        d.PositionReferenceIndicator = ""
        d.StudyID = "1"
        d.SeriesNumber = header.number
        d.MagneticFieldStrength = 1.5
        d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
        _, d.Rows, d.Columns = geometry.shape
        d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 16, 15, 0
        return d

    def save(self, dataset: Dataset, name: str) -> Path:
        """Write the file and return its path."""
        path = self.folder / name
        dataset.save_as(path, enforce_file_format=True)
        return path


class _ClassicWriter(_Writer):
    def write(self) -> list[Path]:
        paths = []
        for volume in self.volumes:
            stored, slope, intercept = self.stored(volume)
            # a list: extend() of a generator would count the growing list
            paths += [self._write_slice(volume, k, plane, slope, intercept, len(paths) + k + 1) for k, plane in enumerate(stored)]
        return paths

    def _write_slice(self, volume: Volume, k: int, plane: np.ndarray, slope: float, intercept: float, instance: int) -> Path:
        header, spacing = self.header, self.geometry.spacing_mm
        d = self.file(MRImageStorage, self.uid("image", *self.series_key, instance))
        acquired = header.start + timedelta(seconds=volume.seconds)
        d.ImageType = self.image_type(volume)
        d.AcquisitionDate, d.AcquisitionTime = f"{acquired:%Y%m%d}", f"{acquired:%H%M%S.%f}"
        d.ScanningSequence = ["EP", "SE"] if self.diffusion else "GR"
        d.SequenceVariant, d.ScanOptions, d.MRAcquisitionType = "SK", "FS", "2D" if self.diffusion else "3D"
        d.EchoTime = _decimal(1e3 * (volume.echo_time_s or header.echo_time_s))
        d.RepetitionTime = _decimal(1e3 * (volume.repetition_time_s or header.repetition_time_s))
        d.FlipAngle = _decimal(volume.flip_angle_deg or header.flip_angle_deg)
        d.NumberOfAverages = header.averages
        d.EchoTrainLength = 1
        d.SliceThickness = d.SpacingBetweenSlices = _decimal(spacing[2])
        d.PixelSpacing = [_decimal(spacing[1]), _decimal(spacing[0])]
        d.ImagePositionPatient, d.ImageOrientationPatient = self.position(k), self.orientation()
        d.AcquisitionNumber, d.InstanceNumber = 1, instance
        d.WindowCenter, d.WindowWidth = self.window
        if self.vendor == "philips" or volume.rescale is not None:
            d.RescaleSlope, d.RescaleIntercept, d.RescaleType = slope, intercept, "US"
        if volume.b_value is not None:
            _CLASSIC_DIFFUSION[self.vendor](d, volume)
        if self.vendor == "philips":
            _philips_scale(d, slope)
        d.PixelData = plane.tobytes()
        return self.save(d, f"{self.header.number:03d}_{instance:05d}.dcm")


def _siemens_diffusion(d: Dataset, volume: Volume) -> None:
    b = round(volume.b_value)
    directed = volume.direction is not None
    d.SequenceName = f"*ep_b{b}" + ("" if not b else "#1" if directed else "t")
    block = d.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "IS", b)
    block.add_new(0x0D, "CS", "DIRECTIONAL" if directed else "ISOTROPIC" if b else "NONE")
    if directed:
        block.add_new(0x0E, "FD", [float(x) for x in volume.direction])


def _ge_diffusion(d: Dataset, volume: Volume) -> None:
    block = d.private_block(0x0019, "GEMS_ACQU_01", create=True)
    for offset, component in zip((0xBB, 0xBC, 0xBD), volume.direction or (0.0, 0.0, 0.0), strict=True):
        block.add_new(offset, "DS", _decimal(component))
    # GE adds 10^9 where the b-value was changed after the prescription; written here wherever there is weighting
    b = round(volume.b_value)
    d.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x39, "IS", [b + 1_000_000_000 if b else 0, 8, 0, 0])


def _philips_diffusion(d: Dataset, volume: Volume) -> None:
    d.DiffusionBValue = float(volume.b_value)
    d.DiffusionGradientOrientation = [float(x) for x in volume.direction or (0.0, 0.0, 0.0)]
    block = d.private_block(0x2001, "Philips Imaging DD 001", create=True)
    block.add_new(0x03, "FL", float(volume.b_value))
    block.add_new(0x04, "CS", "O" if volume.direction is not None or not volume.b_value else "I")
    block = d.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
    for offset, component in zip((0xB0, 0xB1, 0xB2), volume.direction or (0.0, 0.0, 0.0), strict=True):
        block.add_new(offset, "FL", float(component))


def _philips_scale(d: Dataset, rescale_slope: float) -> None:
    block = d.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
    block.add_new(0x0D, "FL", 0.0)
    block.add_new(0x0E, "FL", PHILIPS_GAIN / rescale_slope)


def _uih_diffusion(d: Dataset, volume: Volume) -> None:
    block = d.private_block(0x0065, "Image Private Header", create=True)
    block.add_new(0x09, "FD", float(volume.b_value))
    block.add_new(0x37, "FD", [float(x) for x in volume.direction or (0.0, 0.0, 0.0)])


def _canon_diffusion(d: Dataset, volume: Volume) -> None:
    if volume.b_value:
        d.DiffusionBValue = float(volume.b_value)
        if volume.direction is not None:
            d.DiffusionGradientOrientation = [float(x) for x in volume.direction]


_CLASSIC_DIFFUSION = {
    "siemens": _siemens_diffusion,
    "ge": _ge_diffusion,
    "philips": _philips_diffusion,
    "uih": _uih_diffusion,
    "canon": _canon_diffusion,
}


class _EnhancedWriter(_Writer):
    def write(self) -> list[Path]:
        header = self.header
        d = self.file(EnhancedMRImageStorage, self.uid("image", *self.series_key, "enhanced"))
        made = {volume.derived for volume in self.volumes}
        kind = "ORIGINAL" if made == {None} else "MIXED" if None in made else "DERIVED"
        d.ImageType = [kind, "PRIMARY", *self._contrast(self.volumes[0] if kind == "DERIVED" else None)]
        d.InstanceNumber = d.AcquisitionNumber = 1
        d.AcquisitionDateTime = f"{header.start:%Y%m%d%H%M%S}"
        d.AcquisitionDuration = float(max(v.seconds for v in self.volumes) + header.repetition_time_s)
        for name, value in _ENHANCED_IMAGE.items():
            setattr(d, name, value)
        d.AcquisitionContrast = "DIFFUSION" if self.diffusion else "T1"
        if kind != "DERIVED":
            for name, value in _ENHANCED_PULSE_SEQUENCE.items():
                setattr(d, name, value)
            d.EchoPulseSequence = "SPIN" if self.diffusion else "GRADIENT"
            d.EchoPlanarPulseSequence = "YES" if self.diffusion else "NO"
            d.PulseSequenceName = "ep2d_diff" if self.diffusion else "vibe"
            d.MRAcquisitionType = "2D" if self.diffusion else "3D"
            if self.diffusion:
                d.MultipleSpinEcho = "NO"
            else:
                d.CoverageOfKSpace = "FULL"
        self._dimensions(d)
        d.SharedFunctionalGroupsSequence = DicomSequence([self._shared()])
        frames, planes = [], []
        for v, volume in enumerate(self.volumes):
            stored, slope, intercept = self.stored(volume)
            for k, plane in enumerate(stored):
                frames.append(self._frame(v, volume, k, slope, intercept))
                planes.append(plane.tobytes())
        d.PerFrameFunctionalGroupsSequence = DicomSequence(frames)
        d.NumberOfFrames = len(frames)
        d.PixelData = b"".join(planes)
        return [self.save(d, f"{header.number:03d}_enhanced.dcm")]

    def _contrast(self, volume: Volume | None) -> list[str]:
        """Return values 3 and 4 of ImageType and FrameType."""
        if volume is not None and volume.derived is not None:
            return ["DIFFUSION", volume.derived]
        return ["DIFFUSION" if self.diffusion else "VOLUME", "NONE"]

    def _dimensions(self, d: Dataset) -> None:
        organization = self.uid("dimensions", *self.series_key)
        d.DimensionOrganizationSequence = DicomSequence([_item(DimensionOrganizationUID=organization)])
        d.DimensionIndexSequence = DicomSequence(
            [
                _item(DimensionOrganizationUID=organization, DimensionIndexPointer=pointer, FunctionalGroupPointer=0x00209111)
                for pointer in (0x00209128, 0x00209056, 0x00209057)  # temporal position index, stack, place in the stack
            ],
        )

    def _shared(self) -> Dataset:
        header, (si, sj, sk) = self.header, self.geometry.spacing_mm
        shape = self.geometry.shape
        shared = Dataset()
        groups = {
            "PixelMeasuresSequence": _item(
                SliceThickness=_decimal(sk), SpacingBetweenSlices=_decimal(sk), PixelSpacing=[_decimal(sj), _decimal(si)],
            ),
            "PlaneOrientationSequence": _item(ImageOrientationPatient=self.orientation()),
            "FrameAnatomySequence": _item(
                FrameLaterality="U",
                AnatomicRegionSequence=DicomSequence([_code("10200004", "SCT", "Liver")]),
            ),
            "FrameVOILUTSequence": _item(WindowCenter=self.window[0], WindowWidth=self.window[1]),
            "MRFOVGeometrySequence": _item(
                InPlanePhaseEncodingDirection="COLUMN", MRAcquisitionFrequencyEncodingSteps=shape[2],
                MRAcquisitionPhaseEncodingStepsInPlane=shape[1], MRAcquisitionPhaseEncodingStepsOutOfPlane=1,
                PercentSampling=100.0, PercentPhaseFieldOfView=100.0,
            ),
            "MRModifierSequence": _item(
                InversionRecovery="NO", FlowCompensation="NONE", Spoiling="RF", T2Preparation="NO",
                SpectrallySelectedExcitation="NONE", SpatialPresaturation="NONE", PartialFourier="NO", ParallelAcquisition="NO",
            ),
            "MRImagingModifierSequence": _item(
                MagnetizationTransfer="NONE", BloodSignalNulling="NO", Tagging="NONE",
                TransmitterFrequency=63.9, PixelBandwidth=2000.0,
            ),
            "MRReceiveCoilSequence": _item(
                ReceiveCoilName="BODY", ReceiveCoilManufacturerName="", ReceiveCoilType="BODY", QuadratureReceiveCoil="YES",
            ),
            "MRTransmitCoilSequence": _item(TransmitCoilName="BODY", TransmitCoilManufacturerName="", TransmitCoilType="BODY"),
            "MRAveragesSequence": _item(NumberOfAverages=float(header.averages)),
        }
        for name, item in groups.items():
            setattr(shared, name, DicomSequence([item]))
        return shared

    def _frame(self, v: int, volume: Volume, k: int, slope: float, intercept: float) -> Dataset:
        header = self.header
        acquired = header.start + timedelta(seconds=volume.seconds)
        stamp = f"{acquired:%Y%m%d%H%M%S.%f}"
        repetition_time = float(volume.repetition_time_s or header.repetition_time_s)
        groups = {
            "FrameContentSequence": _item(
                FrameAcquisitionNumber=1, FrameReferenceDateTime=stamp, FrameAcquisitionDateTime=stamp,
                FrameAcquisitionDuration=1e3 * repetition_time,
                DimensionIndexValues=[v + 1, 1, k + 1], TemporalPositionIndex=v + 1, StackID="1", InStackPositionNumber=k + 1,
            ),
            "PlanePositionSequence": _item(ImagePositionPatient=self.position(k)),
            "PixelValueTransformationSequence": _item(RescaleIntercept=intercept, RescaleSlope=slope, RescaleType="US"),
            "MRImageFrameTypeSequence": _item(
                FrameType=["ORIGINAL" if volume.derived is None else "DERIVED", "PRIMARY", *self._contrast(volume)],
                PixelPresentation="MONOCHROME", VolumetricProperties="VOLUME", VolumeBasedCalculationTechnique="NONE",
                ComplexImageComponent="MAGNITUDE", AcquisitionContrast="DIFFUSION" if self.diffusion else "T1",
            ),
            "MRTimingAndRelatedParametersSequence": _item(
                RepetitionTime=_decimal(1e3 * repetition_time), FlipAngle=_decimal(volume.flip_angle_deg or header.flip_angle_deg),
                EchoTrainLength=1, RFEchoTrainLength=1, GradientEchoTrainLength=1, GradientOutputType="DB_DT", GradientOutput=0.0,
                SpecificAbsorptionRateSequence=DicomSequence(
                    [_item(SpecificAbsorptionRateDefinition="IEC_WHOLE_BODY", SpecificAbsorptionRateValue=0.0)],
                ),
                OperatingModeSequence=DicomSequence([_item(OperatingModeType="STATIC FIELD", OperatingMode="IEC_NORMAL")]),
            ),
            "MREchoSequence": _item(EffectiveEchoTime=1e3 * float(volume.echo_time_s or header.echo_time_s)),
        }
        if volume.b_value is not None:
            groups["MRDiffusionSequence"] = _enhanced_diffusion(volume)
        if self.vendor == "philips":
            groups["PhilipsFrame"] = Dataset()
            _philips_scale(groups["PhilipsFrame"], slope)
        frame = Dataset()
        philips = groups.pop("PhilipsFrame", None)
        for name, item in groups.items():
            setattr(frame, name, DicomSequence([item]))
        if philips is not None:
            frame.private_block(0x2005, "Philips MR Imaging DD 005", create=True).add_new(0x0F, "SQ", [philips])
        return frame


def _enhanced_diffusion(volume: Volume) -> Dataset:
    item = _item(DiffusionBValue=float(volume.b_value))
    if not volume.b_value:
        item.DiffusionDirectionality = "NONE"
    elif volume.direction is None:
        item.DiffusionDirectionality = "ISOTROPIC"
    else:
        item.DiffusionDirectionality = "DIRECTIONAL"
        gradient = _item(DiffusionGradientOrientation=[float(x) for x in volume.direction])
        item.DiffusionGradientDirectionSequence = DicomSequence([gradient])
    return item


_ENHANCED_IMAGE = {
    "PixelPresentation": "MONOCHROME",
    "VolumetricProperties": "VOLUME",
    "VolumeBasedCalculationTechnique": "NONE",
    "ComplexImageComponent": "MAGNITUDE",
    "ContentQualification": "RESEARCH",
    "ResonantNucleus": "1H",
    "KSpaceFiltering": "NONE",
    "ApplicableSafetyStandardAgency": "IEC",
    "BurnedInAnnotation": "NO",
    "LossyImageCompression": "00",
    "PresentationLUTShape": "IDENTITY",
    "AcquisitionContextSequence": DicomSequence(),
}

_ENHANCED_PULSE_SEQUENCE = {
    "MultiPlanarExcitation": "NO",
    "PhaseContrast": "NO",
    "TimeOfFlightContrast": "NO",
    "SteadyStatePulseSequence": "NONE",
    "SaturationRecovery": "NO",
    "SpectrallySelectedSuppression": "FAT",
    "OversamplingPhase": "NONE",
    "GeometryOfKSpaceTraversal": "RECTILINEAR",
    "RectilinearPhaseEncodeReordering": "LINEAR",
    "SegmentedKSpaceTraversal": "SINGLE",
    "NumberOfKSpaceTrajectories": 1,
}


def _item(**attributes) -> Dataset:
    item = Dataset()
    for name, value in attributes.items():
        setattr(item, name, value)
    return item


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    return _item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def _decimal(value: float) -> float:
    """Round to what the 16 characters of a decimal string (DS) can hold."""
    return float(f"{float(value):.9g}")
