"""The job ``hccresponse demo``: a generated examination, the real job on it, and the truth beside the result."""

import argparse
import shutil
from collections.abc import Callable

from ..errors import InputError
from ..phantom.abdomen import AbdomenDiffusion, diffusion_examination
from ..phantom.dicom_series import SeriesHeader, write_series
from ..workflow.adc import AdcJob
from ..workflow.label_maps import Region, write_segmentation
from . import adc

__all__ = ["run"]

OUTLINED = ("lesion 1, viable", "lesion 2, viable rim", "lesion 2, necrotic core", "lesion 3, treated", "liver", "spleen")


def run(chosen: argparse.Namespace, parse: Callable[[list[str]], argparse.Namespace]) -> AdcJob:
    """Generate, run, compare.

    :param chosen: the command line of the demo; ``parse`` reads one of another job.
    :raises InputError: the output folder holds something that is not an earlier demo.
    """
    output = chosen.output
    dicom = output / "dicom"
    if output.exists() and any(output.iterdir()) and not dicom.is_dir():
        raise InputError(f"The folder '{output}' is not empty and not of an earlier demo; name another with --output.")
    shutil.rmtree(dicom, ignore_errors=True)
    print("Generating a diffusion examination of a liver with three lesions ...", flush=True)
    examination = diffusion_examination()
    header = SeriesHeader(description="ep2d_diff_b0_50_400_800", number=5, patient_id="DEMO", patient_name="Demo^Liver")
    files = write_series(dicom, examination.volumes, examination.geometry, header, vendor="siemens")
    outlines = output / "outlines.seg.nrrd"
    write_segmentation(outlines, [Region(name, examination.regions[name]) for name in OUTLINED], examination.geometry)
    print(f"{len(files)} DICOM files in {dicom}, outlines in {outlines}")
    arguments = ["adc", str(dicom), "--mask", str(outlines), "--output", str(output / "adc")]
    print(f"\n$ hccresponse {' '.join(arguments)}", flush=True)
    job = adc.run(parse(arguments))
    print_comparison(examination, job)
    print(f"\nThe results are in {output / 'adc'}: open adc.png for a picture, or adc.nrrd and {outlines.name} in 3D Slicer.")
    return job


def print_comparison(examination: AbdomenDiffusion, job: AdcJob) -> None:
    """Print true and measured ADC of every outlined tissue."""
    print(f"\n{'ADC, 10⁻³ mm²/s':<26}{'true':>6}{'measured':>10}{'difference':>12}{'voxels':>8}")
    for one in job.regions:
        true, measured = 1e3 * examination.true_adc(one.region.name), 1e3 * one.statistics.median
        print(f"{one.region.name:<26}{true:6.2f}{measured:10.3f}{(measured - true) / true:+12.1%}{one.statistics.n:8d}")
