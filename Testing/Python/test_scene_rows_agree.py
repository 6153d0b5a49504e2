"""The scene and the command line measure the same lesion with the same numbers and the same words."""

import tempfile
import types
import unittest
from pathlib import Path

from slicer_core_scene import SceneTestCase  # before slicer: it skips where there is none
from test_scene_lesion_necrosis import READING, NecrosisTestCase

from HCCResponseLib.lesions.necrosis_threshold import ReferenceThreshold
from HCCResponseLib.response.region_types import RegionType
from HCCResponseLib.response.rows import Subject
from HCCResponseLib.scene.lesion_diameters import measure_diameters, measure_viable_diameters
from HCCResponseLib.scene.lesion_volume import measure_volume
from HCCResponseLib.scene.measurement_rows import rows_of
from HCCResponseLib.workflow.lesion_steps import HAEMORRHAGE_K, LesionImages, lesion_step
from HCCResponseLib.workflow.outline import Outline


class TestRowsAgree(NecrosisTestCase):
    def test_size_and_necrosis(self):
        measure_volume(self.node, self.segment_id, READING)
        measure_diameters(self.node, self.segment_id, READING)
        necrosis = self.analysis()
        blood = ReferenceThreshold(necrosis.measure_reference(before_contrast=True), k=HAEMORRHAGE_K)
        necrosis.apply(necrosis.classify(necrosis.half_enhancement(), haemorrhage=blood), READING)
        measure_viable_diameters(self.node, self.segment_id, READING)
        wanted = {(row.quantity, row.method): row.value for row in rows_of(self.node, self.segment_id, READING)}

        def image(array):
            return types.SimpleNamespace(array=array, geometry=self.geometry, series=types.SimpleNamespace(series_uid="1.2"))

        outline = Outline("Lesion 1", self.lesion, self.geometry, Path("x"), RegionType.LESION)
        liver = Outline("reference", self.liver, self.geometry, Path("x"), RegionType.LIVER_REFERENCE)
        images = LesionImages(image(self.pre), (image(self.post),), None, None)
        with tempfile.TemporaryDirectory() as folder:
            found = lesion_step(
                Path(folder),
                {"2.25.1": outline},
                liver,
                images,
                lambda uid, name, series: Subject("P1", 1, uid, name, "2024-03-04T10:00:00", series),
            )
        found = {(row["quantity"], row["method"]): row["value"] for row in found["rows"]}
        self.assertEqual(found.keys(), wanted.keys())
        self.assertEqual(len(found), 16)
        for key, value in wanted.items():
            self.assertAlmostEqual(found[key], value, places=9, msg=key)


del SceneTestCase, NecrosisTestCase

if __name__ == "__main__":
    unittest.main()
