"""Lesion functions in a scene, from the click to the rows: what a user waits for. Needs the slicer-core wheel."""

import sys
from pathlib import Path

from table import Row, best_seconds, print_table

import numpy as np
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).parents[1] / "Python"))
from slicer_core_scene import SceneTestCase

from HCCResponseLib.lesions.necrosis_threshold import RelativeThreshold
from HCCResponseLib.phantom.lesion_images import lesion_image


class _Scene(SceneTestCase):
    def runTest(self):
        """Nothing: only the empty scene is wanted."""


def main() -> bool:
    """Print the table; return True when every target was met."""
    scene = _Scene()
    scene.setUp()
    import slicer

    from HCCResponseLib.scene.lesion_diameters import measure_diameters
    from HCCResponseLib.scene.lesion_necrosis import LesionNecrosis
    from HCCResponseLib.scene.lesion_volume import measure_volume
    from HCCResponseLib.scene.measurement_rows import Reading
    from HCCResponseLib.scene.outline_growth import SegmentGrowth
    from HCCResponseLib.scene.proposals import accept_proposal
    from HCCResponseLib.scene.segment_masks import add_segment, set_segment_mask
    from HCCResponseLib.scene.undo import Undo
    from HCCResponseLib.scene.volumes import add_volume

    scan = lesion_image("hypovascular", 1, shape=(60, 260, 320), spacing_mm=(1.2, 1.2, 3.0))
    lesion, geometry = scan.lesions[0], scan.geometry
    pre, post = (add_volume((scan.image * gain).astype(np.float32), geometry, f"T1 x {gain}") for gain in (1.0, 1.3))
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Lesions")
    for number in range(6):
        set_segment_mask(node, add_segment(node, f"Other {number}"), np.roll(lesion, 20 * (number + 1), axis=2), pre)
    k, j, i = ndimage.center_of_mass(lesion)
    click = (geometry.ijk_to_ras @ [i, j, k, 1.0])[:3]
    growth = SegmentGrowth(pre, click)
    segment_id, _outline = growth.write(node)

    rows = []

    def timed(what: str, function, limit_ms: float) -> None:
        milliseconds = 1000 * best_seconds(function)
        rows.append(Row(what, f"{milliseconds:.0f} ms", f"<= {limit_ms:g} ms", milliseconds <= limit_ms))

    def from_click():
        SegmentGrowth(pre, click).write(node, segment_id)

    timed("from the click to the outline in the scene, 3 cm lesion", from_click, 200)
    timed("another strength", lambda: growth.write(node, segment_id, strength=0.55), 50)
    accept_proposal(node, segment_id)
    reading = Reading("P1", 1, "A")
    timed("diameters: lines and rows", lambda: measure_diameters(node, segment_id, reading), 50)
    timed("volume: rows", lambda: measure_volume(node, segment_id, reading), 200)
    necrosis = LesionNecrosis(node, segment_id, post, pre)
    timed("necrosis: another threshold, numbers only", lambda: necrosis.classify(RelativeThreshold(20.0)), 50)
    result = necrosis.classify(RelativeThreshold(20.0))
    timed("necrosis: parts as segments, rows", lambda: necrosis.apply(result, reading), 200)
    timed("a state saved for undo, 10 segments", lambda: Undo().save(node), 50)
    scene.doCleanups()
    return print_table("Lesions in the scene, 320 x 260 x 60 voxels, one core", rows)


if __name__ == "__main__":
    sys.exit(not main())
