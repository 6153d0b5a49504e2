"""ADC and IVIM: speed on one core, against SciPy per voxel and against reading the memory, accuracy, cost, memory."""

import sys
import tracemalloc

from table import Row, best_seconds, print_table

import numpy as np
from scipy.optimize import curve_fit, least_squares

from HCCResponseLib.phantom import noise, signals
from HCCResponseLib.quantification.diffusion import D_LIMITS, D_STAR_LIMITS, fit_adc, fit_ivim

SERIES = {"3 b-values": [0, 400, 1400], "4 b-values": [0, 50, 400, 800], "16 b-values": np.linspace(0, 1000, 16)}
IVIM_B = np.array([0, 1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 250, 350, 400, 550, 700, 850, 1000], float)
# f, D, D* [mm2/s] of fourteen tissues of the trunk, from heart and liver to kidney and bone marrow.
TISSUES = np.array(
    [
        [0.15, 0.0024, 0.08], [0.07, 0.0015, 0.07], [0.1, 0.00137, 0.0263], [0.11, 0.0015, 0.1], [0.32, 0.00167, 0.03],
        [0.3, 0.0015, 0.012], [0.15, 0.0013, 0.01], [0.097, 0.00212, 0.02], [0.158, 0.00209, 0.019], [0.2, 0.0013, 0.03],
        [0.178, 0.00041, 0.0289], [0.145, 0.00043, 0.05], [0.69, 0.00131, 0.029], [0.07, 0.003, 0.01],
    ],
)  # fmt: skip


def tissue(count: int, b_values, sigma: float = 0.0):
    """ADC [mm2/s] of liver, lesions and cysts alike, and their signals of S0 = 300 to 600."""
    generator = np.random.default_rng(1)
    adc, s0 = generator.uniform(0.4e-3, 3e-3, count), generator.uniform(300, 600, count)
    clean = signals.diffusion(s0, adc, b_values)
    return adc, noise.rician(clean, sigma, seed=2) if sigma else clean


def rate(function, count: int) -> float:
    """Voxels per second; short runs, many of them, so that on a busy machine some are undisturbed."""
    return count / best_seconds(function, repeats=25)


def scipy_adc(data, b_values):
    """The usual way: curve_fit on each voxel, started from the two ends of the curve; returns ADC [mm2/s]."""
    b = np.asarray(b_values, float)
    result = []
    for samples in data:
        start = [samples[0], max(np.log(samples[0] / samples[-1]) / (b[-1] - b[0]), 1e-5)]
        result.append(curve_fit(lambda b, s0, adc: s0 * np.exp(-b * adc), b, samples, start, xtol=1e-12, ftol=1e-12)[0][1])
    return np.array(result)


def scipy_ivim(data, starts):
    """Least squares of all four parameters on each voxel, the best of several starts; returns the sums of squares."""
    limits = [0, 0, D_LIMITS[0], D_STAR_LIMITS[0]], [3, 3, D_LIMITS[1], D_STAR_LIMITS[1]]

    def residual(x, samples):
        return x[0] * np.exp(-IVIM_B * x[2]) + x[1] * np.exp(-IVIM_B * x[3]) - samples

    return np.array(
        [
            min(
                2 * least_squares(residual, x, args=(samples,), bounds=limits, x_scale=[1, 1, 1e-3, 1e-2], xtol=1e-12, ftol=1e-12).cost
                for x in starts
            )
            for samples in data
        ],
    )


def adc_rows() -> list[Row]:
    count, rows = 50_000, []
    for name, b in SERIES.items():
        for dtype in (np.float32, np.float64):
            data = tissue(count, b, 10)[1].astype(dtype)
            for method in ("wlls", "lls", "nlls"):
                speed = rate(lambda data=data, b=b, method=method: fit_adc(data, b, method=method), count) / 1e6
                target, met = (">= 5 M", speed >= 5) if method == "wlls" and len(b) <= 4 else ("", None)
                rows.append(Row(f"{method}, {name}, {data.dtype}", f"{speed:.1f} M voxels/s", target, met))
    b = SERIES["4 b-values"]
    data = tissue(4_000_000, b, 10)[1].astype(np.float32)
    inside = np.zeros(len(data), bool)
    inside[::10] = True
    reading = best_seconds(data.max)  # the largest value: reads all, computes next to nothing
    fitting = best_seconds(lambda: fit_adc(data, b), repeats=3)
    rows.append(Row("reading the memory once, float32", f"{data.nbytes / reading / 1e9:.1f} GB/s"))
    rows.append(Row("wlls, 4 b-values, float32: time against reading its input", f"{fitting / reading:.0f} x"))
    masked = best_seconds(lambda: fit_adc(data, b, mask=inside), repeats=3)
    rows.append(Row("the same within a mask of one tenth: time against no mask", f"{masked / fitting:.2f} x"))
    return rows


def accuracy_rows() -> list[Row]:
    rows = []
    b = SERIES["4 b-values"]
    few = tissue(300, b, 10)[1]
    slow = rate(lambda: scipy_adc(few[:20], b), 20)
    many = tissue(50_000, b, 10)[1]
    for method in ("wlls", "nlls"):
        fast = rate(lambda method=method: fit_adc(many, b, method=method), len(many))
        rows.append(Row(f"{method} against SciPy curve_fit per voxel, speed", f"{fast / slow:,.0f} x"))
    difference = float(np.nanmax(np.abs(fit_adc(few, b, method="nlls").adc / scipy_adc(few, b) - 1)))
    rows.append(Row("nlls, noisy: largest relative difference from SciPy", f"{difference:.1e}", "<= 1e-5", difference <= 1e-5))
    for method in ("wlls", "lls", "nlls"):
        error = max(
            float(np.max(np.abs(fit_adc(data, b, method=method).adc / adc - 1)))
            for b, (adc, data) in ((b, tissue(50_000, b)) for b in SERIES.values())
        )
        rows.append(Row(f"{method}, noise-free: largest relative error", f"{error:.1e}", "<= 1e-9", error <= 1e-9))
    repeated = noise.gaussian(np.tile(signals.diffusion(400, 1.2e-3, b), (100_000, 1)), 10, seed=3)
    for method in ("wlls", "lls", "nlls"):
        fit = fit_adc(repeated, b, method=method)
        ratio = float(np.sqrt(np.mean(fit.adc_standard_error**2)) / fit.adc.std())
        rows.append(Row(f"{method}: standard error against simulated scatter", f"{ratio:.3f}", "1 +- 0.03", abs(ratio - 1) <= 0.03))
    return rows


def ivim_rows() -> list[Row]:
    rows = []
    truth = np.repeat(TISSUES, 5000, axis=0)
    clean = signals.ivim(np.ones(len(truth)), truth[:, 1], truth[:, 2], truth[:, 0], IVIM_B)
    data = noise.rician(clean, 1 / 50, seed=4)
    part = np.random.default_rng(7).permutation(data)[:32768]
    for method in ("biexponential", "segmented"):
        speed = len(part) / best_seconds(lambda method=method: fit_ivim(part, IVIM_B, method=method)) / 1e3
        target, met = (">= 50 k", speed >= 50) if method == "biexponential" else ("", None)
        rows.append(Row(f"{method}, 18 b-values, SNR 50", f"{speed:.0f} k voxels/s", target, met))
        fit = fit_ivim(data, IVIM_B, method=method)
        error = np.abs(fit.f - truth[:, 0]).reshape(len(TISSUES), -1)
        middle, pooled = float(np.median(np.nanmedian(error, axis=1))), float(np.nanmedian(error))
        target, met = ("<= 0.017", middle <= 0.017) if method == "biexponential" else ("", None)
        rows.append(Row(f"{method}: median error of f, middle tissue", f"{middle:.4f}", target, met))
        rows.append(Row(f"{method}: median error of f, all voxels", f"{pooled:.4f}"))
        rows.append(Row(f"{method}: voxels with D and f / with D* too", f"{fit.valid.mean():.3f} / {np.isfinite(fit.d_star).mean():.3f}"))
    rows.append(Row("Cramer-Rao bound of the median error of f, all voxels", f"{bound():.4f}"))

    starts = [(0.9, 0.1, 1e-3, 0.02), (0.7, 0.3, 0.7e-3, 0.01), (0.8, 0.2, 2e-3, 0.15), (0.5, 0.5, 1.5e-3, 0.04), (0.9, 0.1, 2.8e-3, 0.1)]
    few = part[:60]
    fast = len(part) / best_seconds(lambda: fit_ivim(part, IVIM_B, method="biexponential"))
    slow = rate(lambda: scipy_ivim(few[:2], starts[:1]), 2)
    rows.append(Row("biexponential against SciPy least_squares, one start, speed", f"{fast / slow:,.0f} x"))
    fit = fit_ivim(few, IVIM_B, method="biexponential")
    excess = float(np.nanmax(fit.rmse**2 * IVIM_B.size / scipy_ivim(few, starts) - 1))
    rows.append(Row("largest excess of a residual over SciPy from five starts", f"{max(excess, 0):.1e}", "<= 1e-6", excess <= 1e-6))
    return rows


def bound() -> float:
    """Median error of f of an ideal unbiased estimator, over all tissues, at a signal-to-noise ratio of 50."""
    spread = []
    for f, d, d_star in TISSUES:
        slow, fast = np.exp(-IVIM_B * d), np.exp(-IVIM_B * d_star)
        jacobian = np.stack([(1 - f) * slow + f * fast, fast - slow, -IVIM_B * (1 - f) * slow, -IVIM_B * f * fast], axis=1)
        spread.append(np.sqrt(np.linalg.inv(jacobian.T @ jacobian)[1, 1]) / 50)
    return float(np.median(np.abs(np.outer(spread, np.random.default_rng(5).standard_normal(10_000)))))


def cost_rows() -> list[Row]:
    rows = []
    b = SERIES["4 b-values"]
    base = tissue(100_000, b, 10)[1].astype(np.float32)
    for size in (1000, 10_000, 100_000, 1_000_000):
        data = np.resize(base, (size, len(b)))
        seconds = best_seconds(lambda data=data: fit_adc(data, b), repeats=3)
        rows.append(Row(f"wlls, {size:,} voxels", f"{seconds / size * 1e9:.0f} ns per voxel"))
    perfused = noise.rician(signals.ivim(np.ones(1000), 1.2e-3, 0.05, 0.2, IVIM_B), 0.02, seed=6).astype(np.float32)
    many = np.resize(perfused, (100_000, IVIM_B.size))
    for name, fit, samples, series in (
        ("wlls, 1,000,000 voxels", fit_adc, data, b),
        ("nlls, 1,000,000 voxels", lambda s, b: fit_adc(s, b, method="nlls"), data, b),
        ("IVIM biexponential, 100,000 voxels", lambda s, b: fit_ivim(s, b, method="biexponential"), many, IVIM_B),
    ):
        tracemalloc.start()
        result = fit(samples, series)
        kept, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        del result
        rows.append(Row(f"memory beyond input and output, {name}", f"{(peak - kept) / 1e6:.1f} MB", "<= 100 MB", peak - kept <= 100e6))
    return rows


def main() -> bool:
    """Print the tables; return True when every target was met."""
    met = [
        print_table("ADC, speed on one core", adc_rows()),
        print_table("ADC, accuracy and SciPy", accuracy_rows()),
        print_table("IVIM, one core", ivim_rows()),
        print_table("Diffusion, cost", cost_rows()),
    ]
    return all(met)


if __name__ == "__main__":
    sys.exit(not main())
