"""A series and its frames as HCCResponse works with them: plain values out of the headers, no pixels."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path

from .pulse_sequence import PulseSequence

__all__ = ["Frame", "Series", "joint_label", "joint_notes"]

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """One image plane: a classic file, or one frame of a multi-frame file. None (or '') is what the header does not say.

    :param path: file that holds the pixels.
    :param index: position in a multi-frame file, 0 for the first and for a classic file.
    :param position_lps: centre of the first pixel, mm, LPS.
    :param row_direction_lps: unit vector along a row (growing column index), LPS.
    :param column_direction_lps: unit vector along a column (growing row index), LPS.
    :param pixel_spacing_mm: distance between rows, distance between columns.
    :param slice_thickness_mm: thickness of the excited slice; not the distance between slices.
    :param slice_spacing_mm: SpacingBetweenSlices; only used where there is one slice.
    :param b_value: diffusion weighting in s/mm2.
    :param b_value_source: which element it was read from, in words.
    :param gradient_direction: as the scanner gives it (Siemens, Philips, UIH: patient; GE: readout, phase, slice); only
        used to tell directions apart. None at b = 0 and for images without direction.
    :param directionality: DIRECTIONAL, ISOTROPIC, NONE, BMATRIX or ''.
    :param acquired: when the frame was acquired, scanner's local time; on the first day of 1900 where no date is told.
    :param trigger_time_s: time after the trigger (GE and Philips write the time of a dynamic phase there).
    :param dynamic_time_s: time after the start of the dynamic scan: TemporalPositionTimeOffset, Siemens' TimeAfterStart,
        or Philips' dynamic scan begin time.
    :param made: when the pixels were made (content date and time).
    :param temporal_position: TemporalPositionIdentifier or Index, counted from 1.
    :param acquisition_number: AcquisitionNumber; Siemens counts the measurements of a dynamic series with it.
    :param averages: NumberOfAverages.
    :param philips_slope: Philips' private scale slope (2005,100E); ``philips_intercept`` is (2005,100D).
    :param tiled: the image is a mosaic of slices (Siemens MOSAIC, UIH VFRAME).
    :param lossy: the pixels were once compressed with loss.
    """

    path: Path
    index: int
    sop_instance_uid: str
    rows: int
    columns: int
    instance_number: int | None = None
    position_lps: Vector | None = None
    row_direction_lps: Vector | None = None
    column_direction_lps: Vector | None = None
    pixel_spacing_mm: tuple[float, float] | None = None
    slice_thickness_mm: float | None = None
    slice_spacing_mm: float | None = None
    image_type: tuple[str, ...] = ()
    sequence_name: str = ""
    b_value: float | None = None
    b_value_source: str = ""
    gradient_direction: Vector | None = None
    directionality: str = ""
    echo_time_s: float | None = None
    repetition_time_s: float | None = None
    inversion_time_s: float | None = None
    flip_angle_deg: float | None = None
    acquired: datetime | None = None
    trigger_time_s: float | None = None
    dynamic_time_s: float | None = None
    made: datetime | None = None
    temporal_position: int | None = None
    acquisition_number: int | None = None
    averages: float | None = None
    rescale_slope: float = 1.0
    rescale_intercept: float = 0.0
    philips_slope: float | None = None
    philips_intercept: float | None = None
    samples_per_pixel: int = 1
    photometric: str = "MONOCHROME2"
    tiled: bool = False
    lossy: bool = False

    @property
    def name(self) -> str:
        """How a message names the frame: file, and frame number (from 1) where the file has several."""
        return self.path.name if self.index == 0 else f"{self.path.name} frame {self.index + 1}"


@dataclass(frozen=True)
class Series:
    """The frames of one DICOM series of one patient, in the order of file name and frame number.

    :param pulse_sequence: how its images were excited and read.
    :param contrast_agent: name of the contrast agent; '' where the headers name none.
    :param contrast_start: when its injection began.
    :param temporal_positions: how many time points the scanner says there are.
    :param part: which part of the DICOM series it is ("water", "TE 2.2 ms", "time point 2 of 4"); '' for the whole.
    :param notes: what the scan left out or doubted, in words.
    """

    series_uid: str
    study_uid: str
    frames: tuple[Frame, ...]
    description: str = ""
    number: int | None = None
    modality: str = ""
    protocol: str = ""
    manufacturer: str = ""
    model: str = ""
    study_date: date | None = None
    study_description: str = ""
    patient_id: str = ""
    patient_name: str = ""
    frame_of_reference_uid: str = ""
    pulse_sequence: PulseSequence = field(default_factory=PulseSequence)
    contrast_agent: str = ""
    contrast_start: datetime | None = None
    temporal_positions: int | None = None
    part: str = ""
    notes: tuple[str, ...] = field(default=())

    @cached_property
    def label(self) -> str:
        """How a message names the series: ``Series 7 'ep2d_diff'``, ``Series 9 't1_dixon' (water)``."""
        what = f"'{self.description}'" if self.description else f"'{self.protocol}'" if self.protocol else f"UID {self.series_uid}"
        part = f" ({self.part})" if self.part else ""
        return f"Series {what}{part}" if self.number is None else f"Series {self.number} {what}{part}"

    @property
    def patient_key(self) -> str:
        """What tells patients apart: the ID, or the name where there is no ID (one name is spelt in several ways)."""
        return self.patient_id or self.patient_name

    @property
    def patient(self) -> str:
        """How a message names the patient: ``Doe^Jane (ID 123)``."""
        return f"{self.patient_name or 'no name'} ({f'ID {self.patient_id}' if self.patient_id else 'no ID'})"

    @cached_property
    def b_values(self) -> tuple[float, ...]:
        """The different b-values (s/mm2) in its headers, ascending, as the scanner wrote them."""
        return tuple(sorted({frame.b_value for frame in self.frames if frame.b_value is not None}))

    @cached_property
    def sop_instance_uids(self) -> tuple[str, ...]:
        """UIDs of its files' objects, each once."""
        return tuple(dict.fromkeys(frame.sop_instance_uid for frame in self.frames))


def joint_label(series: Iterable[Series]) -> str:
    """How a message names series that are read together."""
    return " + ".join(one.label for one in series)


def joint_notes(series: Iterable[Series]) -> list[str]:
    """What was done to each of the series that are read together."""
    return [f"{one.label}: {note}" for one in series for note in one.notes]
