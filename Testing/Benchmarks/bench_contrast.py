"""Signal to concentration and back: speed on one core, exactness, cost against voxels, memory."""

import sys
import tracemalloc

from table import Row, best_seconds, print_table

import numpy as np

from HCCResponseLib.phantom import signals
from HCCResponseLib.phantom.reference_object import make_reference_object
from HCCResponseLib.quantification.contrast import concentration_to_signal, convert_signals, signal_to_concentration

SEQUENCE = dict(flip_angle_deg=15.0, repetition_time_s=0.0045, relaxivity=4.5)


def main() -> bool:
    """Print the tables; return True when every target was met."""
    made = make_reference_object("extended_tofts", 1000, seed=1)
    count, times = 50_000, made.time_s.size
    generator = np.random.default_rng(2)
    concentration = np.tile(made.concentration, (count // 1000, 1))
    t1, b1 = generator.uniform(0.5, 1.5, count), generator.uniform(0.8, 1.2, count)
    data = signals.dynamic_spgr(concentration, m0=1000.0, t1_s=t1, b1=b1, **SEQUENCE)
    arguments = dict(t1_s=t1, b1=b1, **SEQUENCE)

    rows = []
    for name, values in (("float64", data), ("float32", data.astype(np.float32))):
        rate = count / best_seconds(lambda values=values: signal_to_concentration(values, baseline=(0, 4), **arguments))
        what = f"signal to concentration, {times} images, T1 and B1 maps, {name}"
        rows.append(Row(what, f"{rate / 1e6:.2f} M curves/s", ">= 1 M", rate >= 1e6))
    before = data[:, :4].mean(axis=1)
    rate = count / best_seconds(lambda: concentration_to_signal(concentration, baseline=before, **arguments))
    rows.append(Row(f"concentration to signal, {times} images", f"{rate / 1e6:.2f} M curves/s"))
    found = signal_to_concentration(data, baseline=(0, 4), **arguments)
    error = float(np.max(np.abs(found - concentration)))
    rows.append(Row("largest error of the concentration", f"{error:.1e} mM", "<= 1e-10", error <= 1e-10))
    back = float(np.max(np.abs(concentration_to_signal(found, baseline=before, **arguments) / data - 1)))
    rows.append(Row("there and back, largest relative error of the signal", f"{back:.1e}", "<= 1e-10", back <= 1e-10))

    cost = []
    for size in (1000, 10_000, 50_000):
        seconds = best_seconds(
            lambda size=size: convert_signals(data[:size], baseline=(0, 4), t1_s=t1[:size], b1=b1[:size], **SEQUENCE), repeats=3,
        )
        cost.append(Row(f"{size:,} curves", f"{seconds / size * 1e9:.0f} ns per curve"))
    tracemalloc.start()
    result = convert_signals(data, baseline=(0, 4), **arguments)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    extra = (peak - sum(value.nbytes for value in (result.concentration, result.baseline, result.valid, result.status))) / 1e6
    cost.append(Row(f"memory beyond input and output, {count:,} curves", f"{extra:.1f} MB", "<= 100 MB", extra <= 100))
    met = print_table("Concentration of contrast agent, one core", rows)
    return print_table("Cost", cost) and met


if __name__ == "__main__":
    sys.exit(not main())
