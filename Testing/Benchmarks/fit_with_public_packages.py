"""Fit voxels with public packages of the field and print processor milliseconds per voxel; runs in the environment they are installed in.

Argument: an .npz file with ``time_s``, ``fine_time_s``, ``plasma`` (at the fine times) and ``concentration`` (voxels, times).
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import sys
import time
import warnings

import numpy as np


def sepal_milliseconds(data) -> float:
    """Extended Tofts on concentrations, at its default (coarsest, fastest) convolution."""
    from sepal import aifs, dce_fit, pk_models

    plasma = aifs.PatientSpecific(data["fine_time_s"], data["plasma"])
    fitter = dce_fit.ConcToPKP(pk_models.ExtendedTofts(data["time_s"], plasma), check_ve_vp_sum=False)
    start = time.process_time()
    for curve in data["concentration"]:
        fitter.proc(curve)
    return 1e3 * (time.process_time() - start) / len(data["concentration"])


def dcmri_milliseconds(data) -> float:
    """Extended Tofts ("high flow") on spoiled gradient echo signals, the only input it takes."""
    import dcmri

    repetition_time_s, angle_deg, relaxivity, hematocrit = 0.005, 15, 5.0, 0.42
    blood = (1 - hematocrit) * np.interp(data["time_s"], data["fine_time_s"], data["plasma"])
    vessel = dcmri.signal_ss(100, 1 / 1.6 + relaxivity * blood, repetition_time_s, angle_deg)
    tissues = dcmri.signal_ss(100, 1 / 0.8 + relaxivity * data["concentration"], repetition_time_s, angle_deg)
    start = time.process_time()
    for signal in tissues:
        dcmri.Tissue(
            "HF", "FF", aif=vessel, t=data["time_s"], r1=1e3 * relaxivity, R10=1 / 0.8, R10a=1 / 1.6, TR=repetition_time_s, FA=angle_deg,
            H=hematocrit, n0=4,
        ).train(data["time_s"], signal)
    return 1e3 * (time.process_time() - start) / len(tissues)


def main() -> None:
    """Print one line per package: name and milliseconds."""
    warnings.simplefilter("ignore")
    with np.load(sys.argv[1]) as file:
        data = dict(file)
    for name, milliseconds in (("sepal", sepal_milliseconds), ("dcmri", dcmri_milliseconds)):
        print(name, milliseconds(data))


if __name__ == "__main__":
    main()
