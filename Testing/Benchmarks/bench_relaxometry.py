"""T1 from variable flip angles: speed on one core, against SciPy per voxel, cost against voxels, memory."""

import sys
import tracemalloc

from table import Row, best_seconds, print_table

import numpy as np
from scipy.optimize import least_squares

from HCCResponseLib.phantom import noise, signals
from HCCResponseLib.quantification.relaxometry import fit_t1_vfa

ANGLES = (2.0, 5.0, 12.0)
TR = 0.0054


def voxels(count: int, sigma: float = 2.0):
    """Signals of liver-like voxels, SNR about 30 at the middle flip angle; their T1 [s]; and a B1 map."""
    generator = np.random.default_rng(1)
    t1, m0, b1 = generator.uniform(0.3, 2.0, count), generator.uniform(1000, 2000, count), generator.uniform(0.8, 1.2, count)
    clean = signals.variable_flip_angle(m0, t1, ANGLES, TR, b1)
    return noise.rician(clean, sigma, seed=2), clean, t1, b1


def per_voxel(data) -> np.ndarray:
    """The usual way: SciPy's least_squares on each voxel; returns T1 [s]."""
    angles = np.radians(ANGLES)

    def residual(parameters, measured):
        e = np.exp(-TR / parameters[0])
        return parameters[1] * np.sin(angles) * (1 - e) / (1 - e * np.cos(angles)) - measured

    return np.array([least_squares(residual, [1.0, 1000.0], x_scale=[1.0, 1000.0], args=(measured,)).x[0] for measured in data])


def main() -> bool:
    """Print the tables; return True when every target was met."""
    count = 200_000
    data, clean, t1, b1 = voxels(count)
    cases = {
        "non-linear": (dict(signals=data), 1e6),
        "non-linear, B1 map": (dict(signals=data, b1=b1), 1e6),
        "non-linear, float32": (dict(signals=data.astype(np.float32)), 1e6),
        "linear": (dict(signals=data, method="linear"), 5e6),
        "linear, B1 map": (dict(signals=data, b1=b1, method="linear"), 5e6),
    }
    rows, rates = [], {}
    for name, (arguments, target) in cases.items():
        seconds = best_seconds(lambda arguments=arguments: fit_t1_vfa(flip_angles_deg=ANGLES, repetition_time_s=TR, **arguments))
        rate = rates[name] = count / seconds
        rows.append(Row(f"{name}, three flip angles", f"{rate / 1e6:.2f} M voxels/s", f">= {target / 1e6:g} M", rate >= target))
    few = data[:300]
    slow = len(few) / best_seconds(lambda: per_voxel(few), repeats=2)
    rows.append(Row("non-linear against SciPy least_squares per voxel", f"{rates['non-linear'] / slow:,.0f} x"))
    fit = fit_t1_vfa(clean, ANGLES, TR, b1=b1)
    error = float(np.max(np.abs(fit.t1 / t1 - 1)))
    rows.append(Row("noise-free, largest relative error of T1", f"{error:.1e}", "<= 1e-9", error <= 1e-9))
    difference = float(np.max(np.abs(fit_t1_vfa(few, ANGLES, TR).t1 / per_voxel(few) - 1)))
    rows.append(Row("noisy, largest difference from SciPy", f"{difference:.1e}", "<= 1e-4", difference <= 1e-4))

    cost = []
    for size in (1000, 10_000, 100_000, 1_000_000):
        sample = np.resize(data, (size, len(ANGLES)))
        seconds = best_seconds(lambda sample=sample: fit_t1_vfa(sample, ANGLES, TR), repeats=3)
        cost.append(Row(f"{size:,} voxels", f"{seconds / size * 1e9:.0f} ns per voxel"))
    tracemalloc.start()
    fit = fit_t1_vfa(sample, ANGLES, TR)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    extra = (peak - sum(value.nbytes for value in (fit.t1, fit.m0, fit.t1_standard_error, fit.valid, fit.status))) / 1e6
    cost.append(Row("memory beyond input and output, 1,000,000 voxels", f"{extra:.1f} MB", "<= 100 MB", extra <= 100))
    met = print_table("T1 from variable flip angles, one core", rows)
    return print_table("Cost", cost) and met


if __name__ == "__main__":
    sys.exit(not main())
