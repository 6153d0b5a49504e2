"""A DICOM dataset, classic or enhanced multi-frame, turned into frames."""

from dataclasses import fields
from pathlib import Path

from pydicom.dataset import Dataset

from .diffusion_elements import PHILIPS_MR, SIEMENS, UIH, diffusion_elements
from .headers import PrivateElements, acquisition_datetime, content_datetime, number, numbers, sequence_item, text, texts
from .series import Frame

__all__ = ["frames_of"]

MILLISECONDS = 1e-3
PHILIPS_FRAME_CREATOR = "Philips MR Imaging DD 005"
PHILIPS_FRAME_SEQUENCE = 0x0F
"""Philips' enhanced files repeat the classic private elements of each frame in the private sequence (2005,xx0F), mostly (2005,140F)."""


def frames_of(dataset: Dataset, path: Path) -> tuple[Frame, ...]:
    """Make the frames of one file.

    :param dataset: header, read without pixels.
    :param path: file it came from.
    :return: one frame for a classic file, one for each frame of an enhanced file; () for a multi-frame file without
        functional groups, whose frames have no places.
    """
    elements = PrivateElements(dataset)
    if "PerFrameFunctionalGroupsSequence" in dataset:
        shared = sequence_item(dataset, "SharedFunctionalGroupsSequence")
        items = dataset.PerFrameFunctionalGroupsSequence
        return tuple(_enhanced_frame(elements, shared, item, path, index) for index, item in enumerate(items))
    if (number(dataset, "NumberOfFrames") or 1) > 1:
        return ()
    return (_classic_frame(elements, path),)


def _classic_frame(elements: PrivateElements, path: Path) -> Frame:
    dataset = elements.dataset
    sequence_name = text(dataset, "SequenceName") or text(dataset, "PulseSequenceName")
    image_type = _image_type(dataset, "ImageType")
    return Frame(
        path=path,
        index=0,
        **_common(dataset),
        **_plane(dataset, dataset, dataset),
        **_diffusion([elements], dataset, sequence_name),
        **_philips_scale([elements]),
        image_type=image_type,
        sequence_name=sequence_name,
        echo_time_s=_seconds(number(dataset, "EchoTime")),
        repetition_time_s=_seconds(number(dataset, "RepetitionTime")),
        inversion_time_s=_seconds(number(dataset, "InversionTime")),
        flip_angle_deg=number(dataset, "FlipAngle"),
        acquired=acquisition_datetime(dataset),
        trigger_time_s=_seconds(number(dataset, "TriggerTime")),
        dynamic_time_s=_dynamic_time([elements]),
        temporal_position=_integer(number(dataset, "TemporalPositionIdentifier")),
        acquisition_number=_integer(number(dataset, "AcquisitionNumber")),
        averages=number(dataset, "NumberOfAverages"),
        rescale_slope=_or(number(dataset, "RescaleSlope"), 1.0),
        rescale_intercept=_or(number(dataset, "RescaleIntercept"), 0.0),
        tiled="MOSAIC" in image_type or "VFRAME" in image_type or elements.tag(0x0065, UIH, 0x51) is not None,
    )


def _enhanced_frame(elements: PrivateElements, shared: Dataset | None, item: Dataset, path: Path, index: int) -> Frame:
    dataset = elements.dataset

    def group(name: str) -> Dataset | None:
        """Item of a functional group: the frame's own, else the shared one."""
        return sequence_item(item, name) or sequence_item(shared, name)

    content = group("FrameContentSequence")
    timing = group("MRTimingAndRelatedParametersSequence")
    scaling = group("PixelValueTransformationSequence")
    cardiac = group("CardiacSynchronizationSequence")
    own = PrivateElements(item)
    philips = sequence_item(item, own.tag(0x2005, PHILIPS_FRAME_CREATOR, PHILIPS_FRAME_SEQUENCE))
    near = [*(PrivateElements(d) for d in (group("MRDiffusionSequence"), philips) if d is not None), own, elements]
    sequence_name = text(dataset, "PulseSequenceName") or text(dataset, "SequenceName")
    image_type = _image_type(group("MRImageFrameTypeSequence"), "FrameType") or _image_type(dataset, "ImageType")
    # an inversion time stands in a functional group of its own; several mean several pulses and tell no single one
    inversion = numbers(group("MRModifierSequence"), "InversionTimes", 1)
    echo_time = number(group("MREchoSequence"), "EffectiveEchoTime")
    return Frame(
        path=path,
        index=index,
        **_common(dataset),
        **_plane(group("PlanePositionSequence"), group("PlaneOrientationSequence"), group("PixelMeasuresSequence")),
        **_diffusion(near, dataset, sequence_name),
        **_philips_scale(near),
        image_type=image_type,
        sequence_name=sequence_name,
        echo_time_s=_seconds(echo_time),
        repetition_time_s=_seconds(number(timing, "RepetitionTime")),
        inversion_time_s=_seconds(inversion[0]) if inversion else None,
        flip_angle_deg=number(timing, "FlipAngle"),
        acquired=acquisition_datetime(content, "FrameAcquisitionDateTime") or acquisition_datetime(dataset),
        trigger_time_s=_seconds(_or(number(cardiac, "NominalCardiacTriggerDelayTime"), number(philips, "TriggerTime"))),
        dynamic_time_s=_or(number(group("TemporalPositionSequence"), "TemporalPositionTimeOffset"), _dynamic_time(near)),
        temporal_position=_integer(number(content, "TemporalPositionIndex")),
        acquisition_number=_integer(number(content, "FrameAcquisitionNumber")),
        averages=number(group("MRAveragesSequence"), "NumberOfAverages"),
        rescale_slope=_or(number(scaling, "RescaleSlope"), 1.0),
        rescale_intercept=_or(number(scaling, "RescaleIntercept"), 0.0),
        tiled="MOSAIC" in image_type or "VFRAME" in image_type,
    )


def _common(dataset: Dataset) -> dict:
    return {
        "sop_instance_uid": text(dataset, "SOPInstanceUID"),
        "instance_number": _integer(number(dataset, "InstanceNumber")),
        "rows": int(number(dataset, "Rows") or 0),
        "columns": int(number(dataset, "Columns") or 0),
        "samples_per_pixel": int(number(dataset, "SamplesPerPixel") or 1),
        "photometric": text(dataset, "PhotometricInterpretation"),
        "made": content_datetime(dataset),
        "lossy": text(dataset, "LossyImageCompression") == "01",
    }


def _plane(position: Dataset | None, orientation: Dataset | None, measures: Dataset | None) -> dict:
    cosines = numbers(orientation, "ImageOrientationPatient", 6)
    spacing = numbers(measures, "PixelSpacing", 2)
    return {
        "position_lps": numbers(position, "ImagePositionPatient", 3),
        "row_direction_lps": cosines[:3] if cosines else None,
        "column_direction_lps": cosines[3:] if cosines else None,
        "pixel_spacing_mm": spacing if spacing and min(spacing) > 0 else None,
        "slice_thickness_mm": number(measures, "SliceThickness"),
        "slice_spacing_mm": number(measures, "SpacingBetweenSlices"),
    }


def _diffusion(near: list[PrivateElements], dataset: Dataset, sequence_name: str) -> dict:
    found = diffusion_elements(near, sequence_name, text(dataset, "Manufacturer"), text(dataset, "ImageComments"))
    return {field.name: getattr(found, field.name) for field in fields(found)}


def _philips_scale(near: list[PrivateElements]) -> dict:
    scale = {}
    for name, offset in (("philips_slope", 0x0E), ("philips_intercept", 0x0D)):
        values = next((v for elements in near if (v := elements.numbers(0x2005, PHILIPS_MR, offset, "FL"))), None)
        scale[name] = values[0] if values else None
    return scale


def _dynamic_time(near: list[PrivateElements]) -> float | None:
    """Seconds after the start of the scan, in private elements: Siemens' TimeAfterStart, Philips' dynamic scan begin time."""
    places = ((0x0019, SIEMENS, 0x16, "DS"), (0x2005, PHILIPS_MR, 0xA0, "FL"))
    found = (values for elements in near for place in places if (values := elements.numbers(*place)))
    return next(found, (None,))[0]


def _image_type(dataset: Dataset | None, name: str) -> tuple[str, ...]:
    return tuple(value.upper() for value in texts(dataset, name))


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds * MILLISECONDS


def _integer(value: float | None) -> int | None:
    return None if value is None else int(value)


def _or(value: float | None, otherwise: float | None) -> float | None:
    return otherwise if value is None else value
