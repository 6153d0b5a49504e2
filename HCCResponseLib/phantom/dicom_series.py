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

__all__ = ["VENDORS", "ContrastBolus", "PulseSequence", "SeriesHeader", "Volume", "write_series"]

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
GADOLINIUM_G_PER_MMOL = 0.15725


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
class PulseSequence:
    """How a series was acquired, in the defined terms of the MR Image module.

    :param scanning: ScanningSequence: SE, IR, GR, EP ("SE", "IR") ...
    :param variant: SequenceVariant: SK segmented k-space, SP spoiled ...
    :param options: ScanOptions: FS fat saturation, RG respiratory gating ...
    :param dimensions: "2D" or "3D".
    :param name: SequenceName, where the vendor writes one ("*fl3d1").
    :param contrast: AcquisitionContrast of enhanced files: T1, T2, DIFFUSION ...
    """

    scanning: tuple[str, ...] = ("GR",)
    variant: tuple[str, ...] = ("SK",)
    options: tuple[str, ...] = ("FS",)
    dimensions: str = "3D"
    name: str = ""
    echo_train_length: int = 1
    contrast: str = "T1"


DIFFUSION_SEQUENCE = PulseSequence(scanning=("EP", "SE"), dimensions="2D", contrast="DIFFUSION")


@dataclass(frozen=True)
class ContrastBolus:
    """An injection of contrast agent into a vein.

    :param start: when it began.
    :param agent: name of the agent; ``agent_code`` is its SNOMED CT code (DICOM CID 12).
    :param concentration: mmol of gadolinium per mL of agent.
    """

    start: datetime
    agent: str = "Gadobutrol"
    agent_code: str = "407976008"
    volume_ml: float = 7.5
    rate_ml_per_s: float = 2.0
    concentration: float = 1.0


@dataclass(frozen=True)
class SeriesHeader:
    """What all images of a series share.

    :param start: when the series began; ``study_start``: when its study did (None: with the series).
    :param birth_date: YYYYMMDD; ``sex`` M, F or O.
    :param sequence: None: echo-planar where the volumes have b-values, else a fat-suppressed 3D gradient echo.
    :param contrast: injection that the images are taken after (or during); None before contrast.
    :param temporal: number the volumes as temporal positions, as for a dynamic series.
    :param window: centre and width of the display; None shows all signals.
    """

    description: str = "ep2d_diff"
    number: int = 1
    patient_id: str = "PHANTOM"
    patient_name: str = "Phantom^Liver"
    start: datetime = datetime(2024, 3, 1, 9, 30)
    echo_time_s: float = 0.06
    repetition_time_s: float = 4.0
    flip_angle_deg: float = 90.0
    averages: int = 1
    study_start: datetime | None = None
    study_description: str = "Synthetic liver MRI"
    birth_date: str = ""
    sex: str = "O"
    weight_kg: float | None = None
    sequence: PulseSequence | None = None
    contrast: ContrastBolus | None = None
    temporal: bool = False
    window: tuple[float, float] | None = None


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
        self.study_start = header.study_start or header.start
        self.study_key = (str(seed), header.patient_id, self.study_start.date().isoformat())
        self.series_key = (*self.study_key, str(header.number), vendor)
        self.diffusion = any(volume.b_value is not None for volume in volumes)
        self.sequence = header.sequence or (DIFFUSION_SEQUENCE if self.diffusion else PulseSequence())
        self.brightest = max(float(np.max(volume.signals)) for volume in volumes)
        self.window = tuple(map(_decimal, header.window or (self.brightest / 2, max(self.brightest, 1.0))))

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

    def temporal_resolution_s(self) -> float:
        """Return the mean time from one volume to the next."""
        return (self.volumes[-1].seconds - self.volumes[0].seconds) / max(len(self.volumes) - 1, 1)

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
        philips = ["M_SE", "M", "SE"] if "SE" in self.sequence.scanning else ["M_FFE", "M", "FFE"]
        return ["ORIGINAL", "PRIMARY", *{"philips": philips, "siemens": ["M", "ND"]}.get(self.vendor, ["OTHER"])]

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
        d.StudyDate, d.StudyTime = f"{self.study_start:%Y%m%d}", f"{self.study_start:%H%M%S}"
        d.SeriesDate = d.ContentDate = f"{header.start:%Y%m%d}"
        d.SeriesTime = d.ContentTime = f"{header.start:%H%M%S}"
        d.AccessionNumber = ""
        d.Modality = "MR"
        d.Manufacturer, d.ManufacturerModelName = VENDORS[self.vendor]
        d.DeviceSerialNumber = "0"
        d.SoftwareVersions = f"HCCResponse {__version__}"
        d.ReferringPhysicianName = ""
        d.StudyDescription = header.study_description
        d.SeriesDescription = d.ProtocolName = header.description
        d.PatientName, d.PatientID, d.PatientBirthDate, d.PatientSex = header.patient_name, header.patient_id, header.birth_date, header.sex
        if header.weight_kg is not None:
            d.PatientWeight = _decimal(header.weight_kg)
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
        for v, volume in enumerate(self.volumes):
            stored, slope, intercept = self.stored(volume)
            # Most of a header is the same in all slices: it is made once and changed from slice to slice.
            d = self._header_of(v, volume, slope, intercept)
            for k, plane in enumerate(stored):
                instance = len(paths) + 1
                d.SOPInstanceUID = d.file_meta.MediaStorageSOPInstanceUID = self.uid("image", *self.series_key, instance)
                d.ImagePositionPatient, d.InstanceNumber = self.position(k), instance
                d.PixelData = plane.tobytes()
                paths.append(self.save(d, f"{self.header.number:03d}_{instance:05d}.dcm"))
        return paths

    def _header_of(self, v: int, volume: Volume, slope: float, intercept: float) -> Dataset:
        """Return the header of volume number ``v``, without what tells its slices apart."""
        header, spacing, sequence = self.header, self.geometry.spacing_mm, self.sequence
        d = self.file(MRImageStorage, UID(""))
        acquired = header.start + timedelta(seconds=volume.seconds)
        d.ImageType = self.image_type(volume)
        d.AcquisitionDate, d.AcquisitionTime = f"{acquired:%Y%m%d}", f"{acquired:%H%M%S.%f}"
        d.ScanningSequence, d.SequenceVariant, d.ScanOptions = list(sequence.scanning), list(sequence.variant), list(sequence.options)
        d.MRAcquisitionType, d.EchoTrainLength = sequence.dimensions, sequence.echo_train_length
        if sequence.name:
            d.SequenceName = sequence.name
        d.EchoTime = _decimal(1e3 * (volume.echo_time_s or header.echo_time_s))
        d.RepetitionTime = _decimal(1e3 * (volume.repetition_time_s or header.repetition_time_s))
        d.FlipAngle = _decimal(volume.flip_angle_deg or header.flip_angle_deg)
        d.NumberOfAverages = header.averages
        d.SliceThickness = d.SpacingBetweenSlices = _decimal(spacing[2])
        d.PixelSpacing = [_decimal(spacing[1]), _decimal(spacing[0])]
        d.ImageOrientationPatient = self.orientation()
        d.AcquisitionNumber = v + 1 if header.temporal else 1
        if header.temporal:
            d.TemporalPositionIdentifier, d.NumberOfTemporalPositions = v + 1, len(self.volumes)
            d.TemporalResolution = _decimal(1e3 * self.temporal_resolution_s())
        if header.contrast is not None:
            _classic_contrast(d, header.contrast)
        d.WindowCenter, d.WindowWidth = self.window
        if self.vendor == "philips" or volume.rescale is not None:
            d.RescaleSlope, d.RescaleIntercept, d.RescaleType = slope, intercept, "US"
        if volume.b_value is not None:
            _CLASSIC_DIFFUSION[self.vendor](d, volume)
        if self.vendor == "philips":
            _philips_scale(d, slope)
        return d


def _classic_contrast(d: Dataset, bolus: ContrastBolus) -> None:
    duration = bolus.volume_ml / bolus.rate_ml_per_s
    d.ContrastBolusAgent, d.ContrastBolusRoute, d.ContrastBolusIngredient = bolus.agent, "IV", "GADOLINIUM"
    d.ContrastBolusVolume = d.ContrastBolusTotalDose = _decimal(bolus.volume_ml)
    d.ContrastBolusIngredientConcentration = _decimal(1e3 * bolus.concentration * GADOLINIUM_G_PER_MMOL)
    d.ContrastFlowRate, d.ContrastFlowDuration = _decimal(bolus.rate_ml_per_s), _decimal(duration)
    d.ContrastBolusStartTime = f"{bolus.start:%H%M%S.%f}"
    d.ContrastBolusStopTime = f"{bolus.start + timedelta(seconds=duration):%H%M%S.%f}"


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
        d.AcquisitionContrast = self.sequence.contrast
        if kind != "DERIVED":
            for name, value in _ENHANCED_PULSE_SEQUENCE.items():
                setattr(d, name, value)
            spin_echo, planar = ("SE" in self.sequence.scanning), ("EP" in self.sequence.scanning)
            d.EchoPulseSequence = "SPIN" if spin_echo else "GRADIENT"
            d.EchoPlanarPulseSequence = "YES" if planar else "NO"
            d.PulseSequenceName = self.sequence.name or ("ep2d_diff" if self.diffusion else "vibe")
            d.MRAcquisitionType = self.sequence.dimensions
            d.SpectrallySelectedSuppression = "FAT" if "FS" in self.sequence.options else "NONE"
            if spin_echo:
                d.MultipleSpinEcho = "YES" if self.sequence.echo_train_length > 1 else "NO"
            if self.sequence.dimensions == "3D":
                d.CoverageOfKSpace = "FULL"
        if header.contrast is not None:
            _enhanced_contrast(d, header.contrast)
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
                ComplexImageComponent="MAGNITUDE", AcquisitionContrast=self.sequence.contrast,
            ),
            "MRTimingAndRelatedParametersSequence": _item(
                RepetitionTime=_decimal(1e3 * repetition_time), FlipAngle=_decimal(volume.flip_angle_deg or header.flip_angle_deg),
                EchoTrainLength=self.sequence.echo_train_length, RFEchoTrainLength=self.sequence.echo_train_length,
                GradientEchoTrainLength=1, GradientOutputType="DB_DT", GradientOutput=0.0,
                SpecificAbsorptionRateSequence=DicomSequence(
                    [_item(SpecificAbsorptionRateDefinition="IEC_WHOLE_BODY", SpecificAbsorptionRateValue=0.0)],
                ),
                OperatingModeSequence=DicomSequence([_item(OperatingModeType="STATIC FIELD", OperatingMode="IEC_NORMAL")]),
            ),
            "MREchoSequence": _item(EffectiveEchoTime=1e3 * float(volume.echo_time_s or header.echo_time_s)),
        }
        if header.contrast is not None:
            groups["ContrastBolusUsageSequence"] = _item(
                ContrastBolusAgentNumber=1,
                ContrastBolusAgentAdministered="YES" if acquired >= header.contrast.start else "NO",
                ContrastBolusAgentDetected="YES" if acquired >= header.contrast.start else "NO",
                ContrastBolusAgentPhase="DYNAMIC" if header.temporal else "POST_CONTRAST",
            )
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


def _enhanced_contrast(d: Dataset, bolus: ContrastBolus) -> None:
    duration = bolus.volume_ml / bolus.rate_ml_per_s
    profile = _item(
        ContrastBolusVolume=_decimal(bolus.volume_ml),
        ContrastBolusStartTime=f"{bolus.start:%H%M%S.%f}",
        ContrastBolusStopTime=f"{bolus.start + timedelta(seconds=duration):%H%M%S.%f}",
        ContrastFlowRate=_decimal(bolus.rate_ml_per_s),
        ContrastFlowDuration=_decimal(duration),
    )
    agent = _code(bolus.agent_code, "SCT", bolus.agent)
    agent.ContrastBolusAgentNumber = 1
    agent.ContrastBolusAdministrationRouteSequence = DicomSequence([_code("47625008", "SCT", "Intravenous route")])
    agent.ContrastBolusIngredientCodeSequence = DicomSequence([_code("58281002", "SCT", "Gadolinium")])
    agent.ContrastBolusVolume = _decimal(bolus.volume_ml)
    agent.ContrastBolusIngredientConcentration = _decimal(1e3 * bolus.concentration * GADOLINIUM_G_PER_MMOL)
    agent.ContrastBolusIngredientOpaque = "NO"
    agent.ContrastAdministrationProfileSequence = DicomSequence([profile])
    d.ContrastBolusAgentSequence = DicomSequence([agent])


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
