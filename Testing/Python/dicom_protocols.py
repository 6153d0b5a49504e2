"""Series of liver protocols as plain values, and written in the habits of manufacturers, for the tests of recognition."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from pydicom.dataset import Dataset

from HCCResponseLib.dicom import Frame, Series
from HCCResponseLib.dicom.pulse_sequence import Echo, PulseSequence

__all__ = ["BEGIN", "at", "edit_tags", "private", "series"]

BEGIN = datetime(2024, 3, 1, 9, 30)
"""When the examinations begin."""


def at(seconds: float | None, begin: datetime = BEGIN) -> datetime | None:
    return None if seconds is None else begin + timedelta(seconds=seconds)


def series(
    description: str = "",
    number: int = 1,
    *,
    start: float | None = 0.0,
    times: tuple[float, ...] = (0.0,),
    te: float | None = 1.3,
    tr: float | None = 4.0,
    fa: float | tuple[float, ...] | None = 10.0,
    ti: float | None = None,
    echo: Echo = Echo.GRADIENT,
    fs: bool | None = None,
    volumetric: bool | None = True,
    train: int | None = 1,
    field: float | None = 1.5,
    single_shot: bool = False,
    balanced: bool = False,
    names: tuple[str, ...] = (),
    image_type: str = "ORIGINAL\\PRIMARY\\M",
    slices: int = 3,
    columns: int = 8,
    agent: str = "",
    injected: float | None = None,
    begin: datetime = BEGIN,
    **fields,
) -> Series:
    """A series as the scan would give it; times in seconds after ``begin``, TE, TR and TI in milliseconds."""
    angles = fa if isinstance(fa, tuple) else (fa,) * len(times)
    frames = tuple(
        Frame(
            Path(f"{number}_{t}_{k}"), 0, f"1.2.{number}.{t}.{k}", 8, columns,
            instance_number=1 + k + t * slices,
            position_lps=(0.0, 0.0, 5.0 * k), row_direction_lps=(1.0, 0.0, 0.0), column_direction_lps=(0.0, 1.0, 0.0),
            pixel_spacing_mm=(1.5, 1.5), slice_thickness_mm=5.0,
            image_type=tuple(image_type.split("\\")),
            echo_time_s=None if te is None else te * 1e-3,
            repetition_time_s=None if tr is None else tr * 1e-3,
            inversion_time_s=None if ti is None else ti * 1e-3,
            flip_angle_deg=angles[t],
            acquired=at(None if start is None else start + seconds, begin),
            temporal_position=t + 1 if len(times) > 1 else None,
        )
        for t, seconds in enumerate(times)
        for k in range(slices)
    )
    sequence = PulseSequence(
        echo=echo, fat_suppressed=fs, volumetric=volumetric, echo_train_length=train, field_t=field, single_shot=single_shot,
        balanced=balanced, names=names,
    )
    fields = {"study_uid": "1.1", "patient_id": "A", "manufacturer": "SIEMENS", "modality": "MR", "frame_of_reference_uid": "1.9", **fields}
    return Series(
        f"1.2.{number}", frames=frames, description=description, number=number, pulse_sequence=sequence, contrast_agent=agent,
        contrast_start=at(injected, begin), **fields,
    )


def private(group: int, creator: str, offset: int, vr: str, value) -> Callable[[Dataset], None]:
    """A change of a header: a private element."""
    return lambda d: d.private_block(group, creator, create=True).add_new(offset, vr, value)


def edit_tags(edit: Callable, paths: list[Path], *changes: Callable[[Dataset], None], **tags) -> None:
    """Set elements of written files by ``edit``, a test case's; a tag of None is taken away."""

    def change(d: Dataset) -> None:
        for name, value in tags.items():
            if value is None:
                if name in d:
                    delattr(d, name)
            else:
                setattr(d, name, value)
        for more in changes:
            more(d)

    for path in paths:
        edit(path, change)
