"""Parameter maps in a scene: the curve at the crosshair, which a user waits for at every move, and whole maps. Needs slicer-core."""

import sys
import time
import tracemalloc
from pathlib import Path

from table import Row, best_seconds, print_table

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "Python"))
from slicer_core_scene import SceneTestCase

from HCCResponseLib.geometry import Geometry
from HCCResponseLib.quantification.arterial_input import parker
from HCCResponseLib.quantification.contrast import concentration_to_signal
from HCCResponseLib.quantification.pharmacokinetics import evaluate

GEOMETRY = Geometry.from_parts((16, 90, 90), (3.2, 3.2, 5.0))
TIMES = 4.3 * np.arange(70)
SEQUENCE = dict(flip_angle_deg=15.0, repetition_time_s=0.0045, relaxivity=5.0)


class _Scene(SceneTestCase):
    def runTest(self):
        """Nothing: only the empty scene is wanted."""


def series() -> np.ndarray:
    """Signals (k, j, i, t) of extended Tofts tissue with noise."""
    rng = np.random.default_rng(1)
    tissue = {name: rng.uniform(low, high, 500) for name, low, high in (("ktrans", 0.05, 0.4), ("ve", 0.1, 0.4), ("vp", 0.01, 0.1))}
    curves = evaluate(tissue, TIMES, lambda t: parker(t, bolus_arrival_s=20.0), model="extended_tofts")
    signals = concentration_to_signal(curves, baseline=500.0, t1_s=0.8, **SEQUENCE).astype(np.float32)
    chosen = signals[rng.integers(0, 500, np.prod(GEOMETRY.shape))]
    chosen += rng.normal(0, 8, chosen.shape).astype(np.float32)
    return chosen.reshape(*GEOMETRY.shape, TIMES.size)


def main() -> bool:
    """Print the table; return True when every target was met."""
    scene = _Scene()
    scene.setUp()
    import slicer

    from HCCResponseLib.scene.arterial_input import population_input
    from HCCResponseLib.scene.curve_plot import show_curves
    from HCCResponseLib.scene.dynamic_series import add_dynamic_series
    from HCCResponseLib.scene.flip_angles import set_flip_angle_deg, set_repetition_time_s
    from HCCResponseLib.scene.perfusion import check_dynamic, compute_perfusion
    from HCCResponseLib.scene.relaxometry import compute_t1
    from HCCResponseLib.scene.segment_masks import add_segment, set_segment_mask
    from HCCResponseLib.scene.voxel_curve import curve_at, curve_of_segment, flip_angle_curve_at
    from HCCResponseLib.scene.volumes import add_volume

    sequence = add_dynamic_series(series(), TIMES, GEOMETRY, "DCE")
    e = np.exp(-0.0045 / 0.8)
    volumes = []
    for angle in (5.0, 10.0, 15.0):
        signal = 9000 * np.sin(np.radians(angle)) * (1 - e) / (1 - e * np.cos(np.radians(angle)))
        noise = np.random.default_rng(int(angle)).normal(0, 4, GEOMETRY.shape)
        volumes.append(add_volume(np.float32(signal + noise), GEOMETRY, f"VFA {angle:g}"))
    for node, angle in zip((*volumes, sequence), (5.0, 10.0, 15.0, 15.0), strict=True):
        set_flip_angle_deg(node, angle)
        set_repetition_time_s(node, 0.0045)
    aif = population_input(sequence, arrival_s=20.0)
    t1_map = compute_t1(volumes)
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Outlines")
    lesion = np.zeros(GEOMETRY.shape, bool)
    lesion[5:11, 30:45, 30:45] = True
    segment_id = add_segment(segmentation, "Lesion")
    set_segment_mask(segmentation, segment_id, lesion, volumes[0])
    point = (GEOMETRY.ijk_to_ras @ [35.0, 35.0, 7.0, 1.0])[:3]
    settings = dict(relaxivity=5.0, t1_map=t1_map)
    region = (segmentation, [segment_id])

    rows = []

    def timed(what: str, function, limit_ms: float | None, repeats: int = 20) -> float:
        seconds = best_seconds(function, repeats)
        target = "" if limit_ms is None else f"<= {limit_ms:g} ms"
        rows.append(Row(what, f"{1000 * seconds:.0f} ms", target, None if limit_ms is None else 1000 * seconds <= limit_ms))
        return seconds

    timed("signal curve at the crosshair, 70 images", lambda: curve_at(sequence, point), 50)
    timed("concentration with extended Tofts fit", lambda: curve_at(sequence, point, aif, **settings), 50)
    timed("the same, delay fitted", lambda: curve_at(sequence, point, aif, delay_s=(-2.0, 8.0), **settings), 50)
    timed("flip angle curve with T1", lambda: flip_angle_curve_at(volumes, point), 50)
    timed("mean curve of a lesion with fit", lambda: curve_of_segment(sequence, segmentation, segment_id, aif, **settings), 100)
    curve = curve_at(sequence, point, aif, **settings)
    chart = show_curves([curve])
    timed("into the chart", lambda: show_curves([curve], chart_node=chart), 10)
    timed("what is said before computing", lambda: check_dynamic(sequence, input_node=aif, t1_map=t1_map, region=region), 100)
    again = dict(map_nodes=compute_perfusion(sequence, aif, region=region, **settings), **settings)
    timed("maps of one lesion", lambda: compute_perfusion(sequence, aif, region=region, **again), 500, 5)
    whole = timed("maps of all 129 600 voxels", lambda: compute_perfusion(sequence, aif, **settings), None, 1)
    rows.append(Row("voxels per second", f"{np.prod(GEOMETRY.shape) / whole:,.0f}"))
    tracemalloc.start()
    start = time.perf_counter()
    compute_perfusion(sequence, aif, **again)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    size = np.prod(GEOMETRY.shape) * TIMES.size * 4
    text = f"{peak / 1e6:.0f} MB, {peak / size:.1f} x the series ({time.perf_counter() - start:.1f} s while traced)"
    rows.append(Row("most memory of arrays beyond the scene", text))
    return print_table("Parameter maps in the scene", rows)


if __name__ == "__main__":
    sys.exit(not main())
