"""Speed, exactness, memory and growth of the pharmacokinetic fit, on one core.

Ratios are of processor times measured in turn in one run, so that what else the machine does falls on both sides.
"""

import functools
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

# First: holds BLAS to one thread before NumPy is imported.
from table import Row, print_table

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

import numpy as np
from scipy.optimize import least_squares
from scipy.signal import lfilter

from HCCResponseLib.phantom.input_function import arterial_input, portal_input
from HCCResponseLib.phantom.reference_object import make_reference_object
from HCCResponseLib.quantification.pharmacokinetics import fit

IMAGES, SPACING_S = 70, 4.3
TIME = np.arange(IMAGES) * SPACING_S
AIF = arterial_input(bolus_arrival_s=20.0)
NOISE = 0.02

PACKAGES = ("dcmri==0.6.20", "sepal==1.3.2")


def processor_seconds(function, repeats=5) -> float:
    """Shortest processor time of several calls."""
    times = []
    for _repeat in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def noisy_curves(model: str, voxels: int, sd: float = NOISE, dtype=np.float32, time_s=TIME, **options):
    """A reference object's curves, repeated to ``voxels`` voxels, with noise."""
    truth = make_reference_object(model, min(voxels, 2000), seed=1, time_s=time_s, **options)
    generator = np.random.default_rng(0)
    curves = np.empty((voxels, time_s.size), dtype)
    for start in range(0, voxels, len(truth.concentration)):
        piece = curves[start : start + len(truth.concentration)]
        piece[...] = truth.concentration[: len(piece)] + sd * generator.standard_normal(piece.shape)
    return truth, curves


class SciPyFit:
    """Extended Tofts by ``scipy.optimize.least_squares``, voxel by voxel, with the exact convolution on straight lines."""

    STARTS = ((0.2, 0.02, 0.5), (0.05, 0.1, 5.0), (0.5, 0.0, 0.05), (0.9, 0.3, 20.0), (0.3, 0.05, 2.0))
    REFINEMENT = 10

    def __init__(self):
        self.step = SPACING_S / self.REFINEMENT
        self.fine = np.arange((IMAGES - 1) * self.REFINEMENT + 1) * self.step
        self.plasma = AIF(self.fine)

    def exchange(self, kep):
        x = kep / 60 * self.step
        p1 = -np.expm1(-x) / x
        p2 = (1 - p1) / x if x > 1e-3 else 0.5 - x / 6 + x * x / 24
        gain = np.zeros_like(self.plasma)
        gain[1:] = self.step / 60 * (self.plasma[:-1] * (p1 - p2) + self.plasma[1:] * p2)
        return lfilter([1.0], [1.0, -np.exp(-x)], gain)[:: self.REFINEMENT]

    def model(self, parameters):
        ve, vp, kep = parameters
        return ve * kep * self.exchange(kep) + vp * self.plasma[:: self.REFINEMENT]

    def cost(self, curve, start):
        found = least_squares(
            lambda parameters: self.model(parameters) - curve, start, bounds=([0, 0, 1e-6], [1, 1, 30]), xtol=1e-10, ftol=1e-10, gtol=1e-10,
        )
        return 2 * found.cost

    def excess(self, curves):
        """Largest relative excess of this project's residual over the best of SciPy's from five starts."""
        result = fit(curves, TIME, self.plasma, aif_time_s=self.fine, aif_interpolation="linear", enhancement_level=None, threads=1)
        worst = -np.inf
        for number, curve in enumerate(curves):
            ktrans, kep, vp = result.ktrans[number], result.kep[number], result.vp[number]
            uptake = ktrans * self.exchange(max(kep, 1e-9)) if ktrans > 0 else 0.0
            residual = np.sum((uptake + vp * self.plasma[:: self.REFINEMENT] - curve) ** 2)
            best = min(self.cost(curve, start) for start in self.STARTS)
            # Of curves without noise the residual is rounding: it counts from a hundred-millionth of the signal on.
            worst = max(worst, (residual - best) / (best + 1e-14 * np.sum(curve**2)) if residual > 1e-16 * np.sum(curve**2) else 0)
        return worst


def public_packages() -> dict[str, float] | str:
    """Milliseconds per voxel of public packages, or why they could not be measured."""
    environment = REPOSITORY / "build" / "benchmark-packages"
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    try:
        if not (environment / "installed").exists():
            print(f"Installing {', '.join(PACKAGES)} into {environment.relative_to(REPOSITORY)} ...", flush=True)
            subprocess.run([sys.executable, "-m", "venv", environment], check=True, capture_output=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True, capture_output=True, timeout=600)
            (environment / "installed").touch()
        with tempfile.TemporaryDirectory() as folder:
            _truth, curves = noisy_curves("extended_tofts", 40, dtype=np.float64)
            fine = np.arange(0, TIME[-1] + 0.05, 0.05)
            file = Path(folder) / "curves.npz"
            np.savez(file, time_s=TIME, fine_time_s=fine, plasma=AIF(fine), concentration=curves)
            script = Path(__file__).with_name("fit_with_public_packages.py")
            answer = subprocess.run([python, script, file], check=True, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as error:
        return f"{type(error).__name__}: {str(error)[:100]}"
    return {name: float(value) for name, value in (line.split() for line in answer.stdout.splitlines())}


def speed() -> list[Row]:
    """Voxels per second of the extended Tofts fit against SciPy and public packages."""
    voxels = 300_000
    truth, curves = noisy_curves("extended_tofts", voxels)
    scipy_fit, some = SciPyFit(), curves[:40].astype(np.float64)
    own, other = [], []
    for _turn in range(4):
        own.append(processor_seconds(lambda: fit(curves, TIME, truth.arterial, threads=1), 2) / voxels)
        other.append(processor_seconds(lambda: [scipy_fit.cost(curve, scipy_fit.STARTS[0]) for curve in some], 1) / len(some))
    own, other = min(own), min(other)
    ratio = other / own
    rows = [
        Row("extended Tofts with standard errors", f"{1e-6 / own:.2f} M voxels/s"),
        Row("SciPy least_squares per voxel", f"{1 / other:.0f} voxels/s"),
        Row("ratio", f"{ratio:.0f} x", ">= 2000 x", ratio >= 2000),
    ]
    packages = public_packages()
    if isinstance(packages, str):
        rows.append(Row("public packages", "skipped", packages))
    else:
        rows += [Row(f"{name}, per voxel", f"{milliseconds:.1f} ms") for name, milliseconds in packages.items()]
        ratio = min(packages.values()) / 1e3 / own
        rows.append(Row("ratio to the fastest", f"{ratio:.0f} x", ">= 1000 x", ratio >= 1000))
    return rows


def other_models() -> list[Row]:
    """Voxels per second of the other models."""
    rows = []
    for label, model, options, voxels, target in (
        ("Tofts", "tofts", {}, 200_000, None),
        ("Patlak", "patlak", {}, 200_000, None),
        ("extended Tofts, delay fitted in 10 s", "extended_tofts", {"delay_s": (-2, 8)}, 50_000, 30_000),
        ("Patlak, delay fitted in 10 s", "patlak", {"delay_s": (-2, 8)}, 100_000, None),
        ("two-compartment exchange", "two_compartment_exchange", {}, 20_000, None),
        ("dual input", "dual_input", {}, 50_000, None),
        ("dual input, both delays fitted in 5 s", "dual_input", {"delay_s": (0, 5), "portal_delay_s": (0, 5)}, 4_000, None),
        ("dual-input extended Tofts", "dual_input_extended_tofts", {}, 20_000, None),
    ):
        delays = {"delay_range_s": (0.0, 5.0)} if "delay_s" in options else {}
        truth, curves = noisy_curves(model, voxels, **delays)
        options = options | ({"pvf": truth.portal} if truth.portal else {})
        fit_all = functools.partial(fit, curves, TIME, truth.arterial, model=model, threads=1, **options)
        rate = voxels / processor_seconds(fit_all, 3)
        measured = f"{rate / 1e3:.0f} k voxels/s"
        rows.append(Row(label, measured, f">= {target / 1e3:.0f} k" if target else "", rate >= target if target else None))
    return rows


def exactness() -> list[Row]:
    """Residuals against SciPy's, parameters against the reference object's."""
    scipy_fit, rows = SciPyFit(), []
    draw = np.random.default_rng(2).uniform
    count = 40
    parameters = np.column_stack([draw(0.02, 0.6, count), draw(0, 0.15, count), np.exp(draw(np.log(0.02), np.log(8), count))])
    clean = np.array([scipy_fit.model(row) for row in parameters])
    for kind, signal, sd in (("clean", 1, 0.0), ("noisy", 1, 0.02), ("very noisy", 1, 0.3), ("noise only", 0, 0.05)):
        worst = scipy_fit.excess(signal * clean + sd * np.random.default_rng(3).standard_normal(clean.shape))
        rows.append(Row(f"residual over SciPy's best of 5, {kind}", f"{worst:.1e}", "<= 1e-6", worst <= 1e-6))
    truth = make_reference_object("extended_tofts", 3000, seed=4)
    result = fit(truth.concentration, TIME, truth.arterial, threads=1)
    for name, relative, target in (("ktrans", True, 1e-4), ("ve", True, 1e-4), ("vp", False, 1e-5)):
        errors = np.abs(getattr(result, name) - truth.truth[name]) / (truth.truth[name] if relative else 1)
        error = np.percentile(errors, 95)
        rows.append(Row(f"noise-free {name}, 95th percentile", f"{error:.1e}", f"<= {target:.0e}", error <= target))
    smooth = portal_input(AIF, transit_s=3.0)
    truth = make_reference_object("extended_tofts", 1000, seed=5, arterial=smooth, delay_range_s=(-2.0, 6.0))
    result = fit(truth.concentration, TIME, smooth, delay_s=(-3, 8), threads=1)
    error = np.percentile(np.abs(result.ktrans / truth.truth["ktrans"] - 1), 95)
    rows.append(Row("noise-free ktrans with the delay fitted", f"{error:.1e}"))
    return rows


def memory() -> list[Row]:
    """Memory of a million voxels, beyond the curves and the maps."""
    truth, curves = noisy_curves("extended_tofts", 1_000_000)
    rows = []
    for label, voxels, options in (
        ("1e6 voxels, 1 thread", 1_000_000, {"threads": 1}),
        ("1e6 voxels, 2 threads", 1_000_000, {"threads": 2}),
        ("1e5 voxels, 1 thread, delay fitted", 100_000, {"threads": 1, "delay_s": (-2, 8)}),
    ):
        tracemalloc.start()
        result = fit(curves[:voxels], TIME, truth.arterial, **options)
        kept, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        del result
        beyond = (peak - kept) / 1e6
        rows.append(Row(label, f"{beyond:.0f} MB", "<= 100 MB", beyond <= 100))
    return rows


def growth() -> list[Row]:
    """Cost against the number of voxels and of images."""
    truth, curves = noisy_curves("extended_tofts", 1_000_000)
    rows, costs = [], {}
    for voxels in (1_000, 10_000, 100_000, 1_000_000):
        piece = curves[:voxels]
        costs[voxels] = processor_seconds(lambda c=piece: fit(c, TIME, truth.arterial, threads=1), 5 if voxels < 1e6 else 2)
        rows.append(Row(f"{voxels} voxels, {IMAGES} images", f"{1e3 * costs[voxels]:.0f} ms, {1e6 * costs[voxels] / voxels:.2f} us/voxel"))
    ratio = costs[1_000_000] / costs[100_000] / 10
    rows.append(Row("cost per voxel, 1e6 : 1e5 voxels", f"{ratio:.2f}", "<= 1.3 (linear)", ratio <= 1.3))
    del curves
    for images in (40, 70, 200, 500, 1050):
        time_s = np.arange(images) * SPACING_S
        truth, curves = noisy_curves("extended_tofts", 50_000, time_s=time_s)
        seconds = processor_seconds(lambda c=curves, t=time_s, a=truth.arterial: fit(c, t, a, threads=1), 3)
        rows.append(Row(f"50000 voxels, {images} images", f"{1e6 * seconds / 50_000:.2f} us/voxel"))
    return rows


def main() -> int:
    """Print the tables; return 1 when a target was missed."""
    met = True
    for title, rows in (
        (f"Pharmacokinetics: speed on one core, {IMAGES} images of {SPACING_S} s", speed),
        ("Other models", other_models),
        ("Exactness", exactness),
        ("Memory beyond input and output", memory),
        ("Growth of the cost", growth),
    ):
        met &= print_table(title, rows())
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
